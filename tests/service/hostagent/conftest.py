"""Two agents over real gRPC, beside a simulator over real HTTP."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.service.hostagent.pool import WORLD, Bench, running_agent
from tests.support.sim import Simulator


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    """A pool of three hosts that all tests share: each test takes a guest of its own."""
    with Simulator(WORLD, time_factor=40) as simulator:
        yield simulator


@pytest.fixture
def own_simulator() -> Iterator[Simulator]:
    """A pool for a test that breaks it."""
    with Simulator(WORLD, time_factor=40) as simulator:
        yield simulator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_bench(shared_simulator: Simulator) -> AsyncIterator[Bench]:
    """The agents of the first two hosts of the shared pool, started once."""
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(running_agent(shared_simulator, "xs1"))
        dest = await stack.enter_async_context(running_agent(shared_simulator, "xs2"))
        yield Bench(shared_simulator, source, dest)


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    """The shared pool and agents; faults that a test armed are gone after it."""
    yield shared_bench
    shared_bench.simulator.clear_faults()


@pytest_asyncio.fixture(loop_scope="session")
async def own_bench(own_simulator: Simulator) -> AsyncIterator[Bench]:
    """The agents of the first two hosts of a pool that may be broken."""
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(running_agent(own_simulator, "xs1"))
        dest = await stack.enter_async_context(running_agent(own_simulator, "xs2"))
        bench = Bench(own_simulator, source, dest)
        yield bench
    for host in ("xs1", "xs2"):  # wakes what connections left behind when they were cut
        bench.evict(host)
