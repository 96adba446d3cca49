"""A small pool inside the test's own process, driven call by call without a network."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xapisim.classes.engine import Engine, Seat, Site
from xapisim.classes.events import Subscription, Token
from xapisim.classes.pool import Account
from xapisim.dispatch.dispatcher import Dispatcher
from xapisim.errors import XapiError
from xapisim.faults.registry import Faults
from xapisim.server.assembly import Settings, build
from xapisim.world import toml_world

WORLD = """
[pool]
name = "small"
instant = true
[[host]]
name = "h0"
cpus = 1
[[host]]
name = "h1"
cpus = 1
[[network]]
name = "lan"
[[sr]]
name = "nfs"
[[vm]]
name = "vm-{n}"
count = 4
memory = "256 MiB"
host = ["h0", "h1"]
disks = [{ sr = "nfs" }]
"""


LONE = """
[pool]
name = "lone"
instant = true
[[host]]
name = "f0"
cpus = 1
[[network]]
name = "lan"
[[sr]]
name = "f0-local"
host = "f0"
"""
_TURNS = 100
"""Of the event loop, for what goes on beside the calls."""


class SmallPool:
    """Two hosts, four VMs; no phase takes time, so that a call is done when it returns.

    `beside` is another pool of the same simulator.
    """

    def __init__(
        self, scratch: Path, world: str = WORLD, beside: "SmallPool | None" = None
    ) -> None:
        path = scratch / "small.toml"
        path.write_text(world)
        self._runner: asyncio.Runner = asyncio.Runner() if beside is None else beside._runner
        self._neighbour = beside
        self._open(self._runner.run(self._build(path)))
        self._settle_in(Site() if beside is None else beside.engine.site)
        names = [f"vm-{number}" for number in range(1, 5)]
        self.vms = [ref for name in names for ref in self._db.by_name("VM", name)]

    def _open(self, engine: Engine) -> None:
        self.engine = engine
        self._dispatcher = Dispatcher(engine)
        self._db = engine.pool.database
        coordinator = engine.pool.coordinator
        self.hosts = sorted(self._db.refs("host"), key=lambda ref: ref != coordinator)
        self._session = self.raw("session.login_with_password", "root", "x", "1.0", "test")

    def _settle_in(self, site: Site) -> None:
        for row in self._db.rows("host"):
            seat = Seat(row.fields["name_label"], self.engine, row.ref)
            seat.endpoint = f"{row.fields['name_label']}:80"
            seat.addresses.add(seat.endpoint)
            self.engine.pool.endpoints[row.ref] = seat.endpoint
            self._db.update("host", row.ref, address=seat.endpoint)
            site.seats.append(seat)
        site.add(self._db.read("pool", self.engine.pool.ref, "name_label"), self.engine)

    def follow(self, machine: str) -> None:
        """To the pool that this machine serves now."""
        (seat,) = [seat for seat in self.engine.site.seats if seat.name == machine]
        self._open(seat.engine)

    def send(self, vm: str, there: "SmallPool", host: str, sr: str) -> list[str]:
        """Storage XenMotion; the error array, or nothing."""
        network = there.call("network.get_all")[0]
        ticket = there.call("host.migrate_receive", host, network, {})
        drives = self.call("VM.get_VBDs", vm)
        disks = {self.call("VBD.get_VDI", drive): sr for drive in drives}
        ports = self.call("VM.get_VIFs", vm) if there is not self else []
        networks = dict.fromkeys(ports, network)
        return self.try_call("VM.migrate_send", vm, ticket, True, disks, networks, {})

    def settle(self) -> None:
        """Until what goes on beside the calls has come to rest."""
        self._runner.run(_let_others_run())

    async def _build(self, path: Path) -> Any:
        settings = Settings(Account("root", "x"))
        return build(toml_world.read(path, 0), settings, Faults())

    def raw(self, name: str, *params: Any) -> Any:
        call = self._dispatcher.call(self.hosts[0], name, list(params))
        return self._runner.run(call)

    def call(self, name: str, *params: Any) -> Any:
        return self.raw(name, self._session, *params)

    def try_call(self, name: str, *params: Any) -> list[str]:
        """The error array, or nothing."""
        try:
            self.call(name, *params)
        except XapiError as error:
            return error.description
        return []

    def events(self, classes: Iterable[str], token: str) -> tuple[list[dict[str, Any]], str]:
        """What event.from would say now, and the token to go on from."""
        subscription = Subscription.parse(classes)
        events = self.engine.events.collect(subscription, Token.parse(token))
        generation = self._db.generation
        return events, str(Token(generation, generation))

    def records(self, class_name: str) -> dict[str, dict[str, Any]]:
        return {row.ref: dict(row.fields) for row in self._db.rows(class_name)}

    def broken_relations(self) -> list[str]:
        """Where the two sides of a relation disagree."""
        broken = []
        for relation in self._db.schema.relations:
            for many in self._db.rows(relation.many_class):
                pointing = {
                    one.ref
                    for one in self._db.rows(relation.one_class)
                    if one.fields[relation.one_field] == many.ref
                }
                if set(many.fields[relation.many_field]) != pointing:
                    broken.append(f"{relation} {many.ref}")
        return broken

    def close(self) -> None:
        if self._neighbour is None:
            self._runner.close()


async def _let_others_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
