"""event.from: what changed since a token, one event an object, and who waits for it."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xapisim.database.database import SILENT, Database
from xapisim.database.table import Row, Table
from xapisim.errors import XapiError
from xapisim.values import I4, Record, Value

BATCH_S = 0.05
"""XAPI waits this long before and between looks, so that changes come in batches; tasks alone come
at once.
"""
_TOKEN = re.compile(r"(-?\d{1,20}),(-?\d{1,20})")
_MAX = 2**63
_MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Token:
    """Up to where a client has seen the database, and the messages, which count apart."""

    database: int = 0
    messages: int = 0

    @classmethod
    def parse(cls, text: str) -> "Token":
        if not text:
            return cls()
        found = _TOKEN.fullmatch(text)
        if found is None or max(int(found[1]), int(found[2])) >= _MAX:
            raise XapiError("EVENT_FROM_TOKEN_PARSE_FAILURE", text)
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.database:020d},{self.messages:020d}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whole classes (lower case, or everything) and single objects."""

    everything: bool
    classes: frozenset[str]
    objects: dict[str, frozenset[str]]

    @classmethod
    def parse(cls, words: Iterable[str]) -> "Subscription":
        classes = set()
        objects: dict[str, set[str]] = {}
        for word in words:
            class_name, slash, ref = word.partition("/")
            if slash:
                objects.setdefault(class_name.lower(), set()).add(ref)
            else:
                classes.add(word.lower())
        frozen = {name: frozenset(refs) for name, refs in objects.items() if name not in classes}
        return cls("*" in classes, frozenset(classes), frozen)

    @property
    def only_tasks(self) -> bool:
        return not self.everything and (self.classes | self.objects.keys()) == {"task"}

    def wants_class(self, wire_name: str) -> bool:
        return self.everything or wire_name in self.classes or wire_name in self.objects

    def wants(self, wire_name: str, ref: str) -> bool:
        if self.everything or wire_name in self.classes:
            return True
        return ref in self.objects.get(wire_name, ())


@dataclass(slots=True, eq=False)
class _Waiter:
    session: str
    subscription: Subscription
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    def __init__(self, database: Database) -> None:
        self._db = database
        self._waiters: dict[_Waiter, None] = {}
        self._counts: tuple[int, Record] = (-1, Record({}))
        self._tables = sorted(
            (table for name, table in database.tables.items() if name not in SILENT),
            key=lambda table: table.class_.name != _MESSAGE,
        )
        self._wire_names = {name: table.class_.wire_name for name, table in database.tables.items()}
        database.watchers.append(self._wake)

    async def wait(
        self, session: str, subscription: Subscription, since: Token, timeout_s: float
    ) -> Value:
        """The reply of event.from, after at least one matching change or the timeout."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        waiter = _Waiter(session, subscription)
        self._waiters[waiter] = None
        gap_s = 0.0 if subscription.only_tasks else BATCH_S
        may_look = loop.time() + gap_s
        try:
            while True:
                if (early_s := may_look - loop.time()) > 0:
                    await asyncio.sleep(early_s)
                self._check_session(session)
                waiter.woken.clear()
                events = self.collect(subscription, since)
                may_look = loop.time() + gap_s
                left_s = deadline - loop.time()
                if events or left_s <= 0:
                    return self._reply(since, events)
                await _wait_for(waiter.woken, left_s)
        finally:
            del self._waiters[waiter]

    def collect(self, subscription: Subscription, since: Token) -> list[Value]:
        events: list[Value] = []
        deletions: list[Value] = []
        for table in self._tables:
            name = table.class_.wire_name
            if table.absent or not subscription.wants_class(name):
                continue
            seen = since.messages if name == _MESSAGE else since.database
            events.extend(_changes(table, seen, subscription))
            deletions.extend(_deletions(table, seen, subscription))
        return events + deletions

    def _reply(self, since: Token, events: list[Value]) -> Value:
        """The token moves on to the newest change told, and no further (recorded on xapi 26.17)."""
        told = [int(event["id"]) for event in events if event["class"] != _MESSAGE]
        has_messages = any(event["class"] == _MESSAGE for event in events)
        token = Token(
            max(told, default=since.database),
            self._db.generation if has_messages else since.messages,
        )
        return {"events": events, "valid_ref_counts": self._ref_counts(), "token": str(token)}

    def token(self) -> str:
        return str(Token(self._db.generation))

    def now(self) -> Token:
        return Token(self._db.generation, self._db.generation)

    def wake_session(self, session: str) -> None:
        for waiter in self._waiters:
            if waiter.session == session:
                waiter.woken.set()

    def _wake(self, class_name: str) -> None:
        name = self._wire_names[class_name]
        for waiter in self._waiters:
            if waiter.subscription.wants_class(name):
                waiter.woken.set()

    def _check_session(self, session: str) -> None:
        if not self._db.has("session", session):
            raise XapiError("SESSION_INVALID", session)

    def _ref_counts(self) -> Record:
        population, counts = self._counts
        if population != self._db.population:
            counts = Record({name: I4(count) for name, count in self._db.counts().items()})
            self._counts = (self._db.population, counts)
        return counts


async def _wait_for(woken: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await woken.wait()
    except TimeoutError:
        return


def _changes(table: Table, since: int, subscription: Subscription) -> Iterator[Value]:
    name = table.class_.wire_name
    for row in table.changed_since(since):
        if subscription.wants(name, row.ref):
            operation = "add" if row.created > since else "mod"
            yield _event(name, row, operation)


def _event(name: str, row: Row, operation: str) -> Value:
    return {
        "id": "0" if name == _MESSAGE else str(row.modified),
        "timestamp": "0.0",
        "class": name,
        "operation": operation,
        "ref": row.ref,
        "snapshot": row.snapshot(),
    }


def _deletions(table: Table, since: int, subscription: Subscription) -> Iterator[Value]:
    name = table.class_.wire_name
    for deletion in table.deleted_since(since):
        if subscription.wants(name, deletion.ref):
            yield {
                "id": str(deletion.generation),
                "timestamp": "0.0",
                "class": name,
                "operation": "del",
                "ref": deletion.ref,
            }
