"""Two agents over real gRPC, beside a simulator over real HTTP."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.service.hostagent import obstacles
from tests.service.hostagent.course import Course
from tests.service.hostagent.crossing import Yard, running_yard
from tests.service.hostagent.pool import WORLD, Bench, running_agent
from tests.service.hostagent.quayside import Quay, leader, quayside, running_quayside
from tests.service.hostagent.two_pools import Pool, two_pools
from tests.support.dom0 import HOSTS, Quays, serving_quays
from tests.support.sim import Simulator

_numbers = itertools.count(1)


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


@pytest.fixture(scope="session")
def two_pools_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Two pools that all tests of block migrations share: each test takes a guest of its own."""
    with two_pools(tmp_path_factory.mktemp("pools")) as simulator:
        yield simulator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_yard(two_pools_simulator: Simulator) -> AsyncIterator[Yard]:
    """The agents of n1, n2 and f1, started once."""
    async with running_yard(two_pools_simulator) as yard:
        yield yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(shared_yard: Yard) -> AsyncIterator[Yard]:
    """Both pools and their agents; faults that a test armed are gone after it."""
    await shared_yard.stocked()
    yield shared_yard
    shared_yard.simulator.clear_faults()


@pytest.fixture(scope="session")
def course_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Three pools in which everything speaks against a move."""
    worlds = obstacles.write(tmp_path_factory.mktemp("course"))
    with Simulator(*worlds, time_factor=40) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def course(course_simulator: Simulator) -> AsyncIterator[Course]:
    """The agents of all three, each started when it is first asked."""
    async with AsyncExitStack() as stack:
        yield Course(course_simulator, stack)


@pytest.fixture(scope="session")
def quay_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Two pools that all cells share: each takes a guest of its own."""
    with quayside(tmp_path_factory.mktemp("quay")) as simulator:
        yield simulator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_quay(quay_simulator: Simulator) -> AsyncIterator[Quay]:
    """The agents, started once."""
    async with running_quayside(quay_simulator) as quay:
        yield quay


@pytest_asyncio.fixture(loop_scope="session")
async def quay(shared_quay: Quay) -> Quay:
    """Both pools, with a line to whoever coordinates the first one now."""
    simulator = shared_quay.simulator
    quay = replace(shared_quay, near_pool=Pool(simulator, leader(simulator)))
    await quay.stocked()
    return quay


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_quays(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quays]:
    """A coordinator and hosts enough for every test to join one."""
    async with serving_quays(tmp_path_factory.mktemp("dom0")) as quays:
        yield quays


@pytest_asyncio.fixture(loop_scope="session")
async def quays(shared_quays: Quays) -> AsyncIterator[Quays]:
    """The coordinator, and a host that no test has touched."""
    async with untouched(shared_quays, next(_numbers)) as quays:
        yield quays


@pytest_asyncio.fixture(loop_scope="session")
async def lone_quays(shared_quays: Quays) -> AsyncIterator[Quays]:
    """The coordinator, for a test in which no host joins."""
    async with untouched(shared_quays, HOSTS) as quays:
        yield quays


@pytest_asyncio.fixture(loop_scope="session")
async def unfit_quays(shared_quays: Quays) -> AsyncIterator[Quays]:
    """The coordinator, and a host that no pool would take."""
    async with untouched(shared_quays, HOSTS) as quays:
        yield quays


@asynccontextmanager
async def untouched(shared: Quays, number: int) -> AsyncIterator[Quays]:
    """Give dom0 as it is to be, and have no faults left."""
    shared.dom0.set_up()
    async with AsyncExitStack() as stack:
        yield replace(shared, number=number, stack=stack)
    shared.simulator.clear_faults()
