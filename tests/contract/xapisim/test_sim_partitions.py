"""Hosts that can't reach each other or their clients, and toolstacks that hang: by plane."""

import http.client
from collections.abc import Iterator

import pytest
import XenAPI

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import address, answer
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "trio"
[[host]]
name = "h1"
[[host]]
name = "h2"
[[host]]
name = "h3"
[[network]]
name = "lan"
[[sr]]
name = "shared"
size = "100 GiB"
[[vm]]
name = "app-{n}"
count = 2
memory = "512 MiB"
host = "h1"
disks = [{ sr = "shared", size = "1 GiB" }]
"""
FAST = 500.0
PATIENCE_S = 60.0
SOON_S = 0.3
"""Enough to see that no answer comes."""


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def lasting() -> Iterator[Simulator]:
    """For what leaves the pool as it was."""
    with Simulator(WORLD, time_factor=FAST) as simulator:
        yield simulator


@pytest.fixture
def visitor(lasting: Simulator) -> Iterator[Client]:
    logged_in = Client(lasting, "h1")
    yield logged_in
    lasting.clear_faults()


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


def ask(sim: Simulator, host: str, patience_s: float = PATIENCE_S) -> int:
    """The HTTP status of a call that anybody may make; TimeoutError when there is none soon."""
    url = sim.endpoints[host].removeprefix("http://")
    connection = http.client.HTTPConnection(url, timeout=patience_s)
    body = "<methodCall><methodName>system.listMethods</methodName><params/></methodCall>"
    try:
        connection.request("POST", "/", body)
        return connection.getresponse().status
    finally:
        connection.close()


def is_live(client: Client, host: str) -> bool:
    metrics = client.api.host.get_metrics(client.host(host))
    return bool(client.api.host_metrics.get_live(metrics))


def test_a_move_waits_for_the_migration_network_and_then_goes_on(
    sim: Simulator, client: Client
) -> None:
    hold = sim.fault(fault="hold", phase="precopy", vm="app-1")
    task = client.migrate("app-1", "h2")
    client.until(lambda: client.api.task.get_progress(task) > 0)
    cut = sim.fault(fault="partition", plane="migration", host="h1", other="h2")
    sim.lift(hold)
    stuck = client.api.task.get_status(task)

    sim.lift(cut)

    assert stuck == "pending"
    assert client.wait(task)["status"] == "success"
    assert sim.where("app-1") == ["h2"]


def test_a_partition_of_two_hosts_leaves_the_way_to_a_third_open(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="partition", plane="migration", host="h2", other="h1")

    record = client.wait(client.migrate("app-1", "h3"))

    assert record["status"] == "success"


def test_a_migration_network_that_stays_away_ends_the_move_at_the_source(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="partition", plane="migration", host="h1", other="h2")

    record = client.wait(client.migrate("app-1", "h2"))

    assert record["error_info"] == ["INTERNAL_ERROR", "xenopsd internal error: End_of_file"]
    assert (client.where("app-1"), sim.where("app-1")) == ("h1", ["h1"])
    assert client.api.VM.get_current_operations(client.vm("app-1")) == {}


def test_a_member_without_its_coordinator_is_in_emergency_mode_and_its_guests_run_on(
    sim: Simulator, client: Client
) -> None:
    client.move("app-1", "h2")
    cut = sim.fault(fault="partition", plane="management", host="h2", other="h1")

    client.until(lambda: answer(sim, "h2") == ["HOST_STILL_BOOTING"])
    client.until(lambda: not is_live(client, "h2"))
    running = sim.where("app-1")
    sim.lift(cut)

    assert running == ["h2"]
    client.until(lambda: answer(sim, "h2") == ["HOST_IS_SLAVE", address(sim, "h1")])
    client.until(lambda: is_live(client, "h2"))
    assert client.where("app-1") == "h2"


def test_clients_that_cannot_reach_a_host_change_nothing_between_hosts(
    sim: Simulator, client: Client
) -> None:
    cut = sim.fault(fault="partition", plane="client", host="h2")

    refused = answer(sim, "h2")
    record = client.wait(client.migrate("app-1", "h2"))
    sim.lift(cut)

    assert (refused, record["status"]) == (["refused"], "success")
    client.until(lambda: answer(sim, "h2") == ["HOST_IS_SLAVE", address(sim, "h1")])


def test_a_toolstack_that_hangs_takes_calls_and_answers_none(visitor: Client) -> None:
    sim = visitor.sim
    hang = sim.fault(fault="hang", host="h1")

    with pytest.raises(TimeoutError):
        ask(sim, "h1", SOON_S)
    sim.lift(hang)

    assert ask(sim, "h1") == 200


def test_a_slow_host_answers_late(visitor: Client) -> None:
    visitor.sim.fault(fault="slow_answers", host="h1", seconds=100)

    with pytest.raises(TimeoutError):
        ask(visitor.sim, "h1", SOON_S)


def test_evicted_sessions_are_invalid_and_those_of_others_are_not(visitor: Client) -> None:
    sim, client = visitor.sim, visitor
    other = XenAPI.Session(sim.endpoints["h1"])
    other.xenapi.login_with_password(sim.user, sim.password, "1.0", "somebody-else")

    sim.fault(fault="session_evict", originator="somebody-else")

    reply = client.session.VM.get_all(other.handle)
    assert reply["ErrorDescription"] == ["SESSION_INVALID", other.handle]
    assert client.api.VM.get_all()


def test_dropped_connections_leave_the_host_as_it_was(visitor: Client) -> None:
    visitor.sim.fault(fault="drop_connections", host="h1")

    assert visitor.api.VM.get_all()


def test_a_session_with_an_unfinished_task_outlives_its_day() -> None:
    with Simulator(WORLD, lockstep=True) as sim:
        working, idle, third = (Client(sim, "h1") for _ in range(3))
        task = working.api.Async.VM.pool_migrate(working.vm("app-1"), working.host("h2"), {})
        sim.fault(fault="hold", phase="precopy", vm="app-1")
        for progress in (0.1, 0.2, 0.3):
            sim.step(9 * 3600)
            third.api.task.set_progress(task, progress)

        kept = working.session.VM.get_all(working.session.handle)
        gone = idle.session.VM.get_all(idle.session.handle)

    assert kept["Status"] == "Success"
    assert gone["ErrorDescription"] == ["SESSION_INVALID", idle.session.handle]


def test_a_duplicate_and_an_orphan_can_be_left_lying_about(sim: Simulator, client: Client) -> None:
    sim.fault(fault="duplicate_vm", vm="app-1", host="h2")
    sim.fault(fault="orphan_vdi", sr="shared", name="half")

    (orphan,) = client.api.VDI.get_by_name_label("half")
    assert sorted(sim.where("app-1")) == ["h1", "h2"]
    assert client.where("app-1") == "h1"
    assert "base_mirror" in client.api.VDI.get_sm_config(orphan)
    assert client.api.VDI.get_VBDs(orphan) == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"fault": "partition", "host": "h1"}, "fault.plane: one of management"),
        ({"fault": "partition", "host": "h1", "plane": "tram"}, "fault.plane: one of management"),
        ({"fault": "host_death"}, "fault.host: a text expected"),
        ({"fault": "guest_reboot", "vm": "app-1", "phase": "lunch"}, "fault.phase: one of check"),
        ({"fault": "hang", "host": "h1", "seconds": 1}, "fault.seconds: unknown key"),
        ({"fault": "session_evict", "originator": 7}, "fault.originator: a text expected"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_its_place(
    lasting: Simulator, fault: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match="error") as refused:
        lasting.fault(**fault)

    assert says in str(refused.value)
