"""The one step of no return: the guest is moved, and what became of it is found out.

However the move ends, with a word, a refusal or a broken stream, it is acted upon only when it is
known where the guest runs: the source's agent saw it, or both sides were asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import JournalEvent, MigrationState, Whereabouts
from controller.ports.agents import AgentUnavailable, MoveOutcome, MoveProgress, StepRefused
from controller.ports.ledger import Advance
from controller.saga import doubt as doubts
from controller.saga import journal
from controller.saga.outcomes import Crossed, Prepared, TurnedBack
from controller.saga.run import Run
from controller.saga.settle import Verdict


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one call to move: how it ended, what was said, whether it was seen to go on.

    `vouched`: the first call ever was refused, so by the port's word nothing was done.
    """

    outcome: str
    findings: Sequence[Finding] = ()
    refused: bool = False
    moving: bool = False
    vouched: bool = False
    called: bool = True


_ANSWERED = (Reason.OUTCOME_UNKNOWN, Reason.INSTANCE_LOST)


async def cross(run: Run, _: Prepared) -> Crossed | TurnedBack:
    """Move the guest, or find out what became of a move that another process began."""
    doubt, since = doubts.Doubt(run), run.now()
    heard = await _first(run)
    while heard.outcome == MoveOutcome.UNKNOWN:
        verdict = await _ask(doubt, heard)
        if verdict is Verdict.CROSSED:
            return _crossed(run, "settled")
        if verdict is Verdict.NOT_CROSSED:
            return _turned_back(run, _told(run, doubt, heard))
        if verdict is Verdict.NEVER_BEGUN:
            late = run.seconds_since(since) >= run.settings.prepare_timeout_s
            if heard.refused or late:
                return _turned_back(run, _told(run, doubt, heard))
            await run.begin(run.table.pivot.name, MigrationState.MOVING)
        heard = await _move(run)
    if heard.outcome == MoveOutcome.ARRIVED:
        return _crossed(run, "arrived")
    return _turned_back(run, heard.findings)


async def _first(run: Run) -> Heard:
    """Move, unless the journal says that it was begun: then where the guest is comes first."""
    if journal.begun(run.migration.journal, run.table.pivot.name):
        return Heard(MoveOutcome.UNKNOWN, called=False)
    await run.begin(run.table.pivot.name, MigrationState.MOVING)
    heard = await _move(run)
    return replace(heard, vouched=heard.refused and not heard.moving)


async def _ask(doubt: doubts.Doubt, heard: Heard) -> Verdict:
    if heard.moving:
        doubt.reset()
    if heard.called and not heard.vouched:
        await doubt.check_late()
        await doubt.pause()
    return await doubt.settle(vouched=heard.vouched)


async def _move(run: Run) -> Heard:
    """Move, or join the move under way; return what was heard, however the stream ended."""
    last: MoveProgress | None = None
    moving = False
    try:
        async for item in run.agents.move(run.order):
            run.publish(item)
            last = item
            moving = moving or not item.outcome
            if run.stuck and moving:
                await run.write(Advance(state=MigrationState.MOVING))
    except AgentUnavailable as silence:
        return _heard(last, moving=moving) or Heard(
            MoveOutcome.UNKNOWN, silence.findings, moving=moving
        )
    except StepRefused as refusal:
        return Heard(MoveOutcome.UNKNOWN, refusal.findings, refused=True, moving=moving)
    return _heard(last, moving=moving) or Heard(MoveOutcome.UNKNOWN, moving=moving)


def _heard(last: MoveProgress | None, *, moving: bool) -> Heard | None:
    if last is None or not last.outcome:
        return None
    findings = () if last.error is None else (last.error,)
    return Heard(last.outcome, findings, moving=moving)


def _told(run: Run, doubt: doubts.Doubt, heard: Heard) -> Sequence[Finding]:
    """Return why the guest stayed: a refusal, else what XAPI's task says, else what was heard."""
    failed = [task for task in doubt.view.tasks if task.error_info]
    if heard.refused or not failed:
        return [finding for finding in heard.findings if finding.reason not in _ANSWERED]
    error = failed[0].error_info
    message = f"XAPI ended the move with {error[0]}"
    subject = f"instance/{run.migration.plan.instance_name}"
    remedy = "look up XAPI's error, then ask again"
    return (Finding(Reason.MIGRATION_FAILED, Severity.ERROR, subject, message, remedy, error),)


def _crossed(run: Run, how: str) -> Crossed:
    done = run.entry(run.table.pivot.name, JournalEvent.DONE, note=how)
    run.hold(Advance(entries=(done,), state=MigrationState.FINISHING, whereabouts=Whereabouts.DEST))
    run.log.info("migration.crossed", how=how)
    return Crossed()


def _turned_back(run: Run, findings: Sequence[Finding]) -> TurnedBack:
    plan = run.migration.plan
    stayed = Finding(
        Reason.MIGRATION_FAILED,
        Severity.ERROR,
        f"instance/{plan.instance_name}",
        f"{plan.instance_name} runs on {plan.source_host_name} and nothing moves it",
        "look at the journal for the reason, then ask again",
    )
    run.turn_back(run.table.pivot.name, findings or (stayed,))
    run.hold(Advance(whereabouts=Whereabouts.SOURCE))
    return TurnedBack()
