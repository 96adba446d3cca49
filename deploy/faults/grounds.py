"""Lends a ground again and again, and makes a new one when something has spoilt it."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.faults.ground import Ground


class Grounds:
    """Owns at most one running ground; the logs of one that was spoilt are kept."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._ground: Ground | None = None
        self._folder = Path()

    def lend(self) -> Ground:
        """Return a ground on which nothing is open."""
        if self._ground is None:
            self._folder = Path(tempfile.mkdtemp(prefix="xenferry-ground-"))
            self._ground = self._exits.enter_context(Ground(self._folder))
        return self._ground

    def spoilt(self) -> Path:
        """End what runs and return the folder with its logs and its database."""
        self._ground = None
        self._exits.close()
        return self._folder

    def close(self) -> None:
        """End what runs and leave nothing behind."""
        if self._ground is not None:
            shutil.rmtree(self.spoilt())
