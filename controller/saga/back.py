"""The way back: what was begun is undone, each thing by itself, and none of it is the guest.

It ends when both sides show what the end says: the guest runs at its source, and nothing of the
migration is left at the destination.
"""

from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import PowerState
from controller.model.migration import JournalEvent, MigrationState, Whereabouts
from controller.ports.ledger import Advance
from controller.saga import backoff, forward, journal, looking, settle
from controller.saga.outcomes import TurnedBack
from controller.saga.run import Run
from controller.saga.settle import View
from controller.saga.steps import Undo


async def turn_back(run: Run, _: TurnedBack) -> None:
    """Undo what was begun, see that it is undone, and close with the reason for turning back."""
    undos = [undo for undo in run.table.back if _begun(run, undo)]
    for undo in undos:
        if journal.done(run.migration.journal, undo.name):
            continue
        report = await forward.until_done(run, undo, MigrationState.ROLLING_BACK)
        run.hold_report(report)
        run.hold(_undone(run, undo))
    if undos:
        await _until_shown(run)
    await run.close(_ending(run))


def _ending(run: Run) -> MigrationState:
    stopped = run.why.reason is Reason.MIGRATION_CANCELLED
    asked = run.migration.cancel_requested
    return MigrationState.CANCELLED if stopped and asked else MigrationState.ROLLED_BACK


def _begun(run: Run, undo: Undo) -> bool:
    return any(journal.begun(run.migration.journal, step) for step in undo.after)


def _undone(run: Run, undo: Undo) -> Advance:
    undone = [
        run.entry(step.name, JournalEvent.UNDONE)
        for step in run.table.prepare
        if step.undo == undo.name and journal.begun(run.migration.journal, step.name)
    ]
    return Advance(
        entries=(run.entry(undo.name, JournalEvent.DONE), *undone),
        state=MigrationState.ROLLING_BACK,
        error=run.why,
    )


async def _until_shown(run: Run) -> None:
    """Look at both sides until they show a guest that stayed and a destination that is clean."""
    since_s = run.monotonic()
    pauses = backoff.Backoff(run.settings.retry_first_s, run.settings.retry_cap_s)
    while True:
        view = await looking.look(run.agents, run.order)
        objection = _objection(run, view)
        if objection is None:
            run.hold(Advance(whereabouts=Whereabouts.SOURCE, error=run.why))
            return
        late = run.seconds_since(since_s) >= run.settings.stuck_after_s
        if view.complete or late:
            where = settle.whereabouts(view, run.order)
            await run.stick(objection, Advance(whereabouts=where))
        await run.pause(run.settings.refused_retry_s if view.complete else pauses.next_s())
        await run.refresh_when_stuck()


def _objection(run: Run, view: View) -> Finding | None:
    """Return what stands against the end; a guest that another host took over is no concern."""
    plan, source = run.migration.plan, view.source
    if source is None or view.dest is None:
        silent = plan.source_host_name if source is None else plan.dest_host_name
        return _finding(
            run, Reason.AGENT_UNAVAILABLE, f"the agent of {silent} does not answer", "look at it"
        )
    if view.dest.residue:
        left = ", ".join(view.dest.residue)
        return _finding(
            run,
            Reason.RESIDUE_LEFT,
            f"{len(view.dest.residue)} things of the migration are left at {plan.dest_host_name}: "
            f"{left}",
            "look at what is in the way and remove it; it is looked at again by itself",
        )
    if source.power_state is not PowerState.RUNNING:
        state = source.power_state.value.lower()
        return _finding(
            run,
            Reason.INSTANCE_NOT_RUNNING,
            f"{plan.instance_name} was to stay at {plan.source_host_name}, and XAPI shows it "
            f"{state} there",
            "look for its domain on both hosts (xl list) before it is started; "
            "ResolveMigration with ADOPT_REALITY takes it as it is",
        )
    return None


def _finding(run: Run, reason: Reason, message: str, remedy: str) -> Finding:
    subject = f"instance/{run.migration.plan.instance_name}"
    return Finding(reason, Severity.ERROR, subject, message, remedy)
