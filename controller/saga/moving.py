"""One call to move: what is heard of it, and how it is stopped when somebody asks for that."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from controller.model.findings import Finding
from controller.model.migration import MigrationState
from controller.ports.agents import (
    AgentBusy,
    AgentUnavailable,
    MoveOutcome,
    MoveProgress,
    StepRefused,
)
from controller.ports.ledger import Advance
from controller.saga import backoff
from controller.saga.run import Run


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one call to move: how it ended, what was said, whether it was seen to go on.

    `vouched`: the first call ever was refused, so by the port's word nothing was done. `busy`: the
    source has too many moves, and by the port's word this call has done nothing.
    """

    outcome: str
    findings: Sequence[Finding] = ()
    refused: bool = False
    moving: bool = False
    vouched: bool = False
    called: bool = True
    busy: bool = False


class Listener:
    """Hears one stream of progress to its end, however it ends."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last: MoveProgress | None = None
        self.moving = False
        """Whether the move was seen to go on."""

    async def listen(self) -> Heard:
        """Move, or join the move under way; return what was heard."""
        try:
            async for item in self._run.agents.move(self._run.order):
                await self._take(item)
        except AgentBusy as busy:
            return Heard(MoveOutcome.UNKNOWN, busy.findings, busy=True)
        except AgentUnavailable as silence:
            return self._ended() or Heard(MoveOutcome.UNKNOWN, silence.findings, moving=self.moving)
        except StepRefused as refusal:
            return Heard(MoveOutcome.UNKNOWN, refusal.findings, refused=True, moving=self.moving)
        return self._ended() or Heard(MoveOutcome.UNKNOWN, moving=self.moving)

    async def _take(self, item: MoveProgress) -> None:
        self._run.publish(item)
        self._last = item
        self.moving = self.moving or not item.outcome
        if self._run.stuck and not item.outcome:
            await self._run.write(Advance(state=MigrationState.MOVING))

    def _ended(self) -> Heard | None:
        if self._last is None or not self._last.outcome:
            return None
        findings = () if self._last.error is None else (self._last.error,)
        return Heard(self._last.outcome, findings, moving=self.moving)


async def move(run: Run) -> Heard:
    """Move, or join the move under way; a cancellation meanwhile has the source stop it.

    A call of which nothing was heard is let go when it is cancelled: it may be on its way still, so
    that both sides have to be asked what became of it.
    """
    listener = Listener(run)
    listening = asyncio.ensure_future(listener.listen())
    try:
        while not listening.done():
            if run.cancel_requested and not listener.moving:
                return Heard(MoveOutcome.UNKNOWN)
            if run.cancel_requested:
                await _stop(run, listening)
                break
            await _until_asked(run, listening)
        return listening.result() if listening.done() else Heard(MoveOutcome.UNKNOWN, moving=True)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _until_asked(run: Run, listening: asyncio.Future[Heard]) -> None:
    asked = asyncio.ensure_future(run.asked.wait())
    try:
        await asyncio.wait((listening, asked), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    run.asked.clear()


async def stop(run: Run) -> Heard:
    """Have the source stop a move that nobody here listens to; what came of it is then to be seen.

    Nobody joins it first: a call to join that comes after the stop would begin a new move.
    """
    await _abort(run)
    return Heard(MoveOutcome.UNKNOWN)


async def _stop(run: Run, listening: asyncio.Future[Heard]) -> None:
    """Have the source stop the move, as often as it takes; the stream then tells how it ended."""
    pauses = backoff.Backoff(run.settings.settle_first_s, run.settings.settle_cap_s)
    while not listening.done():
        if await _abort(run) != MoveOutcome.UNKNOWN:
            await _wait_for(run, listening, run.settings.settle_cap_s)
            return
        await _wait_for(run, listening, pauses.next_s())


async def _abort(run: Run) -> str:
    try:
        return await run.agents.abort(run.order)
    except (AgentUnavailable, StepRefused) as error:
        run.log.info("migration.abort_failed", reason=error.findings[0].reason.value)
        return MoveOutcome.UNKNOWN


async def _wait_for(run: Run, listening: asyncio.Future[Heard], seconds: float) -> None:
    pausing = asyncio.ensure_future(run.world.clock.sleep(seconds))
    try:
        await asyncio.wait((listening, pausing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        pausing.cancel()
