"""The part that can be undone: all steps at once, and back if one of them is refused.

A step that changes nothing has no STARTED row: there is nothing that a crash could leave behind.
"""

from collections.abc import Sequence

from controller.model.findings import Finding, errors
from controller.model.migration import JournalEvent, MigrationState
from controller.ports.agents import AgentBusy, AgentUnavailable, StepRefused
from controller.ports.ledger import Advance, CancelWins
from controller.saga import backoff, cancelling, journal, together
from controller.saga.outcomes import Prepared, TurnedBack
from controller.saga.run import Run
from controller.saga.steps import Prepare


async def prepare(run: Run) -> Prepared | TurnedBack:
    """Do every preparation that the journal does not call done."""
    due = [step for step in run.table.prepare if not journal.done(run.migration.journal, step.name)]
    if not due:
        return Prepared()
    try:
        effects = [step.name for step in due if step.undo]
        await run.begin_unless_cancelled(effects, MigrationState.PREPARING)
    except CancelWins:
        await run.refresh()
        return stopped(run, due[0].name)
    answers = await together.all_of(_attempt(run, step) for step in due)
    objecting = False
    for step, objections in zip(due, answers, strict=True):
        if objections is None:
            run.hold(Advance(entries=(run.entry(step.name, JournalEvent.DONE),)))
        else:
            run.turn_back(step.name, objections)
            objecting = True
    return TurnedBack() if objecting else Prepared()


def stopped(run: Run, step: str) -> TurnedBack:
    """Give a step up because the caller wants the migration stopped."""
    run.turn_back(step, _wish(run))
    return TurnedBack()


async def _attempt(run: Run, step: Prepare) -> Sequence[Finding] | None:
    """Do a step; return why it can't be done, or None when it is.

    An agent that does not answer is asked until the time is up, and at least once; one that has too
    many migrations is asked until it has fewer.
    """
    since_s = run.monotonic()
    pauses = backoff.Backoff(run.settings.retry_first_s, run.settings.retry_cap_s)
    while True:
        try:
            report = await step.act(run.agents, run.order)
        except StepRefused as refusal:
            return refusal.findings
        except AgentBusy:
            since_s = run.monotonic()
            run.tell(f"waiting to {step.name}")
        except AgentUnavailable as silence:
            if run.seconds_since(since_s) >= run.settings.prepare_timeout_s:
                return silence.findings
        else:
            found = errors(report.findings)
            if not found:
                run.hold_report(report)
            return found or None
        if run.cancel_requested:
            return _wish(run)
        await run.pause(pauses.next_s())


def _wish(run: Run) -> Sequence[Finding]:
    return (cancelling.cancellation(run.migration, run.migration.cancel_reason),)
