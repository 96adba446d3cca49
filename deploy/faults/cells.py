"""The cells of the matrix: kind x path x moment x fault, generated from the saga's tables."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from controller.model.migration import MigrationKind
from controller.saga.steps import Finish, Table
from controller.saga.tables import TABLES
from deploy.faults.snare import Moment

SUCCEEDS, FAILS, CANCELLED = "succeeds", "fails", "cancelled"
PATHS = (SUCCEEDS, FAILS, CANCELLED)
SOURCE, DEST = "source", "dest"

# The call behind each step, and whose agent gets it.
CALLS = {
    "verify_exports": ("VerifyExports", SOURCE),
    "prepare_dest": ("PreLiveMigration", DEST),
    "move": ("LiveMigration", SOURCE),
    "abort": ("AbortMigration", SOURCE),
    "post_at_source": ("PostAtSource", SOURCE),
    "post_at_dest": ("PostAtDestination", DEST),
    "rollback_at_source": ("RollbackAtSource", SOURCE),
    "rollback_at_dest": ("RollbackAtDestination", DEST),
    "move_floating_ips": ("ApplyFloatingIps", DEST),
    "release_floating_ips": ("ApplyFloatingIps", SOURCE),
}
# The second is no step of its own: it is what the first asks of the source.
MOVE_ADDRESSES, RELEASE_ADDRESSES = "move_floating_ips", "release_floating_ips"

ANYWHERE = (
    "controller-kill",
    "source-agent-kill",
    "dest-agent-kill",
    "source-xapi-restart",
    "dest-xapi-restart",
    "partition-controller-source",
    "partition-controller-dest",
    "partition-source-xapi",
    "partition-dest-xapi",
    "partition-xapis",
)
OF_CALLS = ("lost", "timed-out", "repeat")
ARRIVING_ONLY = ("refused", "stale-epoch")


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of move in the rehearsal worlds: who moves, between which two hosts, and how."""

    name: str
    instance: str
    ends: tuple[str, str]
    kind: MigrationKind

    @property
    def block(self) -> bool:
        """Whether disks travel."""
        return self.kind is MigrationKind.BLOCK

    @property
    def held_in(self) -> str:
        """The phase of XAPI's move in which it is held to be cancelled."""
        return "mirror" if self.block else "precopy"


WAYS = (
    Way("shared", "shared-1", ("n1", "n2"), MigrationKind.SHARED_STORAGE),
    Way("block", "local-1", ("n1", "n2"), MigrationKind.BLOCK),
    Way("cross", "roaming-1", ("n2", "f1"), MigrationKind.BLOCK),
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A moment of a path: before or after a journal write, or in the middle of the move."""

    step: str
    moment: Moment
    nth: int = 1

    @property
    def text(self) -> str:
        """The stop in words without spaces."""
        again = f".{self.nth}" if self.nth > 1 else ""
        return f"{self.step}{again}-{self.moment.value}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one moment; `there` tells the direction of the move."""

    way: Way
    path: str
    stop: Stop
    fault: str
    there: bool

    @property
    def name(self) -> str:
        """The cell as one word; `scripts/faults --cell` takes it."""
        direction = "there" if self.there else "back"
        return "/".join((self.way.name, self.path, self.stop.text, self.fault, direction))

    @property
    def source(self) -> str:
        """Name of the host that the guest leaves."""
        return self.way.ends[0 if self.there else 1]

    @property
    def dest(self) -> str:
        """Name of the host that it goes to."""
        return self.way.ends[1 if self.there else 0]


def stops(table: Table, path: str) -> Iterator[Stop]:
    """Yield every moment of a path in which an act is asked for, made or answered.

    ARRIVING is after the act is journalled as STARTED, ANSWERED is before it is journalled as DONE
    or FAILED: one transaction writes the end of a step and the beginning of the next.
    """
    if path == SUCCEEDS:
        for prepare in table.prepare:
            yield from _both(prepare.name)
    if table.kind is MigrationKind.BLOCK:
        yield from _both("prepare_dest", 2)
    pivot = table.pivot.name
    yield from (Stop(pivot, Moment.ARRIVING), Stop(pivot, Moment.MIDWAY))
    if path == CANCELLED:
        yield from _both("abort")
    yield Stop(pivot, Moment.ANSWERED)
    acts = [step.name for step in table.finish if isinstance(step, Finish)]
    for name in acts if path == SUCCEEDS else [undo.name for undo in table.back]:
        yield from _both(name)
        if name == MOVE_ADDRESSES:
            yield from _both(RELEASE_ADDRESSES)


def faults_at(stop: Stop) -> tuple[str, ...]:
    """Return what can go wrong at a moment."""
    if stop.moment is Moment.MIDWAY:
        return (*ANYWHERE, "lost", "timed-out")
    if stop.moment is Moment.ARRIVING:
        return (*ANYWHERE, *OF_CALLS, *ARRIVING_ONLY)
    return (*ANYWHERE, *OF_CALLS)


def every() -> list[Cell]:
    """Return all cells; a fault of XAPI in both directions, the others in turns."""
    ways = [
        (way, path, stop)
        for way, path in itertools.product(WAYS, PATHS)
        for stop in stops(TABLES[way.kind], path)
    ]
    # New ones go behind the others, which keep their names and so their results.
    ways.sort(key=lambda one: one[2].step in (MOVE_ADDRESSES, RELEASE_ADDRESSES))
    found: list[Cell] = []
    for way, path, stop in ways:
        for fault in faults_at(stop):
            there = len(found) % 2 == 0
            found.append(Cell(way, path, stop, fault, there))
            if "xapi" in fault:
                found.append(Cell(way, path, stop, fault, not there))
    return found


def _both(step: str, nth: int = 1) -> Iterator[Stop]:
    yield Stop(step, Moment.ARRIVING, nth)
    yield Stop(step, Moment.ANSWERED, nth)
