"""The pool calls of the agent, with the real plug-in in a simulated dom0."""

import contextlib
from typing import Any
from uuid import uuid4

import grpc
import pytest

from tests.service.hostagent.pool import RunningAgent, errors
from tests.support.dom0 import DONE, FAILED, PASSWORD, Quays
from xenferry.hostagent.v1 import host_agent_pb2, pools_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What the worker of an operation calls in each of its phases; it lasts until the worker is gone.
PHASES = {
    "stopping_agent": "VM.clean_shutdown",
    "joining": "pool.join",
    "waiting_xapi": "host.get_enabled",
    "starting_agent": "VM.start_on",
}
LONG_S = 20.0


async def checked(
    quays: Quays, south: RunningAgent, force: bool = False
) -> tuple[set[str], set[str]]:
    """Return what both sides have against the join."""
    here = await quays.ask("CheckCanJoinOnHost", south, host_id=south.host.host_id)
    there = await quays.ask(
        "CheckCanJoinOnCoordinator",
        coordinator_id=quays.north.host.host_id,
        joiner=here.joiner,
        force=force,
    )
    return errors(here.findings), errors(there.findings)


async def until_coordinator(agent: RunningAgent, so: bool) -> host_agent_pb2.GetAgentInfoResponse:
    """Return what an agent tells once its host coordinates its pool, or does so no more."""
    request = host_agent_pb2.GetAgentInfoRequest()
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError):  # XAPI is away while it restarts
            told: host_agent_pb2.GetAgentInfoResponse
            told = await agent.stub.GetAgentInfo(request, timeout=5)
            if told.host.coordinator is so:
                return told


def no_secret_is_told(quays: Quays) -> None:
    """The password is in no state file and in no log."""
    texts = [file.read_text() for file in (quays.dom0.directory / "state").glob("*")]
    assert PASSWORD not in "".join(texts) + quays.simulator.log()


async def test_a_host_joins_and_its_agent_runs_again(quays: Quays) -> None:
    south = await quays.south()
    nothing_against = await checked(quays, south)
    words = quays.join_words()
    begun = await quays.ask("JoinPool", **words)
    again = await quays.ask("JoinPool", **words)

    ended = await quays.ended(begun)
    repeated = await quays.ask("JoinPool", **words)
    info = await until_coordinator(south, False)
    own = {"coordinator_id": south.host.host_id}
    member = await quays.refused("JoinPool", south, **{**words, **own})
    unnamed = await quays.refused("NamePool", south, **own, name="rust")

    assert nothing_against == (set(), set())
    assert again.operation_id == begun.operation_id
    assert (ended.outcome, ended.agent_state) == (DONE, "running")
    assert repeated == ended
    assert quays.agent_vm("n1") == "Running"
    assert info.host.host_id == south.host.host_id
    assert info.host.pool_id == quays.north.host.pool_id
    assert info.host.agent_instance_id == quays.agent_vm_id
    assert member.reason == unnamed.reason == "NOT_COORDINATOR"
    no_secret_is_told(quays)


async def test_a_member_is_ejected_with_its_agent(quays: Quays) -> None:
    joining = quays.join_words()
    await quays.ended(await quays.ask("JoinPool", **joining))
    words = quays.leave_words(joining["host_id"])

    refused = await quays.refused("LeavePool", **{**words, "confirm_wipe": False})
    ended = await quays.ended(await quays.ask("LeavePool", **words))

    assert refused.reason == "WIPE_NOT_CONFIRMED"
    assert (ended.outcome, ended.agent_state) == (DONE, "gone")


async def test_the_coordinator_is_not_ejected_and_keeps_its_agent(quays: Quays) -> None:
    words = quays.leave_words(quays.north.host.host_id)

    ended = await quays.ended(await quays.ask("LeavePool", **words))

    assert (ended.outcome, ended.agent_state) == (FAILED, "untouched")
    assert errors(ended.errors) == {"POOL_OPERATION_FAILED"}


async def test_all_that_stands_against_a_join_is_told_at_once(unfit_quays: Quays) -> None:
    unfit_quays.dom0.set_up(password="rust")

    here, there = await checked(unfit_quays, await unfit_quays.south())

    assert here == {"HOST_HAS_INSTANCES", "JOINER_HAS_SHARED_STORAGE"}
    assert {"HOSTS_NOT_HOMOGENEOUS", "POOL_CREDENTIALS_REFUSED"} <= there


async def test_a_dom0_without_the_plugin_is_told_of(quays: Quays) -> None:
    quays.dom0.take_away()

    _, there = await checked(quays, await quays.south())
    refused = await quays.refused("JoinPool", **quays.join_words())

    assert there == {"POOL_PLUGIN_UNUSABLE"}
    assert refused.reason == "POOL_PLUGIN_UNUSABLE"


async def test_a_wrong_password_shuts_nothing_down(quays: Quays) -> None:
    quays.dom0.set_up(password="rust")

    ended = await quays.joined()

    assert (ended.outcome, ended.agent_state) == (FAILED, "untouched")
    assert errors(ended.errors) == {"POOL_CREDENTIALS_REFUSED"}
    assert quays.agent_vm(quays.home) == "Running"
    no_secret_is_told(quays)


async def test_a_call_that_is_meant_for_another_host_is_refused(quays: Quays) -> None:
    words = quays.join_words()
    other = words["host_id"]

    for call, given in (
        ("CheckCanJoinOnHost", {"host_id": other}),
        ("NamePool", {"coordinator_id": other, "name": "x"}),
        ("DesignateCoordinator", {"coordinator_id": other, "host_id": other}),
        ("JoinPool", {**words, "coordinator_id": other}),
        ("LeavePool", quays.leave_words(other, coordinator_id=other)),
    ):
        assert (await quays.refused(call, **given)).reason == "WRONG_HOST"


async def test_a_pool_bears_the_name_that_it_is_given(quays: Quays) -> None:
    words = {"coordinator_id": quays.north.host.host_id, "name": "rack-1"}

    first = await quays.ask("NamePool", **words)
    again = await quays.ask("NamePool", **words)

    assert first == again
    assert first.pool_id == quays.north.host.pool_id


async def test_a_member_that_is_designated_coordinates_the_pool(quays: Quays) -> None:
    joining = quays.join_words()
    await quays.ended(await quays.ask("JoinPool", **joining))
    words = {"coordinator_id": quays.north.host.host_id, "host_id": joining["host_id"]}

    stranger = await quays.refused("DesignateCoordinator", **{**words, "host_id": str(uuid4())})
    await quays.ask("DesignateCoordinator", **words)
    await quays.ask("DesignateCoordinator", **words)
    await until_coordinator(quays.north, False)
    refused = await quays.refused("DesignateCoordinator", **words)
    quays.simulator.fault(fault="coordinator_failover", host="n1")
    await until_coordinator(quays.north, True)

    assert stranger.reason == "POOL_OPERATION_FAILED"
    assert refused.reason == "NOT_COORDINATOR"


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
    quays.simulator.fault(fault="delay", method=PHASES[phase], seconds=LONG_S, nth=1)
    begun = await quays.ask("JoinPool", **quays.join_words())
    await quays.until(begun, lambda known: known.phase == phase)

    killed = quays.dom0.kill_worker(begun.operation_id)
    ended = await quays.ended(begun)

    assert killed
    assert (ended.outcome, ended.agent_state) == (DONE, "running")
    assert quays.agent_vm("n1") == "Running"


def error(method: str, *words: str, **more: Any) -> dict[str, Any]:
    """Return the fault that XAPI refuses a call."""
    return {"fault": "error", "method": method, "error": list(words), **more}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"fault": "drop_reply", "method": "pool.join"}, DONE),
        (error("pool.join", "HA_IS_ENABLED"), FAILED),
        (error("VM.clean_shutdown", "VM_MISSING_PV_DRIVERS"), FAILED),
        ({"fault": "drop_call", "method": "pool.join"}, FAILED),
        (error("VM.start_on", "HOST_STILL_BOOTING", nth=1), DONE),
    ],
)
async def test_whatever_becomes_of_the_join_the_agent_runs_afterwards(
    quays: Quays, fault: dict[str, Any], outcome: int
) -> None:
    if fault["fault"] == "drop_call":
        quays.dom0.set_up(patience_s=0.5)  # nothing will come of it
    quays.simulator.fault(**fault)

    ended = await quays.joined()

    assert (ended.outcome, ended.agent_state in ("running", "untouched")) == (outcome, True)
    assert quays.agent_vm("n1" if outcome == DONE else quays.home) == "Running"
    no_secret_is_told(quays)


@pytest.mark.parametrize("side", ["coordinator", "joining host"])
async def test_a_toolstack_that_restarts_in_the_middle_is_waited_for(
    quays: Quays, side: str
) -> None:
    quays.dom0.set_up(patience_s=3.0)  # of a call that the restart cut nothing will come
    quays.simulator.fault(fault="delay", method="pool.join", seconds=1.0, nth=1)
    begun = await quays.ask("JoinPool", **quays.join_words())
    await quays.until(begun, lambda known: known.phase in ("joining", "ended"))

    host = "n1" if side == "coordinator" else quays.home
    quays.simulator.fault(fault="restart_toolstack", host=host)
    ended = await quays.ended(begun)

    assert ended.agent_state == "running"
    assert quays.agent_vm("n1" if ended.outcome == DONE else quays.home) == "Running"


async def test_an_agent_that_can_not_be_started_is_told_and_tried_again(quays: Quays) -> None:
    for _ in range(2):
        quays.simulator.fault(**error("VM.start_on", "NO_MEMORY", nth=1))
    begun = await quays.ask("JoinPool", **quays.join_words())

    down = await quays.ended(begun)
    again = await quays.worked(down)
    up = await quays.worked(again)

    assert [one.agent_state for one in (down, again, up)] == ["failed", "failed", "running"]
    assert errors(down.errors) == {"AGENT_NOT_RESTARTED"}
    assert up.outcome == DONE
    assert quays.agent_vm("n1") == "Running"
