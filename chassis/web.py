"""The HTTP side of a service: /metrics for Prometheus and /healthz for whoever restarts it."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.lifetime import Lifetime


class WebServer:
    """Serves plain HTTP; it tells nothing that a stranger may not know."""

    def __init__(self, lifetime: Lifetime, healthy: Callable[[], str]) -> None:
        self._lifetime = lifetime
        self._healthy = healthy
        application = web.Application()
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, bind: str) -> str:
        """Bind, serve and return host:port; raises OSError."""
        host, port = bind.rsplit(":", 1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host.strip("[]"), int(port))
        await site.start()
        return f"{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close at once: nothing that is asked here is worth waiting for."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, request: web.Request) -> web.Response:
        del request
        trouble = "the service is stopping" if self._lifetime.stopping.is_set() else self._healthy()
        status = 503 if trouble else 200
        return web.json_response({"healthy": not trouble, "trouble": trouble}, status=status)
