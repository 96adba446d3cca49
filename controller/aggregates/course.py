"""One operation under one claim, and what its phases need."""

from dataclasses import dataclass, replace

from controller.aggregates.settings import AggregateSettings
from controller.aggregates.waiting import first_of
from controller.model.aggregates import Operation, Phase
from controller.model.findings import Finding
from controller.ports.aggregates import Driven, OperationLedger, PoolAgents, PoolProgress
from controller.ports.clock import Clock
from controller.ports.registry import Registry

GAVE_UP = "dom0 gave up: "


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
        error = progress.errors[-1] if progress.errors else None
        state = progress.agent_state
        await self.keep(replace(operation, begun=True, agent_state=state, error=error))

    def silent_s(self) -> float:
        """Return for how many seconds nobody has answered, from the first call of this on."""
        now = self.world.clock.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        return now - self._silent_since

    async def pause(self) -> None:
        """Wait until a host changed, or until dom0 is to be asked again."""
        following = self.world.registry.follow_hosts()
        clock = self.world.clock
        try:
            await first_of(following.next(), clock.sleep(self.world.settings.poll_s))
        finally:
            following.close()

    async def _write(self, operation: Operation) -> None:
        await self.world.ledger.advance(self._driven, operation)
        self.operation = operation
