"""The whole simulator: every pool's hosts on their ports, the control port, the ready line and the
end.
"""

import asyncio
import json
import logging
import signal
import sys
from dataclasses import dataclass, field

from aiohttp import web

from xapisim.classes.engine import Engine
from xapisim.dispatch.dispatcher import Dispatcher
from xapisim.errors import WorldError
from xapisim.faults.model import Fault, FaultError, parse_list
from xapisim.faults.registry import Faults
from xapisim.server.assembly import Settings, build
from xapisim.server.calls import Calls
from xapisim.server.control import Control
from xapisim.server.endpoint import Endpoint, listen
from xapisim.server.incidents import Incidents
from xapisim.trace import Trace
from xapisim.world.model import World

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen: consecutive ports from `base`, or free ones when it is 0."""

    bind: str
    base: int

    def __getitem__(self, number: int) -> int:
        return self.base + number if self.base else 0


@dataclass(slots=True)
class Simulator:
    ports: Ports
    settings: Settings
    faults: Faults = field(default_factory=Faults)
    trace: Trace = field(default_factory=Trace)
    engines: dict[str, Engine] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """By host name; a name that a second pool has too is preceded by its pool's."""

    async def start(self, worlds: list[World]) -> dict[str, object]:
        """Opens everything; the result is the ready line. Raises WorldError and OSError."""
        faults = [fault for world in worlds for fault in checked_faults(world)]
        for world in worlds:
            for note in world.notes:
                _log.warning("world.completed origin=%s %s", world.origin, note)
            await self._open_pool(world)
        control = await self._open_control()
        for fault in faults:
            self.faults.arm(fault)
        urls = {name: f"http://{endpoint.address}" for name, endpoint in self.endpoints.items()}
        return {"ready": True, "endpoints": urls, "control": control}

    async def _open_pool(self, world: World) -> None:
        engine = build(world, self.settings, self.faults)
        dispatcher = Dispatcher(engine)
        self.engines[self._unused(self.engines, world.name, world.origin)] = engine
        opened = {}
        for ref, name in world.hosts().items():
            listener = listen(self.ports.bind, self.ports[len(self.endpoints)])
            endpoint = Endpoint(Calls(dispatcher, ref, self.trace), listener)
            self.endpoints[self._unused(self.endpoints, name, world.name)] = endpoint
            engine.pool.endpoints[ref] = endpoint.address
            opened[ref] = endpoint
            if world.follows_endpoints:
                engine.pool.database.update("host", ref, address=endpoint.address)
        Incidents(engine)
        self._follow_reachability(engine, opened)
        for endpoint in opened.values():
            await endpoint.open()

    def _follow_reachability(self, engine: Engine, opened: dict[str, Endpoint]) -> None:
        def changed(host: str, reachable: bool) -> None:
            if reachable:
                engine.pool.spawn(opened[host].reopen())
            else:
                opened[host].cut()

        engine.pool.reachability.listeners.append(changed)

    @staticmethod
    def _unused(taken: dict[str, Endpoint] | dict[str, Engine], name: str, prefix: str) -> str:
        return f"{prefix}/{name}" if name in taken else name

    async def _open_control(self) -> str:
        app = Control(self.engines, self.faults, self.trace).application()
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        listener = listen(self.ports.bind, self.ports[len(self.endpoints)])
        await web.SockSite(runner, listener).start()
        host, port = listener.getsockname()[:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        for engine in self.engines.values():
            for job in list(engine.pool.jobs):
                job.cancel()
        for endpoint in self.endpoints.values():
            await endpoint.close()


def checked_faults(world: World) -> list[Fault]:
    try:
        return parse_list(world.faults)
    except FaultError as error:
        raise WorldError(world.origin, str(error)) from error


async def serve(simulator: Simulator, worlds: list[World]) -> None:
    """Runs until SIGTERM or SIGINT, with the ready line on stdout as soon as every port answers."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    ready = await simulator.start(worlds)
    sys.stdout.write(f"{json.dumps(ready)}\n")
    sys.stdout.flush()
    await done.wait()
    await simulator.stop()
