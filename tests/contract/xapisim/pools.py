"""A small pool inside the test's own process, driven call by call without a network."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


class SmallPool:
    """Two hosts, four VMs; no phase takes time, so that a call is done when it returns."""

    def __init__(self, scratch: Path) -> None:
        path = scratch / "small.toml"
        path.write_text(WORLD)
        self._runner = asyncio.Runner()
        self.engine = self._runner.run(self._build(path))
        self._dispatcher = Dispatcher(self.engine)
        self._db = self.engine.pool.database
        self.vms = [self._db.by_name("VM", f"vm-{number}")[0] for number in range(1, 5)]
        self.hosts = [self._db.by_name("host", name)[0] for name in ("h0", "h1")]
        self._session = self.raw("session.login_with_password", "root", "x", "1.0", "test")

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
        self._runner.close()
