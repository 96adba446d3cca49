"""One simulator a test module, and the unmodified XenAPI client logged in to its coordinator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLDS = Path(__file__).parents[3] / "deploy" / "worlds"


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """The demo world; time passes where a client waits for it."""
    with Simulator(WORLDS / "demo.toml", lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def near(sim: Simulator) -> Client:
    """Logged in to the pool that VMs leave, where `sim` serves two pools."""
    return Client(sim, "n1")


@pytest.fixture
def far(sim: Simulator) -> Client:
    """Logged in to the pool that they go to."""
    return Client(sim, "f1")


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    logged_in = Client(sim, "xs1")
    yield logged_in
    sim.clear_faults()
    logged_in.session.logout()
