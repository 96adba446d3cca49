"""Runs a real gRPC server of ours inside a test, on a free loopback port."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from chassis.errors import ServiceError
from chassis.lifetime import Lifetime
from chassis.server import Server, Service
from chassis.tls import TlsSettings


def untranslated(error: Exception) -> ServiceError | None:
    """Leave every foreign exception to the interceptor."""
    del error
    return None


@asynccontextmanager
async def serving(
    services: Sequence[Service],
    lifetime: Lifetime | None = None,
    tls: TlsSettings | None = None,
    translate: Callable[[Exception], ServiceError | None] = untranslated,
) -> AsyncIterator[str]:
    """Serve until the block ends; yields host:port."""
    server = Server(services, lifetime or Lifetime(), translate)
    address = await server.start("127.0.0.1:0", tls or TlsSettings())
    try:
        yield address
    finally:
        await server.stop(0.5)
