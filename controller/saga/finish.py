"""Past the commit point: every step until it is done, and no way back."""

from controller.model.migration import JournalEvent, MigrationState
from controller.ports.ledger import Advance
from controller.saga import changes, forward, journal
from controller.saga.outcomes import Crossed
from controller.saga.run import Run
from controller.saga.steps import Finish, Record


async def finish(run: Run, _: Crossed) -> None:
    """Do what the journal does not call done, and close."""
    for step in run.table.finish:
        if journal.done(run.migration.journal, step.name):
            continue
        if not await _needed(run, step):
            continue
        done = Advance(state=MigrationState.FINISHING)
        if isinstance(step, Record):
            done = changes.merge(done, step.change)
        else:
            report = await forward.until_done(run, step, MigrationState.FINISHING)
            run.hold_report(report)
            if report.findings:
                done = changes.merge(done, Advance(verification=report.findings))
        entry = run.entry(step.name, JournalEvent.DONE)
        run.hold(changes.merge(done, Advance(entries=(entry,))))
    await run.close(MigrationState.SUCCEEDED)


async def _needed(run: Run, step: Record | Finish) -> bool:
    """Tell whether there is anything to do; a step that is begun is needed."""
    if isinstance(step, Record) or step.needed is None:
        return True
    begun = journal.begun(run.migration.journal, step.name)
    return begun or await step.needed(run.agents, run.order)
