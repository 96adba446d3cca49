"""A fake controller a test, and ferryctl run against it in this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ferryctl import main
from tests.unit.ferryctl.fake_controller import FakeController


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the JSON document on stdout."""
        return json.loads(self.out)

    @property
    def complaint(self) -> Any:
        """Return the JSON error on stderr."""
        return json.loads(self.err)["error"]


Run = Callable[..., Ran]


@pytest.fixture
def controller() -> Iterator[FakeController]:
    """Yield a running fake controller."""
    fake = FakeController()
    yield fake
    fake.stop()


@pytest.fixture
def ferryctl(controller: FakeController, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs ferryctl against the fake controller."""

    def run(*words: str) -> Ran:
        code = main.run(["--controller", controller.address, *words])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
