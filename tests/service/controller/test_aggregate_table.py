"""Every phase of adding and removing a host, times every fault that can strike in it.

A phase without rows fails, and so does a fault in no phase.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from controller.model.aggregates import OperationKind, OperationPlan, Phase
from controller.ports.aggregates import Request
from controller.store.aggregate_ledger import SqlOperations
from controller.store.aggregates import SqlAggregates
from controller.store.opening import open_database
from controller.store.pool_changes import PoolChanges
from tests.support import aggregate_world
from tests.support.aggregate_world import FAILED, IMPATIENT, PATIENT, SUCCEEDED, Aggregates, Ring
from tests.support.aggregate_world import name as reason_of
from tests.support.store_world import SteppedClock
from xenferry.controller.v1 import aggregates_pb2

DONE = ""
"""The operation succeeds; anything else is the reason why it fails."""
CREDENTIALS = ("POOL_CREDENTIALS_REFUSED", "SESSION_AUTHENTICATION_FAILED")
# Which call each phase makes; ACCEPTED makes none, WAITING_AGENT only where the agent VM is down.
CALLS = {
    Phase.NAMING_POOL: "NamePool",
    Phase.JOINING: "JoinPool",
    Phase.EJECTING: "LeavePool",
    Phase.WAITING_AGENT: "JoinPool",
}
FAULTS = (
    "killed_before",
    "killed_after",
    "xapi_restarts",
    "answer_lost",
    "agent_dies",
    "plugin_fails",
    "xapi_refuses",
    "wrong_password",
    "agent_vm_stays_down",
    "agent_is_not_heard",
)
PASSES = dict.fromkeys(
    ("killed_before", "killed_after", "xapi_restarts", "answer_lost", "agent_dies"), DONE
)
IN_DOM0 = PASSES | {
    "plugin_fails": "POOL_PLUGIN_UNUSABLE",
    "xapi_refuses": "POOL_OPERATION_FAILED",
    "wrong_password": "POOL_CREDENTIALS_REFUSED",
    "agent_vm_stays_down": "AGENT_NOT_RESTARTED",
}
# What an operation ends with if a fault strikes in a phase.
ROWS: dict[tuple[str, Phase], dict[str, str]] = {
    ("first", Phase.ACCEPTED): {"killed_before": DONE},
    ("join", Phase.ACCEPTED): {"killed_before": DONE},
    ("leave", Phase.ACCEPTED): {"killed_before": DONE},
    ("first", Phase.NAMING_POOL): PASSES | {"xapi_refuses": "XAPI_REFUSED"},
    ("join", Phase.JOINING): IN_DOM0,
    ("leave", Phase.EJECTING): IN_DOM0,
    ("join", Phase.WAITING_AGENT): {
        "killed_before": DONE,
        "xapi_restarts": DONE,
        "answer_lost": DONE,
        "agent_vm_stays_down": "AGENT_NOT_RESTARTED",
        "agent_is_not_heard": "AGENT_NOT_RESTARTED",
    },
    ("leave", Phase.WAITING_AGENT): {"killed_before": DONE, "agent_is_not_heard": DONE},
}
CELLS = [
    (course, phase, fault, ending)
    for (course, phase), row in ROWS.items()
    for fault, ending in row.items()
]


@dataclass(frozen=True, slots=True)
class Trip:
    """One operation of a kind, and who takes part in it."""

    ring: Ring
    course: str
    phase: Phase

    @property
    def host(self) -> str:
        """The host that is added or removed."""
        return "xs1" if self.course == "first" else "xs2"

    @property
    def call(self) -> str:
        """What the phase calls."""
        return CALLS.get(self.phase, "")

    async def prepare(self, rack: Aggregates) -> None:
        """Do what comes before."""
        earlier = {"first": (), "join": ("xs1",), "leave": ("xs1", "xs2")}[self.course]
        await rack.added(*earlier)

    async def begin(self, rack: Aggregates) -> Any:
        """Begin it."""
        return await (rack.remove if self.course == "leave" else rack.add)(self.host)

    async def again(self, rack: Aggregates) -> None:
        """Do it once more, unless the host is as wanted but for its agent."""
        wanted = {host.host_name for host in (await rack.get()).hosts if host.wanted}
        if (self.host in wanted) is (self.course != "leave"):
            return
        ended = await rack.ended(await self.begin(rack))
        assert ended.phase == SUCCEEDED, ended

    async def until_in(self, rack: Aggregates, begun: Any) -> None:
        """Wait until the phase is reached."""
        number = aggregates_pb2.AggregateOperationPhase.Value(
            f"AGGREGATE_OPERATION_PHASE_{self.phase}"
        )
        await rack.until(begun, lambda known: known.phase == number)


@pytest_asyncio.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    """Return three hosts of a pool each."""
    async with aggregate_world.a_ring(tmp_path, alive_after_s=1.0) as ring:
        ring.settings = replace(ring.settings, aggregates=PATIENT)
        ring.dom0.reborn = True
        yield ring


def strike(trip: Trip, fault: str) -> None:
    """Have a fault strike when the phase is reached."""
    ring, coordinator = trip.ring, trip.ring.agents["xs1"]
    if fault in ("xapi_restarts", "answer_lost"):
        named = {"xapi_restarts": "unavailable", "answer_lost": "lost_reply"}[fault]
        coordinator.fail(trip.call, *[named] * 4)
    elif fault in ("plugin_fails", "xapi_refuses") and trip.phase is Phase.NAMING_POOL:
        coordinator.fail(trip.call, "refused")
    elif fault == "plugin_fails":
        coordinator.fail(trip.call, "no_plugin")
    elif fault == "xapi_refuses":
        ring.dom0.refuses = ("HA_IS_ENABLED",)
    elif fault == "wrong_password":
        ring.dom0.rejects = CREDENTIALS
    elif fault == "agent_vm_stays_down":
        ring.dom0.failing_starts = 1_000_000
        ring.dom0.refuses = ("HA_IS_ENABLED",) if trip.phase is not Phase.WAITING_AGENT else ()
    if trip.phase is Phase.WAITING_AGENT and fault in ("xapi_restarts", "answer_lost"):
        ring.dom0.failing_starts = 2
    if ending_of(trip, fault) == "AGENT_NOT_RESTARTED" or fault == "agent_is_not_heard":
        ring.settings = replace(ring.settings, aggregates=IMPATIENT)


def ending_of(trip: Trip, fault: str) -> str:
    """Return what the table says."""
    return ROWS[trip.course, trip.phase][fault]


def lift(ring: Ring) -> None:
    """Let nothing be in the way any more."""
    ring.dom0.refuses, ring.dom0.rejects, ring.dom0.failing_starts = (), (), 0
    ring.silent.clear()
    for agent in ring.agents.values():
        agent.stalls.clear()
        for call in CALLS.values():
            agent.lift(call)


async def killed(trip: Trip, when: str) -> Any:
    """Begin it in a controller that dies in the phase; returns the operation."""
    ring = trip.ring
    async with ring.service() as rack:
        await trip.prepare(rack)
        if trip.phase is Phase.ACCEPTED:
            rack_id = (await rack.get()).aggregate_id
        elif trip.phase is Phase.WAITING_AGENT:
            ring.dom0.reborn = False  # the ejected host is still told of
            ring.silent.add(trip.host)
            begun = await trip.begin(rack)
            await trip.until_in(rack, begun)
        else:
            ring.agents["xs1"].stalls[trip.call] = when
            begun = await trip.begin(rack)
            await ring.agents["xs1"].stalled.wait()
    if trip.phase is Phase.ACCEPTED:
        begun = await accepted(trip, rack_id)
    lift(ring)
    return begun


async def accepted(trip: Trip, rack_id: str) -> Any:
    """Write an operation as a controller does that dies right after it has accepted it."""
    ring, leaves = trip.ring, trip.course == "leave"
    coordinator, host = ring.agents["xs1"], ring.agents[trip.host]
    plan = OperationPlan(
        kind=OperationKind.REMOVE_HOST if leaves else OperationKind.ADD_HOST,
        aggregate_id=rack_id,
        aggregate_name="rack",
        host_id=host.host_id,
        host_name=trip.host,
        pool_id=coordinator.host.pool_id,
        first=trip.course == "first",
    )
    database = await open_database(ring.settings.store)
    try:
        ledger = SqlOperations(database, SteppedClock(), PoolChanges(), lambda: None)
        driven = await ledger.admit(plan, Request(), "a controller that died")
        assert await SqlAggregates(database, SteppedClock(), lambda: None).find("rack")
        return aggregates_pb2.AggregateOperation(operation_id=driven.operation.operation_id)
    finally:
        await database.close()


async def dies_and_comes_back(trip: Trip, rack: Aggregates) -> Any:
    """Begin it while the coordinator's agent is dead, which comes back once that is seen."""
    trip.ring.silent.add("xs1")
    trip.ring.agents["xs1"].fail(CALLS[trip.phase], *["unavailable"] * 1_000)
    begun = await trip.begin(rack)
    await rack.until(begun, lambda known: known.HasField("error"))
    lift(trip.ring)
    return begun


async def assert_truthful(trip: Trip, rack: Aggregates, ended: Any, ending: str) -> None:
    """The operation says how it ended; nothing is open, nobody is left down untold; retry works."""
    ring, known = trip.ring, await rack.get()
    assert ended.phase == (FAILED if ending else SUCCEEDED), ended
    assert not known.HasField("operation")
    if ending:
        assert reason_of(ended.error) == ending, ended
    told = {f.subject for f in known.drift if reason_of(f) == "AGENT_NOT_RESTARTED"}
    assert told == {f"host/{name}" for name in ring.dom0.down}, known
    lift(ring)
    await rack.register(ring.agents[trip.host])  # as an agent does that is started
    await rack.shows(lambda one: "AGENT_NOT_RESTARTED" not in map(reason_of, one.drift))
    assert not ring.dom0.down
    if ending:
        await trip.again(rack)
    await agrees(rack)


async def agrees(rack: Aggregates) -> None:
    """The wanted hosts are those that are in the pool, and nothing is open."""
    known = await rack.shows(lambda one: not [f for f in one.drift if reason_of(f) == "POOL_DRIFT"])
    assert not known.HasField("operation")
    assert [host.host_name for host in known.hosts if host.wanted != host.in_pool] == []
    for host in known.hosts:
        agent = rack.ring.agents[host.host_name]
        assert (agent.host.pool_id == known.pool_id) is host.in_pool


@pytest.mark.parametrize(("course", "phase", "fault", "ending"), CELLS)
async def test_a_fault_in_a_phase_leaves_nothing_open_and_nobody_untold(
    ring: Ring, course: str, phase: Phase, fault: str, ending: str
) -> None:
    trip = Trip(ring, course, phase)
    begun = await killed(trip, fault.partition("_")[2]) if "killed" in fault else None
    if begun is None:
        strike(trip, fault)
    async with ring.service() as rack:
        if begun is None:
            begun = await struck(trip, rack, fault)

        ended = await rack.ended(begun)

        await assert_truthful(trip, rack, ended, ending)


async def struck(trip: Trip, rack: Aggregates, fault: str) -> Any:
    """Do what comes before the phase with the fault not yet there, then begin."""
    lift(trip.ring)
    await trip.prepare(rack)
    strike(trip, fault)
    if fault == "agent_is_not_heard":
        trip.ring.dom0.reborn = False
        trip.ring.silent.add(trip.host)
    if fault == "agent_dies":
        return await dies_and_comes_back(trip, rack)
    return await trip.begin(rack)


def test_every_phase_has_rows() -> None:
    assert {phase for _, phase in ROWS} == {phase for phase in Phase if not phase.ended}
    assert {fault for row in ROWS.values() for fault in row} == set(FAULTS)
