"""The relays of all agents, on a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc.aio

from deploy.faults.relay import Ended, Relay
from deploy.faults.snare import Snare

T = TypeVar("T")
CALL_S = 20.0


class Wire:
    """Serves relays until it is left; every method is for other threads than the loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._relays: dict[str, Relay] = {}
        self._servers: list[grpc.aio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        self._loop.close()

    def relay(self, name: str, target: Callable[[], str]) -> str:
        """Serve a relay to a target and return its address."""
        return self._run(self._serve(name, target))

    def arm(self, name: str, snare: Snare) -> None:
        """Lay a snare at one relay."""
        self._run(self._lay(name, snare))

    def disarm(self) -> None:
        """Take all snares away."""
        self._run(self._clear())

    def cut(self, name: str, *, off: bool) -> None:
        """Cut the wire to one target, or mend it."""
        self._loop.call_soon_threadsafe(lambda: self._relays[name].cut(off=off))

    def deliver(self, name: str, path: str, request: bytes) -> Ended:
        """Make a call to one target, as one that was kept on the way."""
        return self._run(self._relays[name].deliver(path, request))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_S)

    async def _serve(self, name: str, target: Callable[[], str]) -> str:
        relay = self._relays[name] = Relay(target)
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((relay,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._servers.append(server)
        return f"127.0.0.1:{port}"

    async def _lay(self, name: str, snare: Snare) -> None:
        self._relays[name].snares.append(snare)

    async def _clear(self) -> None:
        for relay in self._relays.values():
            relay.snares.clear()

    async def _close(self) -> None:
        for relay in self._relays.values():
            await relay.close()
        for server in self._servers:
            await server.stop(None)
