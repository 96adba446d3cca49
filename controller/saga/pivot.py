"""The one step of no return: the guest is moved, and what became of it is found out.

However the move ends, with a word, a refusal or a broken stream, it is acted upon only when it is
known where the guest runs: the source's agent saw it, or both sides were asked. A cancellation that
is written before the move is keeps it from being begun.
"""

from collections.abc import Sequence
from dataclasses import replace

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import JournalEvent, MigrationState, Resolution, Whereabouts
from controller.ports.agents import MoveOutcome
from controller.ports.ledger import Advance, CancelWins
from controller.saga import backoff, cancelling, journal, moving, prepare
from controller.saga import doubt as doubts
from controller.saga.moving import Heard
from controller.saga.outcomes import Crossed, Prepared, TurnedBack
from controller.saga.run import Run
from controller.saga.settle import Verdict

_ANSWERED = (Reason.OUTCOME_UNKNOWN, Reason.INSTANCE_LOST)


async def cross(run: Run, _: Prepared) -> Crossed | TurnedBack:
    """Move the guest, or find out what became of a move that another process began."""
    try:
        return await Crossing(run).cross()
    except CancelWins:
        await run.refresh()
        return prepare.stopped(run, run.table.pivot.name)


class Crossing:
    """The calls to move of one migration in one life of its driver.

    `_fresh` says that no call has begun anything: none was made, or both sides have shown it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._doubt = doubts.Doubt(run)
        self._since_s = run.monotonic()
        self._fresh = not journal.begun(run.migration.journal, run.table.pivot.name)

    async def cross(self) -> Crossed | TurnedBack:
        """Move and settle until the outcome is known; raises CancelWins if it is never begun."""
        heard = await self._first()
        while heard.outcome == MoveOutcome.UNKNOWN:
            if heard.busy and self._fresh:
                if self._run.cancel_requested:
                    return self._turned_back(())
                heard = await self._wait_for_the_source()
                continue
            ended = await self._settle(heard)
            if isinstance(ended, (Crossed, TurnedBack)):
                return ended
            heard = await self._go_on(ended)
        if heard.outcome == MoveOutcome.ARRIVED:
            return _crossed(self._run, "arrived")
        return self._turned_back(heard.findings)

    async def _first(self) -> Heard:
        """Move, unless the journal says that it was begun: then where the guest is comes first."""
        if not self._fresh:
            return Heard(MoveOutcome.UNKNOWN, called=False)
        await self._begin()
        heard = await self._move()
        return replace(heard, vouched=heard.refused and not heard.moving)

    async def _begin(self) -> None:
        run = self._run
        await run.begin_unless_cancelled([run.table.pivot.name], MigrationState.MOVING)

    async def _go_on(self, verdict: Verdict) -> Heard:
        if verdict is Verdict.IN_FLIGHT and self._run.cancel_requested:
            return await moving.stop(self._run)
        return await self._move()

    async def _move(self) -> Heard:
        heard = await moving.move(self._run)
        self._fresh = self._fresh and heard.busy
        return heard

    async def _wait_for_the_source(self) -> Heard:
        """Wait while the source has too many moves; it says so before it does anything."""
        run = self._run
        pauses = backoff.Backoff(run.settings.retry_first_s, run.settings.retry_cap_s)
        heard = Heard(MoveOutcome.UNKNOWN, busy=True)
        while heard.busy and not run.cancel_requested:
            run.tell(f"waiting for {run.migration.plan.source_host_name}")
            await run.pause(pauses.next_s())
            if not run.cancel_requested:
                heard = await self._move()
        self._since_s = run.monotonic()
        return heard

    async def _settle(self, heard: Heard) -> Crossed | TurnedBack | Verdict:
        """Find out where the guest is; a verdict says that there is something to join or begin."""
        run = self._run
        verdict = await self._ask(heard)
        if verdict is Verdict.CROSSED:
            return _crossed(run, _how(run))
        if verdict is Verdict.NOT_CROSSED:
            return self._turned_back(self._told(heard))
        if verdict is Verdict.NEVER_BEGUN:
            late = run.seconds_since(self._since_s) >= run.settings.prepare_timeout_s
            if heard.refused or run.cancel_requested or (late and not heard.busy):
                return self._turned_back(self._told(heard))
            await self._begin()
            self._fresh = True
        return verdict

    async def _ask(self, heard: Heard) -> Verdict:
        doubt = self._doubt
        if heard.moving:
            doubt.reset()
        if heard.called and not heard.vouched:
            await doubt.check_late()
            await doubt.pause()
        return await doubt.settle(vouched=heard.vouched)

    def _told(self, heard: Heard) -> Sequence[Finding]:
        """Return why the guest stayed: a refusal, else XAPI's task, else what was heard."""
        run = self._run
        decided = run.migration.resolution is Resolution.ROLL_BACK and run.stuck
        if decided:
            return (_decided(run),)
        failed = [task for task in self._doubt.view.tasks if task.error_info]
        if heard.refused or not failed:
            return [finding for finding in heard.findings if finding.reason not in _ANSWERED]
        error = failed[0].error_info
        message = f"XAPI ended the move with {error[0]}"
        subject = f"instance/{run.migration.plan.instance_name}"
        remedy = "look up XAPI's error, then ask again"
        return (Finding(Reason.MIGRATION_FAILED, Severity.ERROR, subject, message, remedy, error),)

    def _turned_back(self, findings: Sequence[Finding]) -> TurnedBack:
        run = self._run
        if run.cancel_requested:
            findings = (cancelling.cancellation(run.migration, run.migration.cancel_reason),)
        run.turn_back(run.table.pivot.name, findings or (_stayed(run),))
        run.hold(Advance(whereabouts=Whereabouts.SOURCE))
        return TurnedBack()


def _how(run: Run) -> str:
    if run.stuck and run.migration.resolution is Resolution.ROLL_FORWARD:
        return f"an operator decided so: {run.migration.resolution_reason}"
    return "settled"


def _crossed(run: Run, how: str) -> Crossed:
    done = run.entry(run.table.pivot.name, JournalEvent.DONE, note=how)
    run.hold(Advance(entries=(done,), state=MigrationState.FINISHING, whereabouts=Whereabouts.DEST))
    run.log.info("migration.crossed", how=how)
    return Crossed()


def _stayed(run: Run) -> Finding:
    plan = run.migration.plan
    return Finding(
        Reason.MIGRATION_FAILED,
        Severity.ERROR,
        f"instance/{plan.instance_name}",
        f"{plan.instance_name} runs on {plan.source_host_name} and nothing moves it",
        "look at the journal for the reason, then ask again",
    )


def _decided(run: Run) -> Finding:
    plan = run.migration.plan
    return Finding(
        Reason.MIGRATION_FAILED,
        Severity.ERROR,
        f"instance/{plan.instance_name}",
        f"an operator decided that {plan.instance_name} runs on {plan.source_host_name}: "
        f"{run.migration.resolution_reason}",
        "ask again when it may move",
    )
