"""What a saga is made of: steps that can be undone, one pivot, steps that only go forward.

The kinds are types of their own, so that a rollback after the pivot can't be written down: only
Prepare names an undo, and nothing that follows the pivot does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from controller.model.findings import Finding
from controller.model.migration import CleanupItem, MigrationKind
from controller.ports.agents import MoveAgents, Order
from controller.ports.ledger import Advance


@dataclass(frozen=True, slots=True)
class Report:
    """What a step that was carried out has to tell."""

    findings: tuple[Finding, ...] = ()
    items: tuple[CleanupItem, ...] = ()


Act = Callable[[MoveAgents, Order], Awaitable[Report]]
Need = Callable[[MoveAgents, Order], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Prepare:
    """A step before the pivot; `undo` names the step that takes it back, if there is anything."""

    name: str
    act: Act
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Pivot:
    """The one step that is neither undone nor simply repeated: its outcome is settled."""

    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """A change of the ledger alone; it rides in the transaction of what came before it."""

    name: str
    change: Advance


@dataclass(frozen=True, slots=True)
class Finish:
    """A step after the pivot, repeated until it is done; `needed` None: always needed."""

    name: str
    act: Act
    needed: Need | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """A step of the way back, repeated until it is done; needed once one of `after` has begun."""

    name: str
    act: Act
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of migration, from top to bottom."""

    kind: MigrationKind
    prepare: tuple[Prepare, ...]
    pivot: Pivot
    finish: tuple[Record | Finish, ...]
    back: tuple[Undo, ...]
