"""How many migrations may run at once: for a source, for a destination, and in all, by kind."""

from dataclasses import dataclass

from controller.model.migration import MigrationKind, MigrationState

RUNNING = frozenset(
    {
        MigrationState.PREPARING,
        MigrationState.MOVING,
        MigrationState.FINISHING,
        MigrationState.ROLLING_BACK,
    }
)
"""A STUCK migration takes no slot: it may stay so for long, and agents have limits of their own."""


@dataclass(frozen=True, slots=True)
class KindLimits:
    """At most so many of a kind; zero means no limit."""

    per_source: int = 0
    per_dest: int = 0
    in_all: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of each kind."""

    shared_storage: KindLimits
    block: KindLimits

    def of(self, kind: MigrationKind) -> KindLimits:
        """Return the limits of a kind."""
        return self.block if kind is MigrationKind.BLOCK else self.shared_storage


@dataclass(frozen=True, slots=True)
class Load:
    """How many of a kind run: from a source, to a destination, in all."""

    at_source: int = 0
    at_dest: int = 0
    in_all: int = 0

    def leaves_room(self, limits: KindLimits) -> bool:
        """Tell whether one more may run."""
        pairs = (
            (self.at_source, limits.per_source),
            (self.at_dest, limits.per_dest),
            (self.in_all, limits.in_all),
        )
        return all(limit == 0 or running < limit for running, limit in pairs)
