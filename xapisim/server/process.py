"""The whole simulator: every pool's hosts on their ports, the control port, the ready line and the
end.
"""

import asyncio
import gc
import json
import logging
import signal
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from xapisim.classes.engine import Engine, Seat, Site
from xapisim.errors import WorldError
from xapisim.faults.model import Fault, FaultError, parse_list
from xapisim.faults.registry import Faults
from xapisim.server import certificates
from xapisim.server.assembly import Settings, build
from xapisim.server.calls import Access, Calls
from xapisim.server.control import Control
from xapisim.server.doors import TcpDoor, UnixDoor, bound
from xapisim.server.endpoint import Endpoint
from xapisim.server.incidents import Incidents
from xapisim.server.machines import Machines
from xapisim.server.traffic import Traffic
from xapisim.trace import Trace
from xapisim.world.model import World

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen: consecutive ports from `base`, or free ones when it is 0."""

    bind: str
    base: int

    tls_dir: Path | None = None
    """Where the CA's certificate is written; without it there is no TLS."""
    unix_dir: Path | None = None
    """Where each host has a socket; without it there are none."""

    def __getitem__(self, number: int) -> int:
        return self.base + number if self.base else 0


@dataclass(slots=True)
class Simulator:
    ports: Ports
    settings: Settings
    faults: Faults = field(default_factory=Faults)
    trace: Trace = field(default_factory=Trace)
    traffic: Traffic = field(default_factory=Traffic)
    site: Site = field(default_factory=Site)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """By host name; a name that a second pool has too is preceded by its pool's."""
    tls: dict[str, Endpoint] = field(default_factory=dict)
    unix: dict[str, Endpoint] = field(default_factory=dict)
    _machines: Machines = field(default_factory=Machines)
    _redirects: dict[str, str] = field(default_factory=dict)
    """What a plain address is over TLS."""
    _tls_context: ssl.SSLContext | None = None
    _first_tls_port: int = 0

    async def start(self, worlds: list[World]) -> dict[str, object]:
        """Opens everything; the result is the ready line. Raises WorldError and OSError."""
        faults = [fault for world in worlds for fault in checked_faults(world)]
        await self._prepare_doors([name for world in worlds for name in world.hosts().values()])
        self.site.on_founded.append(self._machines.watch)
        Incidents(self.site, self.faults, self._machines)
        for world in worlds:
            for note in world.notes:
                _log.warning("world.completed origin=%s %s", world.origin, note)
            await self._open_pool(world)
        control = await self._open_control()
        for fault in faults:
            self.faults.arm(fault)
        return {"ready": True, **self._addresses(), "control": control}

    async def _prepare_doors(self, hosts: list[str]) -> None:
        """With a first port, those for TLS come after the control port."""
        self._first_tls_port = len(hosts) + 1
        if self.ports.tls_dir is not None:
            self._tls_context = await certificates.server_context(
                self.ports.tls_dir, self.ports.bind, hosts
            )
        if self.ports.unix_dir is not None:
            self.ports.unix_dir.mkdir(parents=True, exist_ok=True)

    def _addresses(self) -> dict[str, object]:
        """What the ready line says; TLS and sockets only where they were asked for."""
        found: dict[str, object] = {"endpoints": _urls("http://", self.endpoints)}
        if self.ports.tls_dir is not None:
            found |= {
                "tls": _urls("https://", self.tls),
                "ca": str(self.ports.tls_dir / certificates.CA),
            }
        if self.ports.unix_dir is not None:
            found["unix"] = _urls("", self.unix)
        return found

    async def _open_pool(self, world: World) -> None:
        engine = build(world, self.settings, self.faults)
        self.site.plugins |= world.plugins
        pool = self._unused(self.site.pools, world.name, world.origin)
        seats = []
        for ref, name in world.hosts().items():
            label = self._unused(self.endpoints, name, world.name)
            seat = Seat(name, engine, ref, follows_endpoint=world.follows_endpoints)
            self._open_doors(seat, label)
            engine.pool.endpoints[ref] = seat.endpoint
            if world.follows_endpoints:
                engine.pool.database.update("host", ref, address=seat.endpoint)
            seats.append(seat)
        self.site.seats += seats
        self.site.add(pool, engine)
        for seat in seats:
            await self._machines.open(seat)

    def _open_doors(self, seat: Seat, label: str) -> None:
        """All ways to one host."""
        number = len(self.endpoints)
        door = TcpDoor(self.ports.bind, self.ports[number])
        seat.endpoint = door.address
        self.endpoints[label] = self._endpoint(seat, door, Access())
        if self._tls_context is not None:
            port = self.ports[self._first_tls_port + number]
            secured = TcpDoor(self.ports.bind, port, self._tls_context)
            self._redirects[door.address] = secured.address
            access = Access(redirects=self._redirects)
            self.tls[label] = self._endpoint(seat, secured, access)
        if self.ports.unix_dir is not None:
            local = UnixDoor(self.ports.unix_dir / f"{label.replace('/', '_')}.sock")
            self.unix[label] = self._endpoint(seat, local, Access(is_local=True))

    def _endpoint(self, seat: Seat, door: TcpDoor | UnixDoor, access: Access) -> Endpoint:
        seat.addresses.add(door.address)
        endpoint = Endpoint(Calls(seat, self.trace, access), door, self.traffic)
        self._machines.add(seat, endpoint)
        return endpoint

    @staticmethod
    def _unused(taken: dict[str, Endpoint] | dict[str, Engine], name: str, prefix: str) -> str:
        return f"{prefix}/{name}" if name in taken else name

    async def _open_control(self) -> str:
        app = Control(self.site.pools, self.faults, self.trace, self.traffic).application()
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        listener = bound(self.ports.bind, self.ports[len(self.endpoints)])
        await web.SockSite(runner, listener).start()
        host, port = listener.getsockname()[:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        for engine in self.site.pools.values():
            for job in list(engine.pool.jobs):
                job.cancel()
        for ways in (self.endpoints, self.tls, self.unix):
            for endpoint in ways.values():
                await endpoint.close()


def _urls(scheme: str, endpoints: dict[str, Endpoint]) -> dict[str, str]:
    return {name: f"{scheme}{endpoint.address}" for name, endpoint in endpoints.items()}


def checked_faults(world: World) -> list[Fault]:
    try:
        return parse_list(world.faults)
    except FaultError as error:
        raise WorldError(world.origin, str(error)) from error


def settle(worlds: list[World]) -> None:
    """What was read is in the databases now, and stays as long as the program runs: the collector
    need not look at it again.
    """
    worlds.clear()
    gc.collect()
    gc.freeze()
    gc.enable()


async def serve(simulator: Simulator, worlds: list[World]) -> None:
    """Runs until SIGTERM or SIGINT, with the ready line on stdout as soon as every port answers."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    ready = await simulator.start(worlds)
    settle(worlds)
    sys.stdout.write(f"{json.dumps(ready)}\n")
    sys.stdout.flush()
    await done.wait()
    await simulator.stop()
