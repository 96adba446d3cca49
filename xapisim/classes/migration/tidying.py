"""What the source asks of a destination that doesn't answer any more: to take its networks back."""

from collections.abc import Iterator
from contextlib import contextmanager

from xapisim.classes.migration.line import Line
from xapisim.classes.migration.state import Migration
from xapisim.classes.tasks import Tasks


@contextmanager
def tidying(tasks: Tasks, line: Line, migration: Migration) -> Iterator[None]:
    """While the destination is dead, the migration waits for that and can't be cancelled (recorded
    on xapi 26.17).
    """
    if not line.dest_died:
        yield
        return
    asked = tasks.create("network.detach_for_vm", migration.dest, parent=migration.task)
    tasks.uncancellable(migration.task)
    try:
        yield
    finally:
        tasks.destroy(asked)
