"""Where the saga tells how far a move is.

Progress is memory, never the journal's business: losing it loses nothing.
"""

from typing import Protocol

from controller.model import migration


class ProgressSink(Protocol):
    """Takes the progress of open migrations, for watchers."""

    def publish(self, migration_id: str, progress: migration.Progress) -> None:
        """Take the newest progress; must not block and must not raise."""
