"""Another host becomes the coordinator: planned, by hand in an emergency, or by itself."""

from collections.abc import Iterator

import pytest
import XenAPI

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import (
    address,
    answer,
    login,
    until_forgotten,
    until_member,
)
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
[[vm]]
name = "app"
memory = "1 GiB"
host = "h1"
disks = [{ sr = "shared", size = "1 GiB" }]
"""
FAST = 60.0


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


def local(sim: Simulator, host: str) -> XenAPI.Session:
    session = XenAPI.Session(sim.endpoints[host])
    session.slave_local_login_with_password(sim.user, sim.password)
    return session


def emergency(sim: Simulator, host: str) -> bool:
    return bool(local(sim, host).xenapi.host.is_in_emergency_mode())


def test_a_designated_coordinator_takes_over_ten_seconds_after_the_call_returned(
    sim: Simulator, client: Client
) -> None:
    client.api.pool.designate_new_master(client.host("h2"))

    still = (answer(sim, "h1"), answer(sim, "h2"))
    new = login(sim, "h2")

    assert still == ([], ["HOST_IS_SLAVE", address(sim, "h1")])
    assert new.api.pool.get_master(new.api.pool.get_all()[0]) == new.host("h2")
    until_member(sim, "h1", "h2", new)
    assert answer(sim, "h3") == ["HOST_IS_SLAVE", address(sim, "h2")]


def test_sessions_die_with_the_old_coordinators_role(sim: Simulator, client: Client) -> None:
    client.api.pool.designate_new_master(client.host("h2"))
    new = login(sim, "h2")
    until_member(sim, "h1", "h2", new)

    old = client.session.VM.get_all(client.session.handle)

    assert old["ErrorDescription"] == ["SESSION_INVALID", client.session.handle]
    new.until(lambda: new.api.host.get_enabled(new.host("h1")))
    new.move("app", "h3")
    assert sim.where("app") == ["h3"]


def test_the_pool_has_one_coordinator_again_after_it_went_there_and_back(
    sim: Simulator, client: Client
) -> None:
    client.api.pool.designate_new_master(client.host("h2"))
    new = login(sim, "h2")
    new.until(lambda: new.api.host.get_enabled(new.host("h1")))

    new.api.pool.designate_new_master(new.host("h1"))

    until_member(sim, "h2", "h1", new)
    assert answer(sim, "h1") == []


def test_designating_the_coordinator_itself_changes_nothing(client: Client) -> None:
    client.api.pool.designate_new_master(client.host("h1"))

    assert client.api.pool.get_all()


def test_a_member_redirects_only_sessions_that_its_coordinator_knows(
    sim: Simulator, client: Client
) -> None:
    member = XenAPI.Session(sim.endpoints["h2"])

    known = member.VM.get_all(client.session.handle)
    unknown = member.VM.get_all("OpaqueRef:nobody")

    assert known["ErrorDescription"] == ["HOST_IS_SLAVE", address(sim, "h1")]
    assert unknown["ErrorDescription"] == ["SESSION_INVALID", "OpaqueRef:nobody"]


def test_members_go_into_emergency_mode_when_their_coordinator_is_lost(
    sim: Simulator, client: Client
) -> None:
    before = emergency(sim, "h2")

    sim.fault(fault="host_death", host="h1")
    client.until(lambda: emergency(sim, "h2"))

    assert not before
    assert answer(sim, "h2") == ["HOST_STILL_BOOTING"]


def test_a_survivor_takes_over_and_the_others_follow_when_they_are_told(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="host_death", host="h1")
    client.until(lambda: emergency(sim, "h2") and emergency(sim, "h3"))

    local(sim, "h2").xenapi.pool.emergency_transition_to_master()
    new = login(sim, "h2")
    alone = answer(sim, "h3")
    told = new.api.pool.recover_slaves()

    assert alone == ["HOST_STILL_BOOTING"]
    assert told == [new.host("h3")]
    assert answer(sim, "h3") == ["HOST_IS_SLAVE", address(sim, "h2")]
    assert new.api.pool.get_master(new.api.pool.get_all()[0]) == new.host("h2")


def test_a_member_can_be_told_its_coordinators_address(sim: Simulator, client: Client) -> None:
    sim.fault(fault="host_death", host="h1")
    client.until(lambda: emergency(sim, "h2") and emergency(sim, "h3"))
    local(sim, "h2").xenapi.pool.emergency_transition_to_master()

    local(sim, "h3").xenapi.pool.emergency_reset_master(address(sim, "h2"))

    assert answer(sim, "h3") == ["HOST_IS_SLAVE", address(sim, "h2")]


def test_emergency_mode_ends_when_the_coordinator_comes_back(
    sim: Simulator, client: Client
) -> None:
    gone = sim.fault(fault="host_offline", host="h1")
    client.until(lambda: emergency(sim, "h2"))

    sim.lift(gone)

    client.until(lambda: not emergency(sim, "h2"))
    assert answer(sim, "h2") == ["HOST_IS_SLAVE", address(sim, "h1")]


def test_a_failover_by_itself_ends_sessions_and_tasks(sim: Simulator, client: Client) -> None:
    sim.fault(fault="hold", phase="precopy", vm="app")
    task = client.migrate("app", "h2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    sim.fault(fault="coordinator_failover", host="h3")
    new = login(sim, "h3")

    assert new.failure(new.api.task.get_record, task) == ["HANDLE_INVALID", "task", task]
    assert answer(sim, "h1") == ["HOST_IS_SLAVE", address(sim, "h3")]
    assert new.api.VM.get_current_operations(new.vm("app")) == {}


def test_a_coordinator_that_starts_from_an_old_database_has_lost_the_last_records(
    sim: Simulator, client: Client
) -> None:
    token = client.events(["vm"], "", 0.0)["token"]
    sim.fault(fault="stale_database", host="h1")
    lost = client.api.VM.snapshot(client.vm("app"), "copy")

    sim.fault(fault="restart_toolstack", host="h1")
    until_forgotten(client)
    new = login(sim, "h1")

    assert new.failure(new.api.VM.get_record, lost) == ["HANDLE_INVALID", "VM", lost]
    assert new.events(["vm"], token, 0.1)["events"] == []
    assert new.where("app") == "h1"
