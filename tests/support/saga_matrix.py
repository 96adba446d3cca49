"""The fault matrix of one migration: every fault at every moment of every way it can go.

The moments of a way are those of a trip without a fault: before and after each write to the
journal is durable, before each call reaches an agent and after it was answered, and in the middle
of the move. So a step that a table gains has its cells by itself, if a way leads there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from controller.model.migration import JournalEvent, MigrationKind
from controller.saga.steps import Finish, Table
from tests.support import saga_orders
from tests.support.saga_failures import Fault, Killed
from tests.support.saga_links import Fences, Link
from tests.support.saga_trip import Trip

RESTART_S = 20.0
BLINK_S, OUTAGE_S = 30.0, 900.0
"""An outage outlasts every patience: preparing, settling, and what makes a migration STUCK."""

Strike = Callable[[Trip], Awaitable[None]]
Row = tuple[str, JournalEvent]


def _succeeds(kind: MigrationKind) -> Trip:
    return Trip("arrives", kind=kind)


def _fails(kind: MigrationKind) -> Trip:
    return Trip("stays", kind=kind)


def _refused(kind: MigrationKind) -> Trip:
    return Trip(faults=[Fault("verify_exports", "refused", nth=0)], kind=kind)


def _cancelled(kind: MigrationKind) -> Trip:
    trip = Trip(kind=kind)
    trip.world.move_s = 60.0
    saga_orders.cancels(trip, "during move")
    return trip


WAYS: dict[str, Callable[[MigrationKind], Trip]] = {
    "succeeds": _succeeds,
    "fails": _fails,
    "refused": _refused,
    "cancelled": _cancelled,
}


async def _kill(_: Trip) -> None:
    raise Killed


def _frozen(moments: int | None) -> Strike:
    """The controller stands still while another replica takes over, and goes on as a zombie."""

    async def strike(trip: Trip) -> None:
        await trip.stand_still(moments)

    return strike


async def _overtake(trip: Trip) -> None:
    """Another replica claims it, asks both sides, and dies."""
    for claimed in await trip.ledger.claim_open("another"):
        for side in ("source", "dest"):
            trip.agents.fences.note(side, claimed.epoch)


def _agent_killed(side: str, link: Link) -> Strike:
    async def strike(trip: Trip) -> None:
        trip.agents.fences.forget(side)
        trip.agents.links.cut(link, RESTART_S)

    return strike


async def _restart_source_xapi(trip: Trip) -> None:
    """The coordinator's toolstack: tasks are gone, and what travels travels on."""
    if trip.world.moving:
        trip.world.forget()
    trip.agents.links.cut(Link.SOURCE_XAPI, RESTART_S)
    if not trip.world.block:
        trip.agents.links.cut(Link.DEST_XAPI, RESTART_S)


async def _restart_dest_xapi(trip: Trip) -> None:
    """In a pool the task fails and the memory travels on; from another pool nothing arrives."""
    if trip.world.block:
        trip.world.break_off()
    elif trip.world.moving:
        trip.world.fail("CANNOT_CONTACT_HOST", "OpaqueRef:1")
    trip.agents.links.cut(Link.DEST_XAPI, RESTART_S)


def _parted(link: Link, seconds: float) -> Strike:
    async def strike(trip: Trip) -> None:
        trip.agents.links.cut(link, seconds)
        if link is Link.XAPIS:
            trip.world.break_off()

    return strike


STRIKES: dict[str, Strike] = {
    "controller killed": _kill,
    "controller frozen, back after 1": _frozen(1),
    "controller frozen, back after 4": _frozen(4),
    "controller frozen, back at the end": _frozen(None),
    "epoch stale": _overtake,
    "source agent killed": _agent_killed("source", Link.CONTROLLER_SOURCE),
    "dest agent killed": _agent_killed("dest", Link.CONTROLLER_DEST),
    "source XAPI restarted": _restart_source_xapi,
    "dest XAPI restarted": _restart_dest_xapi,
    **{
        f"{link} parted for {seconds:g} s": _parted(link, seconds)
        for link in Link
        for seconds in (BLINK_S, OUTAGE_S)
    },
}


@dataclass
class Striker:
    """Strikes at the nth time (from 1) that a moment comes."""

    trip: Trip
    strike: Strike
    moment: str
    struck: bool = False

    async def hear(self, moment: str) -> None:
        """Strike if this is the moment."""
        if self.struck or moment != self.moment:
            return
        self.struck = True
        await self.strike(self.trip)


@dataclass(frozen=True)
class Way:
    """One way that a kind of migration can go, as it went without a fault."""

    kind: MigrationKind
    name: str
    moments: tuple[str, ...]
    rows: frozenset[Row] = field(repr=False)

    def struck_by(self, strike: str) -> list[str]:
        """Return the moments at which a fault is tried.

        What parts for long does so at every write, what parts for a blink at every call: what is
        between a write and a call is nothing, so that all would be tried twice.
        """
        if strike.endswith(f"{OUTAGE_S:g} s"):
            return [each for each in self.moments if each.startswith(("write", "during"))]
        if strike.endswith(f"{BLINK_S:g} s"):
            return [each for each in self.moments if not each.startswith("write")]
        return list(self.moments)

    async def cell(self, strike: str, moment: str, fences: Fences | None = None) -> None:
        """Go this way with one fault, and assert that it ends soundly."""
        trip = WAYS[self.name](self.kind)
        trip.agents.fences = fences or trip.agents.fences
        striker = Striker(trip, STRIKES[strike], moment)
        trip.hearers.append(striker.hear)
        await trip.go()
        assert striker.struck, "the moment never came"
        await trip.assert_sound()


def ways() -> Iterator[Way]:
    """Return every way of every kind."""
    for kind in MigrationKind:
        for name, begin in WAYS.items():
            trip = begin(kind)
            asyncio.run(trip.go())
            asyncio.run(trip.assert_sound())
            rows = frozenset(row for written in trip.ledger.rows.values() for row in written)
            yield Way(kind, name, tuple(dict.fromkeys(trip.moments)), rows)


def rows_of(table: Table) -> set[Row]:
    """Return every row that a table's journals can have, but for what is tried again."""
    undone = {step.name for step in table.prepare if step.undo}
    acts = {step.name for step in table.finish if isinstance(step, Finish)}
    back, pivot = {step.name for step in table.back}, {table.pivot.name}
    done = {step.name for step in (*table.prepare, *table.finish)} | back | pivot
    rows = {(step, JournalEvent.STARTED) for step in undone | pivot | acts | back}
    rows |= {(step, JournalEvent.DONE) for step in done}
    rows |= {(step, JournalEvent.UNDONE) for step in undone}
    return rows | {(step, JournalEvent.FAILED) for step in pivot}
