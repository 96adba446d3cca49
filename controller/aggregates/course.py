"""One operation under one claim, and what its phases need."""

from dataclasses import dataclass, replace

from controller.aggregates.settings import AggregateSettings
from controller.aggregates.waiting import first_of
from controller.model.aggregates import Operation, Phase
from controller.model.findings import Finding
from controller.ports.aggregates import Driven, OperationLedger, PoolAgents, PoolProgress
from controller.ports.clock import Clock
from controller.ports.registry import Following, Registry

GAVE_UP = "dom0 gave up: "
UNKNOWN = "UNKNOWN"
"""The outcome of what dom0 knows nothing of."""


@dataclass(frozen=True, slots=True)
class World:
    """What every operation uses."""

    ledger: OperationLedger
    agents: PoolAgents
    registry: Registry
    clock: Clock
    settings: AggregateSettings


def _gave_up(progress: PoolProgress) -> list[str]:
    if progress.outcome != "FAILED":
        return []
    return [GAVE_UP + finding.message for finding in progress.errors]


class Course:
    """Writes each change before the next act."""

    def __init__(self, world: World, driven: Driven) -> None:
        self.world = world
        self._driven = driven
        self.operation = driven.operation
        self._silent_since: float | None = None

    async def enter(self, phase: Phase, note: str = "", error: Finding | None = None) -> None:
        """Enter a phase; an error given replaces the one told before."""
        told = replace(self.operation, error=error or self.operation.error)
        await self._write(told.entered(phase, self.world.clock.now(), note))

    async def keep(self, operation: Operation) -> None:
        """Write the operation as it is now, if anything of it changed."""
        if operation != self.operation:
            await self._write(replace(operation, update_time=self.world.clock.now()))

    async def take(self, progress: PoolProgress) -> None:
        """Write what dom0 tells that is new; the worst of its errors is the last."""
        self._silent_since = None
        operation, now = self.operation, self.world.clock.now()
        known = {row.note for row in operation.journal}
        for note in (*progress.notes, *_gave_up(progress)):
            if note not in known:
                operation = operation.noted(now, note)
        kept = operation.error if operation.phase.ended else None
        error = progress.errors[-1] if progress.errors else kept
        state = progress.agent_state
        await self.keep(replace(operation, begun=True, agent_state=state, error=error))

    def silent_s(self) -> float:
        """Return for how many seconds nobody has answered, from the first call of this on."""
        now = self.world.clock.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        return now - self._silent_since

    async def pause(self, pause_s: float = 0.0) -> None:
        """Wait until the operation's host changed, or for a while, by default until the next poll.

        Raises OperationLost if the operation is no longer this driver's.
        """
        following = self.world.registry.follow_hosts()
        within_s = pause_s or self.world.settings.poll_s
        try:
            await first_of(self._changed(following), self.world.clock.sleep(within_s))
        finally:
            following.close()
        await self.world.ledger.hold(self._driven)

    async def _changed(self, following: Following) -> None:
        while self.operation.plan.host_id not in await following.next():
            pass

    async def _write(self, operation: Operation) -> None:
        await self.world.ledger.advance(self._driven, operation)
        self.operation = operation
