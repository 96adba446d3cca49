"""The HTTP side of a service: /metrics for Prometheus and /healthz for whoever restarts it.

Two pages and a request a connection need no framework, which every start of a service would pay.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.lifetime import Lifetime

HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 16 * 1024
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Page:
    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"

    def encoded(self, with_body: bool) -> bytes:
        lines = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            "Allow: GET, HEAD",
            "Connection: close",
        )
        return "\r\n".join(lines).encode() + HEAD_END + (self.body if with_body else b"")


class WebServer:
    """Serves plain HTTP; it tells nothing that a stranger may not know."""

    def __init__(self, lifetime: Lifetime, healthy: Callable[[], str]) -> None:
        self._lifetime = lifetime
        self._healthy = healthy
        self._pages = {"/metrics": self._metrics, "/healthz": self._healthz}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, bind: str) -> str:
        """Bind, serve and return host:port; raises OSError."""
        host, port = bind.rsplit(":", 1)
        self._server = await asyncio.start_server(
            self._serve, host.strip("[]"), int(port), limit=HEAD_BYTES
        )
        return f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close at once: nothing that is asked here is worth waiting for."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer.write(self._answer(await reader.readuntil(HEAD_END)))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_Page(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE).encoded(True))
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            pass  # whoever asked has gone, or has nothing to ask
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        match head.partition(b"\r\n")[0].decode("latin-1").split(" "):
            case [("GET" | "HEAD") as method, target, version] if version.startswith("HTTP/1."):
                page = self._pages.get(target.partition("?")[0], _missing)()
                return page.encoded(method == "GET")
            case [_, _, version] if version.startswith("HTTP/1."):
                return _Page(HTTPStatus.METHOD_NOT_ALLOWED).encoded(True)
            case _:
                return _Page(HTTPStatus.BAD_REQUEST).encoded(True)

    def _metrics(self) -> _Page:
        return _Page(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)

    def _healthz(self) -> _Page:
        trouble = "the service is stopping" if self._lifetime.stopping.is_set() else self._healthy()
        status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
        document = json.dumps({"healthy": not trouble, "trouble": trouble})
        return _Page(status, document.encode(), "application/json; charset=utf-8")


def _missing() -> _Page:
    return _Page(HTTPStatus.NOT_FOUND)
