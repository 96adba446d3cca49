"""The way back: what was begun is undone, each thing by itself, and none of it is the guest."""

from controller.model.migration import JournalEvent, MigrationState
from controller.ports.ledger import Advance
from controller.saga import forward, journal
from controller.saga.outcomes import TurnedBack
from controller.saga.run import Run
from controller.saga.steps import Undo


async def turn_back(run: Run, _: TurnedBack) -> None:
    """Undo what was begun, and close with the reason why the migration turned back."""
    for undo in run.table.back:
        if not _needed(run, undo):
            continue
        report = await forward.until_done(run, undo, MigrationState.ROLLING_BACK)
        run.hold_report(report)
        run.hold(_undone(run, undo))
    await run.close(MigrationState.ROLLED_BACK)


def _needed(run: Run, undo: Undo) -> bool:
    rows = run.migration.journal
    begun = any(journal.begun(rows, step) for step in undo.after)
    return begun and not journal.done(rows, undo.name)


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
