"""Everything that pool.join refuses: told before, and when XAPI refuses it after all."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.demo.stack import ROOT
from tests.service.hostagent import join_obstacles
from tests.service.hostagent.join_obstacles import OBSTACLES
from tests.service.hostagent.pool import RunningAgent, errors, running_agent
from tests.support.dom0 import FAILED, NORTH, PASSWORD, Dom0, Quays
from tests.support.sim import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What no host of a world can be: the pool's own coordinator, or in the middle of a guest's change.
OUT_OF_REACH = {"JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS"}


@dataclass(frozen=True, slots=True)
class Harbour:
    """The simulator of all pools, and their coordinators' agents."""

    simulator: Simulator
    dom0: Dom0
    agents: dict[str, RunningAgent]

    def quays(self, name: str, stack: AsyncExitStack) -> Quays:
        """Return the host that has an obstacle, and the coordinator whose pool it would join."""
        number = [*OBSTACLES].index(name) + 1
        self.dom0.set_up(password=OBSTACLES[name].password)
        agent = self.agents[OBSTACLES[name].coordinator]
        return Quays(self.simulator, self.dom0, agent, number, stack)


@pytest.fixture(scope="module")
def harbour_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Dom0]]:
    """All pools in one simulator."""
    scratch: Path = tmp_path_factory.mktemp("harbour")
    dom0 = Dom0(scratch)
    dom0.set_up()
    plugin = f'[[plugin]]\nname = "xenferry-pool"\nprogram = "{dom0.program}"\n'
    worlds = join_obstacles.write(scratch)
    with Simulator(NORTH + plugin, *worlds, time_factor=200, password=PASSWORD) as simulator:
        yield simulator, dom0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def harbour(harbour_simulator: tuple[Simulator, Dom0]) -> AsyncIterator[Harbour]:
    """Both coordinators' agents."""
    simulator, dom0 = harbour_simulator
    async with running_agent(simulator, "n1") as north, running_agent(simulator, "t1") as full:
        yield Harbour(simulator, dom0, {"n1": north, "t1": full})


@pytest.mark.parametrize("name", OBSTACLES)
async def test_what_xapi_refuses_is_told_before_and_leaves_the_agent_running(
    harbour: Harbour, name: str
) -> None:
    obstacle = OBSTACLES[name]
    async with AsyncExitStack() as stack:
        quays = harbour.quays(name, stack)
        south = await quays.south()
        here = await quays.ask("CheckCanJoinOnHost", south, host_id=south.host.host_id)
        here.joiner.host.address = harbour.simulator.endpoints[quays.home]
        there = await quays.ask(
            "CheckCanJoinOnCoordinator",
            coordinator_id=quays.north.host.host_id,
            joiner=here.joiner,
        )

        words = {**quays.join_words(), "address": here.joiner.host.address}
        ended = await quays.ended(await quays.ask("JoinPool", **words))

        found = errors(here.findings) | errors(there.findings)
        assert found == ({obstacle.found} if obstacle.found else set())
        assert ended.outcome == FAILED
        assert ended.errors[0].xapi_error[0] == obstacle.error, ended
        assert ended.agent_state in ("running", "untouched")
        assert quays.agent_vm(quays.home) == "Running"


async def test_the_password_is_nowhere_but_in_dom0s_file(
    harbour: Harbour, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in XAPI's trace, which has the calls that bear it, nor in any log or record."""
    async with AsyncExitStack() as stack:
        quays = harbour.quays("another edition", stack)
        address = harbour.simulator.endpoints[quays.home]
        words = {**quays.join_words(), "address": address}
        ended = await quays.ended(await quays.ask("JoinPool", **words))
    calls = [call for call in harbour.simulator.trace() if call["method"] == "pool.join"]
    records = [path.read_text() for path in (harbour.dom0.directory / "state").iterdir()]
    logged = "".join(capfd.readouterr())

    assert calls
    assert PASSWORD in (harbour.dom0.directory / "pool.json").read_text()
    assert PASSWORD not in json.dumps(harbour.simulator.trace())
    assert PASSWORD not in "".join([str(ended), harbour.simulator.log(), logged, *records])


def refusals_of_the_simulator() -> set[str]:
    """Return every error that its checks of a join can raise."""
    text = (ROOT / "xapisim/classes/membership/join_checks.py").read_text()
    united = {f"POOL_JOINING_HOST_{what}" for what in re.findall(r'"(HAS_\w+)"\)', text)}
    return set(re.findall(r'XapiError\(\s*"(\w+)"', text)) | united


async def test_every_refusal_of_the_simulator_has_a_row() -> None:
    rows = {obstacle.error for obstacle in OBSTACLES.values()}

    assert refusals_of_the_simulator() - rows == OUT_OF_REACH
