"""What operators ask of a trip while it is under way, at a moment that a test names.

A moment is the nth time (from 1) that a call is about to be made, or "during move" for each second
of a move.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from controller.model.migration import Migration, MigrationState, Resolution
from controller.saga.cancelling import Canceller
from controller.saga.interventions import InterventionRefused
from controller.saga.resolving import Resolver
from tests.support.saga_trip import Trip

Order = Callable[[], Awaitable[Migration]]


@dataclass
class Operator:
    """Gives an order once, and remembers what it was answered."""

    trip: Trip
    order: Order
    when: Callable[[str], bool]
    answer: Migration | None = None
    refusal: InterventionRefused | None = None
    asked: bool = field(default=False)

    async def hear(self, call: str) -> None:
        """Give the order if this is the moment."""
        if self.asked or not self.when(call):
            return
        self.asked = True
        try:
            self.answer = await self.order()
        except InterventionRefused as refusal:
            self.refusal = refusal


def cancels(trip: Trip, moment: str, nth: int = 1) -> Operator:
    """Let an operator cancel the trip at a moment."""
    heard: list[str] = []

    def is_due(call: str) -> bool:
        heard.append(call)
        return call == moment and heard.count(moment) == nth

    return _hired(trip, lambda: Canceller(trip.ledger).cancel(migration_id(trip), "enough"), is_due)


def resolves(trip: Trip, asked: Resolution) -> Operator:
    """Let an operator settle the trip as soon as it is STUCK."""
    resolver = Resolver(trip.ledger, trip.agents)

    def is_stuck(_: str) -> bool:
        return trip.ledger.newest().state is MigrationState.STUCK

    return _hired(trip, lambda: resolver.resolve(migration_id(trip), asked, "I looked"), is_stuck)


def migration_id(trip: Trip) -> str:
    """Return the uuid of the trip's migration."""
    return trip.ledger.newest().migration_id


def _hired(trip: Trip, order: Order, when: Callable[[str], bool]) -> Operator:
    operator = Operator(trip, order, when)
    trip.hearers.append(operator.hear)
    return operator
