"""The pool calls of the agent, with the real plug-in in a simulated dom0."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.service.hostagent.pool import errors
from tests.support import dom0
from tests.support.dom0 import DONE, FAILED, PASSWORD, SOUTH, Quays
from xenferry.hostagent.v1 import host_agent_pb2, pools_pb2

UNFIT = (
    SOUTH.replace('name = "s1"\n[[network]]', 'name = "s1"\nversion = "8.2"\n[[network]]')
    + """
[[sr]]
name = "nfs-of-its-own"
[[vm]]
name = "web-1"
memory = "1 GiB"
host = "s1"
"""
)
PHASES = ("stopping_agent", "joining", "waiting_xapi", "starting_agent")


@pytest_asyncio.fixture
async def quays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Quays]:
    """Return two pools of one host each."""
    async with dom0.quays(tmp_path, monkeypatch.setenv) as quays:
        yield quays


async def checked(quays: Quays, force: bool = False) -> tuple[set[str], set[str]]:
    """Return what both sides have against the join."""
    here = await quays.ask("CheckCanJoinOnHost", quays.south, host_id=quays.south.host.host_id)
    there = await quays.ask(
        "CheckCanJoinOnCoordinator",
        coordinator_id=quays.north.host.host_id,
        joiner=here.joiner,
        force=force,
    )
    return errors(here.findings), errors(there.findings)


def no_secret_is_told(quays: Quays) -> None:
    """The password is in no state file and in no log."""
    texts = [file.read_text() for file in (quays.directory / "state").glob("*")]
    assert PASSWORD not in "".join(texts) + quays.simulator.log()


async def test_a_host_joins_and_its_agent_runs_again(quays: Quays) -> None:
    nothing_against = await checked(quays)
    words = quays.join_words()
    begun = await quays.ask("JoinPool", **words)
    again = await quays.ask("JoinPool", **words)

    ended = await quays.ended(begun)
    repeated = await quays.ask("JoinPool", **words)
    info = await quays.south.stub.GetAgentInfo(host_agent_pb2.GetAgentInfoRequest())
    member = await quays.refused(
        "JoinPool", quays.south, **{**words, "coordinator_id": quays.south.host.host_id}
    )

    assert nothing_against == (set(), set())
    assert again.operation_id == begun.operation_id
    assert (ended.outcome, ended.agent_state) == (DONE, "running")
    assert repeated == ended
    assert quays.agent_vm("n1") == "Running"
    assert info.host.host_id == quays.south.host.host_id
    assert info.host.pool_id == quays.north.host.pool_id
    assert info.host.agent_instance_id == dom0.AGENT_VM
    assert member.reason == "NOT_COORDINATOR"
    no_secret_is_told(quays)


async def test_a_member_is_ejected_with_its_agent(quays: Quays) -> None:
    await quays.joined()
    words = quays.leave_words()

    refused = await quays.refused("LeavePool", **{**words, "confirm_wipe": False})
    ended = await quays.ended(await quays.ask("LeavePool", **words))

    assert refused.reason == "WIPE_NOT_CONFIRMED"
    assert (ended.outcome, ended.agent_state) == (DONE, "gone")


async def test_the_coordinator_is_not_ejected_and_keeps_its_agent(quays: Quays) -> None:
    words = {**quays.leave_words(), "host_id": quays.north.host.host_id}

    ended = await quays.ended(await quays.ask("LeavePool", **words))

    assert (ended.outcome, ended.agent_state) == (FAILED, "untouched")
    assert errors(ended.errors) == {"POOL_OPERATION_FAILED"}


async def test_all_that_stands_against_a_join_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dom0.quays(tmp_path, monkeypatch.setenv, south=UNFIT, password="rust") as quays:
        here, there = await checked(quays)

    assert here == {"HOST_HAS_INSTANCES", "JOINER_HAS_SHARED_STORAGE"}
    assert {"HOSTS_NOT_HOMOGENEOUS", "POOL_CREDENTIALS_REFUSED"} <= there


async def test_a_dom0_without_the_plugin_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dom0.quays(tmp_path, monkeypatch.setenv, plugin="") as quays:
        _, there = await checked(quays)
        refused = await quays.refused("JoinPool", **quays.join_words())

    assert there == {"POOL_PLUGIN_UNUSABLE"}
    assert refused.reason == "POOL_PLUGIN_UNUSABLE"


async def test_a_wrong_password_shuts_nothing_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dom0.quays(tmp_path, monkeypatch.setenv, password="rust") as quays:
        ended = await quays.joined()

        assert (ended.outcome, ended.agent_state) == (FAILED, "untouched")
        assert errors(ended.errors) == {"POOL_CREDENTIALS_REFUSED"}
        assert quays.agent_vm("s1") == "Running"
        no_secret_is_told(quays)


async def test_a_call_that_is_meant_for_another_host_is_refused(quays: Quays) -> None:
    other = quays.south.host.host_id

    for call, given in (
        ("CheckCanJoinOnHost", {"host_id": other}),
        ("NamePool", {"coordinator_id": other, "name": "x"}),
        ("JoinPool", {**quays.join_words(), "coordinator_id": other}),
        ("LeavePool", {**quays.leave_words(), "coordinator_id": other}),
    ):
        assert (await quays.refused(call, **given)).reason == "WRONG_HOST"


async def test_a_pool_bears_the_name_that_it_is_given(quays: Quays) -> None:
    words = {"coordinator_id": quays.north.host.host_id, "name": "rack-1"}

    first = await quays.ask("NamePool", **words)
    again = await quays.ask("NamePool", **words)

    assert first == again
    assert first.pool_id == quays.north.host.pool_id


async def test_an_operation_that_dom0_never_had_is_unknown(quays: Quays) -> None:
    words = quays.join_words()
    told = await quays.ask(
        "ObservePoolOperation",
        operation_id=words["operation_id"],
        coordinator_id=words["coordinator_id"],
    )

    assert told.outcome == pools_pb2.POOL_OPERATION_OUTCOME_UNKNOWN


@pytest.mark.parametrize("phase", PHASES)
async def test_a_worker_that_is_killed_is_begun_again(quays: Quays, phase: str) -> None:
    if phase == "joining":
        quays.simulator.fault(fault="delay", method="pool.join", seconds=3.0)
    begun = await quays.ask("JoinPool", **quays.join_words())
    await quays.until(begun, lambda known: known.phase in (phase, "ended"))

    quays.kill_worker(begun.operation_id)
    ended = await quays.ended(begun)

    assert (ended.outcome, ended.agent_state) == (DONE, "running")
    assert quays.agent_vm("n1") == "Running"


@pytest.mark.parametrize(
    ("faults", "outcome", "home"),
    [
        ([{"fault": "drop_reply", "method": "pool.join"}], DONE, "n1"),
        ([{"fault": "error", "method": "pool.join", "error": ["HA_IS_ENABLED"]}], FAILED, "s1"),
        ([{"fault": "error", "method": "VM.clean_shutdown", "error": ["VM_MISSING_PV_DRIVERS"]}],
         FAILED, "s1"),
        ([{"fault": "drop_call", "method": "pool.join"}], FAILED, "s1"),
        ([{"fault": "error", "method": "VM.start_on", "error": ["HOST_STILL_BOOTING"],
           "nth": 1}], DONE, "n1"),
    ],
)  # fmt: skip
async def test_whatever_becomes_of_the_join_the_agent_runs_afterwards(
    quays: Quays, faults: list[dict[str, Any]], outcome: int, home: str
) -> None:
    for fault in faults:
        quays.simulator.fault(**fault)

    ended = await quays.joined()

    assert (ended.outcome, ended.agent_state in ("running", "untouched")) == (outcome, True)
    assert quays.agent_vm(home) == "Running"
    no_secret_is_told(quays)


@pytest.mark.parametrize("host", ["n1", "s1"])
async def test_a_toolstack_that_restarts_in_the_middle_is_waited_for(
    quays: Quays, host: str
) -> None:
    quays.simulator.fault(fault="delay", method="pool.join", seconds=3.0)
    begun = await quays.ask("JoinPool", **quays.join_words())
    await quays.until(begun, lambda known: known.phase in ("joining", "ended"))

    quays.simulator.fault(fault="restart_toolstack", host=host)
    ended = await quays.ended(begun)

    assert ended.agent_state == "running"
    assert quays.agent_vm("n1" if ended.outcome == DONE else "s1") == "Running"


async def test_an_agent_that_can_not_be_started_is_told_and_tried_again(quays: Quays) -> None:
    armed = [
        quays.simulator.fault(fault="error", method="VM.start_on", error=["NO_MEMORY"], nth=n)
        for n in range(1, 3)
    ]
    begun = await quays.ask("JoinPool", **quays.join_words())
    down = await quays.until(begun, lambda known: known.agent_state == "failed")
    ended = await quays.until(down, lambda known: known.agent_state == "running")

    assert armed
    assert errors(down.errors) == {"AGENT_NOT_RESTARTED"}
    assert ended.outcome == DONE
    assert quays.agent_vm("n1") == "Running"
