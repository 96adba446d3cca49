"""Past the commit point: every step until it is done, and no way back."""

from controller.model.migration import JournalEvent, MigrationState
from controller.ports.ledger import Advance
from controller.saga import changes, forward, journal
from controller.saga.outcomes import Crossed
from controller.saga.run import Run
from controller.saga.steps import Record


async def finish(run: Run, _: Crossed) -> None:
    """Do what the journal does not call done, and close."""
    for step in run.table.finish:
        if journal.done(run.migration.journal, step.name):
            continue
        done = Advance(state=MigrationState.FINISHING)
        if isinstance(step, Record):
            done = changes.merge(done, step.change)
        else:
            run.hold_report(await forward.until_done(run, step, MigrationState.FINISHING))
        entry = run.entry(step.name, JournalEvent.DONE)
        run.hold(changes.merge(done, Advance(entries=(entry,))))
    await run.close(MigrationState.SUCCEEDED)
