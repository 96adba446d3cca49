"""How a service program begins and ends: --config, one ready line on stdout, SIGTERM, exit 0."""

import argparse
import asyncio
import contextlib
import gc
import importlib
import importlib.util
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import structlog

from chassis import logs, settings
from chassis.errors import ServiceError
from chassis.lifetime import Lifetime
from chassis.server import BindFailed, Server, Service
from chassis.tls import PlaintextRefused, TlsSettings
from chassis.web import WebServer

log = structlog.get_logger()

# The extra `uvloop` makes every call cheaper; nothing depends on it.
_LOOP_FACTORY: Any = (
    importlib.import_module("uvloop").new_event_loop if importlib.util.find_spec("uvloop") else None
)

REFUSED_TO_START = 2


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where a service listens."""

    grpc: str = "127.0.0.1:0"
    """host:port of the gRPC server; port 0 picks a free one. Other than loopback needs [tls]."""
    http: str = "127.0.0.1:0"
    """host:port of /metrics and /healthz; port 0 picks a free one."""
    advertise: str = ""
    """host:port that others reach the gRPC server at; empty: the bound address."""
    grace_s: float = 5.0
    """Seconds that unary calls may take to finish after SIGTERM."""
    log_level: str = "info"
    """debug, info, warning or error."""

    def __post_init__(self) -> None:
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise ValueError(
                f"log_level must be debug, info, warning or error, not {self.log_level!r}"
            )
        for name in ("grpc", "http"):
            host, _, port = getattr(self, name).rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{name} must be host:port, not {getattr(self, name)!r}")


class ProgramSettings(Protocol):
    """What every program's settings have."""

    @property
    def serve(self) -> ServeSettings:
        """Where it listens."""

    @property
    def tls(self) -> TlsSettings:
        """Its certificate."""


SettingsT = TypeVar("SettingsT", bound=ProgramSettings)


async def _nothing(address: str) -> None:
    del address


def _no_trouble() -> str:
    return ""


def _no_translation(error: Exception) -> ServiceError | None:
    del error
    return None


@dataclass(frozen=True, slots=True)
class Application:
    """What a program's assembly yields to be served."""

    services: Sequence[Service]
    on_serving: Callable[[str], Awaitable[None]] = _nothing
    """Awaited with the advertised address once the server listens, before the ready line."""
    trouble: Callable[[], str] = _no_trouble
    """What /healthz complains of; empty when healthy."""
    translate: Callable[[Exception], ServiceError | None] = _no_translation
    """Turns the program's own exceptions into ServiceErrors."""


class StartRefused(Exception):
    """The program can't start for a reason that an operator can mend; its text says which."""


@dataclass(frozen=True, slots=True)
class Program(Generic[SettingsT]):
    """A service program: its name, its settings, and what puts it together."""

    name: str
    settings: type[SettingsT]
    assemble: Callable[[SettingsT, Lifetime], AbstractAsyncContextManager[Application]]

    def main(self) -> None:
        """Run until SIGTERM or SIGINT; exit 0 then, 2 when the start is refused."""
        options = argparse.ArgumentParser(self.name)
        options.add_argument("--config", type=Path, help="settings file (TOML)")
        try:
            loaded = settings.load(self.settings, options.parse_args().config)
            logs.configure(loaded.serve.log_level)
            with asyncio.Runner(loop_factory=_LOOP_FACTORY) as runner:
                runner.run(self._run(loaded))
        except (settings.SettingsError, PlaintextRefused, BindFailed, StartRefused) as error:
            sys.stderr.write(f"{self.name}: {error}\n")
            sys.exit(REFUSED_TO_START)
        except OSError as error:
            sys.stderr.write(f"{self.name}: {error.filename or ''} {error.strerror or error}\n")
            sys.exit(REFUSED_TO_START)

    async def _run(self, loaded: SettingsT) -> None:
        """Serve until a signal comes; one that comes while the program starts ends it as well."""
        lifetime, asked = Lifetime(), asyncio.Event()
        serving = asyncio.create_task(self._serve(loaded, lifetime, asked))
        waiting = asyncio.create_task(asked.wait())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not lifetime.serving.is_set():
            serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    async def _serve(self, loaded: SettingsT, lifetime: Lifetime, asked: asyncio.Event) -> None:
        async with self.assemble(loaded, lifetime) as application:
            server = Server(application.services, lifetime, application.translate)
            web = WebServer(lifetime, application.trouble)
            try:
                grpc_address = await server.start(loaded.serve.grpc, loaded.tls)
                http_address = await web.start(loaded.serve.http)
                await application.on_serving(loaded.serve.advertise or grpc_address)
                gc.freeze()  # what is there now stays: collections needn't look at it again
                lifetime.serving.set()
                self._say_ready(grpc_address, http_address)
                await asked.wait()
            finally:
                await server.stop(loaded.serve.grace_s)
                await web.stop()

    def _say_ready(self, grpc_address: str, http_address: str) -> None:
        log.info("service.ready", program=self.name, grpc=grpc_address, http=http_address)
        line = {"ready": True, "grpc": grpc_address, "http": http_address}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
