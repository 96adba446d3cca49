"""Stacks for system tests: one shared by those that leave it as they found it, and fresh ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from tests.support.stack import Stack, impatient, is_clean


class Lent:
    """A stack that goes from test to test, and is replaced when a failed one has spoilt it."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._stack: Stack | None = None

    def lend(self) -> Stack:
        """Return a running stack in which nothing is open."""
        if self._stack is None:
            self._stack = impatient(self._factory.mktemp("stack"))
            self._stack.start()
        return self._stack

    def take_back(self, stack: Stack) -> None:
        """Lift its faults, start again what was killed; give it up if it does not rest."""
        simulator.lift_all(stack.control)
        for process in stack.programs:
            if not process.running:
                process.start()
        wait_until("all hosts to be alive", stack.all_alive)
        if not is_clean(stack):
            self.close()

    def close(self) -> None:
        """End what runs."""
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.stop()


@pytest.fixture(scope="session")
def _lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lent]:
    lent = Lent(tmp_path_factory)
    yield lent
    lent.close()


@pytest.fixture
def shared_stack(_lent: Lent) -> Iterator[Stack]:
    """Yield a running stack that other tests use before and after."""
    stack = _lent.lend()
    yield stack
    _lent.take_back(stack)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Yield a running stack for one test."""
    with impatient(tmp_path) as running:
        yield running
