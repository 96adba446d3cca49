"""A gRPC server as all our services want it: health per service, reflection, TLS or loopback."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from chassis import reflection
from chassis.interceptor import Interceptor, Translate
from chassis.lifetime import Lifetime
from chassis.tls import PlaintextRefused, TlsSettings, is_loopback, server_credentials

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

# so_reuseport 0: a second server on the port must fail, not share it. The ping options let the
# keep-alive of chassis.channels pass, which would else be answered with GOAWAY too_many_pings.
OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A servicer and how to add it: `name` is the full name of the proto service."""

    name: str
    servicer: Any
    add: Callable[[Any, grpc.aio.Server], None]


class BindFailed(Exception):
    """The address can't be had."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} can't be bound: is another process using it?")


class Server:
    """Serves a set of services until it is stopped."""

    def __init__(
        self, services: Sequence[Service], lifetime: Lifetime, translate: Translate
    ) -> None:
        self._lifetime = lifetime
        self._names = [service.name for service in services]
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            interceptors=[Interceptor(lifetime, translate)], options=OPTIONS
        )
        for service in services:
            service.add(service.servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.add(self._server, [*self._names, health.SERVICE_NAME])

    async def start(self, bind: str, tls: TlsSettings) -> str:
        """Bind, serve and return host:port; raises PlaintextRefused or BindFailed."""
        if not tls.enabled and not is_loopback(bind):
            raise PlaintextRefused(bind)
        try:
            if tls.enabled:
                port = self._server.add_secure_port(bind, server_credentials(tls))
            else:
                port = self._server.add_insecure_port(bind)
        except RuntimeError as error:
            raise BindFailed(bind) from error
        await self._server.start()
        await self._tell_health(SERVING)
        return f"{bind.rsplit(':', 1)[0]}:{port}"

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, end the streams, let unary calls finish within `grace_s`, close."""
        await self._tell_health(NOT_SERVING)
        self._lifetime.stop()
        await self._server.stop(grace_s)

    async def _tell_health(self, status: Any) -> None:
        for name in ("", *self._names):
            await self._health.set(name, status)
