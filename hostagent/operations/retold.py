"""Instances that the controller is told of again, changed or not."""

import asyncio


class Retold:
    """What the next report tells in any case; `waiting` is set while there is something to tell.

    The controller places a guest at the destination before any agent has told of it. A guest that
    came and went on between two reports has changed nothing in either, so what the controller
    assumed would stand for ever.
    """

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self._instances: set[str] = set()

    def ask(self, instance_id: str) -> None:
        """Have an instance told of again."""
        self._instances.add(instance_id)
        self.waiting.set()

    def take(self) -> set[str]:
        """Return the instances that were asked for, each once."""
        taken, self._instances = self._instances, set()
        return taken
