"""What a journal says has been begun, done and given up."""

from controller.model.migration import JournalEntry, JournalEvent
from controller.saga.steps import Table

Journal = tuple[JournalEntry, ...]


def last_event(journal: Journal, step: str) -> JournalEvent | None:
    """Return the newest event of a step, or None when it was never begun."""
    events = [entry.event for entry in journal if entry.step == step]
    return events[-1] if events else None


def begun(journal: Journal, step: str) -> bool:
    """Whether a step may have had an effect; one that was only given up had none."""
    effects = (JournalEvent.STARTED, JournalEvent.DONE)
    return any(entry.step == step and entry.event in effects for entry in journal)


def done(journal: Journal, step: str) -> bool:
    """Whether a step need not be done any more."""
    return last_event(journal, step) is JournalEvent.DONE


def turned_back(journal: Journal, table: Table) -> bool:
    """Whether a step before the commit point was given up: then the way is back, for good."""
    steps = [*(step.name for step in table.prepare), table.pivot.name]
    given_up = (JournalEvent.FAILED, JournalEvent.UNDONE)
    return any(entry.event in given_up for entry in journal if entry.step in steps)
