"""Signals that end the demo, held back while a process is being started.

A signal between the fork and the moment when we know the child would leave the child behind.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    def __init__(self) -> None:
        self._depth = 0
        self._pending = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, now or as soon as nothing holds it back."""
        del number, frame
        if self._depth:
            self._pending = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back; the first one that came is raised at the end."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._pending and not self._depth:
            self._pending = False
            raise KeyboardInterrupt


_interrupts = _Interrupts()
held = _interrupts.held


def handle() -> None:
    """Turn every signal that asks us to end into a KeyboardInterrupt at a safe moment."""
    for number in ENDING:
        signal.signal(number, _interrupts)
