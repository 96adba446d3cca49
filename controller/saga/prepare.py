"""The part that can be undone: each step once more if need be, and back if it is refused."""

from collections.abc import Sequence

from controller.model.findings import Finding, errors
from controller.model.migration import JournalEvent, MigrationState
from controller.ports.agents import AgentUnavailable, StepRefused
from controller.ports.ledger import Advance
from controller.saga import backoff, journal
from controller.saga.outcomes import Prepared, TurnedBack
from controller.saga.run import Run
from controller.saga.steps import Prepare


async def prepare(run: Run) -> Prepared | TurnedBack:
    """Do every preparation that the journal does not call done."""
    for step in run.table.prepare:
        if journal.done(run.migration.journal, step.name):
            continue
        await run.begin(step.name, MigrationState.PREPARING)
        objections = await _attempt(run, step)
        if objections is not None:
            run.turn_back(step.name, objections)
            return TurnedBack()
        done = run.entry(step.name, JournalEvent.DONE)
        run.hold(Advance(entries=(done,), state=MigrationState.PREPARING))
    return Prepared()


async def _attempt(run: Run, step: Prepare) -> Sequence[Finding] | None:
    """Do a step; return why it can't be done, or None when it is.

    An agent that does not answer is asked until the time is up, and at least once.
    """
    since = run.now()
    pauses = backoff.Backoff(run.settings.retry_first_s, run.settings.retry_cap_s)
    while True:
        try:
            report = await step.act(run.agents, run.order)
        except StepRefused as refusal:
            return refusal.findings
        except AgentUnavailable as silence:
            if run.seconds_since(since) >= run.settings.prepare_timeout_s:
                return silence.findings
        else:
            found = errors(report.findings)
            if not found:
                run.hold_report(report)
            return found or None
        await run.sleep(pauses.next_s())
