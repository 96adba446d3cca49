"""A step that must be done, tried until it is: past the pivot and on the way back.

There is nobody to hand a failure to, so it is written down, an operator is alerted when it lasts,
and it is tried again for ever; every such step is safe to repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.model.findings import Finding, Reason, Severity, errors
from controller.model.migration import CleanupAction, JournalEvent, MigrationState
from controller.ports.agents import AgentUnavailable, StepRefused
from controller.ports.ledger import Advance
from controller.saga import backoff, changes
from controller.saga.run import Run
from controller.saga.steps import Finish, Report, Undo


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a step is not done; `lasting` when it is likelier to need an operator than time."""

    error: Finding
    lasting: bool
    alarming: bool = False
    report: Report = field(default_factory=Report)


async def until_done(run: Run, step: Finish | Undo, state: MigrationState) -> Report:
    """Start a step and repeat it until it is done; raises only Fenced and ClaimLost."""
    await run.begin([step.name], state)
    since_s = run.monotonic()
    pauses = backoff.Backoff(run.settings.retry_first_s, run.settings.retry_cap_s)
    told = False
    while True:
        outcome = await _attempt(run, step)
        if isinstance(outcome, Report):
            return outcome
        late = run.seconds_since(since_s) >= run.settings.stuck_after_s
        await _tell(run, step.name, outcome, first=outcome.lasting and not told, late=late)
        told = told or outcome.lasting
        await run.pause(run.settings.refused_retry_s if outcome.lasting else pauses.next_s())
        await run.refresh_when_stuck()


async def _attempt(run: Run, step: Finish | Undo) -> Report | Trouble:
    try:
        report = await step.act(run.agents, run.order)
    except AgentUnavailable as silence:
        return Trouble(silence.findings[0], lasting=False)
    except StepRefused as refusal:
        return Trouble((*errors(refusal.findings), *refusal.findings)[0], lasting=True)
    left = [item.subject for item in report.items if item.action is CleanupAction.FAILED]
    if left:
        return Trouble(_residue(run, left), lasting=True, alarming=True, report=report)
    found = errors(report.findings)
    if found:
        return Trouble(found[0], lasting=True, report=report)
    return report


async def _tell(run: Run, step: str, trouble: Trouble, *, first: bool, late: bool) -> None:
    change = None
    if first:
        note = trouble.error.message
        change = Advance(
            entries=(run.entry(step, JournalEvent.FAILED, note),),
            cleanup=changes.renewed(run.migration.cleanup, trouble.report.items),
        )
    if trouble.alarming or late:
        await run.stick(trouble.error, change)
    elif change is not None:
        await run.write(change)


def _residue(run: Run, left: Sequence[str]) -> Finding:
    return Finding(
        Reason.RESIDUE_LEFT,
        Severity.ERROR,
        f"instance/{run.migration.plan.instance_name}",
        f"{len(left)} things could not be removed: {', '.join(left)}",
        "look at the clean-up report for XAPI's words, and remove what is in the way; "
        "it is tried again by itself",
    )
