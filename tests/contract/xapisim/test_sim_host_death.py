"""A host loses its power: what the records go on saying, and what a migration comes to."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import answer, login
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
[[sr]]
name = "h3-local"
host = "h3"
[[vm]]
name = "app-{n}"
count = 3
memory = "512 MiB"
host = "h2"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "pinned"
memory = "512 MiB"
host = "h3"
disks = [{ sr = "h3-local", size = "1 GiB" }]
"""
FAST = 500.0
"""Ten minutes take 1.2 seconds."""
NULL = "OpaqueRef:NULL"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


def is_live(client: Client, host: str) -> bool:
    metrics = client.api.host.get_metrics(client.host(host))
    return bool(client.api.host_metrics.get_live(metrics))


def moving(client: Client, vm: str, host: str, phase: str = "precopy") -> tuple[str, str]:
    """A migration that is held in that phase, and what holds it."""
    hold = client.sim.fault(fault="hold", phase=phase, vm=vm)
    task = client.migrate(vm, host)
    client.until(lambda: client.api.task.get_progress(task) > 0)
    return task, hold


def test_nothing_runs_on_a_dead_host_while_the_records_say_that_all_is_well(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="host_death", host="h2")

    assert sim.where("app-1") == []
    assert (client.where("app-1"), is_live(client, "h2")) == ("h2", True)
    assert client.api.VM.get_power_state(client.vm("app-1")) == "Running"
    client.api.VM.assert_can_boot_here(client.vm("app-1"), client.host("h2"))
    assert answer(sim, "h2") == ["refused"]


def test_ten_minutes_of_silence_make_a_host_dead_and_change_no_guest(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="host_death", host="h2")

    client.until(lambda: not is_live(client, "h2"))

    assert client.where("app-1") == "h2"
    error = client.failure(client.api.VM.hard_shutdown, client.vm("app-1"))
    assert error == ["HOST_OFFLINE", client.host("h2")]


def test_a_guest_of_a_dead_host_can_be_reset_and_started_elsewhere(
    sim: Simulator, client: Client
) -> None:
    vm = client.vm("app-1")
    sim.fault(fault="host_death", host="h2")
    early = client.failure(client.api.VM.power_state_reset, vm)
    client.until(lambda: not is_live(client, "h2"))

    client.api.VM.power_state_reset(vm)
    client.api.VM.start_on(vm, client.host("h1"), False, False)

    assert early == ["HOST_IS_LIVE", client.host("h2")]
    assert sim.where("app-1") == ["h1"]


def test_what_a_dead_host_should_do_is_given_up_after_two_minutes(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="host_death", host="h2")

    error = client.failure(client.api.VM.clean_shutdown, client.vm("app-1"))

    assert error == ["CANNOT_CONTACT_HOST", client.host("h2")]
    assert client.api.VM.get_current_operations(client.vm("app-1")) == {}


def test_a_host_that_gets_power_again_finds_its_guests_halted(
    sim: Simulator, client: Client
) -> None:
    death = sim.fault(fault="host_death", host="h2")

    sim.lift(death)

    client.until(lambda: answer(sim, "h2")[0] == "HOST_IS_SLAVE")
    assert client.api.VM.get_power_state(client.vm("app-1")) == "Halted"
    assert client.where("app-1") == ""
    client.api.VM.start_on(client.vm("app-1"), client.host("h2"), False, False)
    assert sim.where("app-1") == ["h2"]


def test_a_move_away_from_a_host_that_dies_fails_and_the_guest_is_lost(
    sim: Simulator, client: Client
) -> None:
    task, hold = moving(client, "app-1", "h1")

    sim.fault(fault="host_death", host="h2")
    sim.lift(hold)

    record = client.wait(task)
    assert record["error_info"] == ["CANNOT_CONTACT_HOST", client.host("h2")]
    assert sim.where("app-1") == []
    assert client.api.VM.get_current_operations(client.vm("app-1")) == {}
    assert client.api.VM.get_scheduled_to_be_resident_on(client.vm("app-1")) == NULL
    assert [one["state"] for one in sim.domains() if one["vm"] == "app-1"] == []


def test_a_move_to_a_host_that_dies_hangs_for_long_and_leaves_the_guest_at_its_source(
    sim: Simulator, client: Client
) -> None:
    task, hold = moving(client, "app-1", "h3")

    sim.fault(fault="host_death", host="h3")
    sim.lift(hold)
    client.until(lambda: client.api.task.get_allowed_operations(task) == [])
    client.api.task.cancel(task)
    hung = client.api.task.get_status(task)

    record = client.wait(task)
    assert hung == "pending"
    assert record["error_info"] == ["INTERNAL_ERROR", "xenopsd internal error: End_of_file"]
    assert (client.where("app-1"), sim.where("app-1")) == ("h2", ["h2"])


def test_a_suspended_guest_whose_destination_dies_is_lost(sim: Simulator, client: Client) -> None:
    task, hold = moving(client, "app-1", "h1", phase="sync3")
    client.until(lambda: sim.where("app-1") == [])

    sim.fault(fault="partition", plane="migration", host="h1")
    sim.lift(hold)

    record = client.wait(task)
    assert record["error_info"][0] == "INTERNAL_ERROR"
    assert client.api.VM.get_power_state(client.vm("app-1")) == "Halted"
    assert sim.where("app-1") == []


def test_a_dead_coordinator_takes_sessions_and_tasks_with_it(
    sim: Simulator, client: Client
) -> None:
    task, _ = moving(client, "app-1", "h1")
    death = sim.fault(fault="host_death", host="h1")

    sim.lift(death)
    new = login(sim, "h1")

    assert new.failure(new.api.task.get_record, task) == ["HANDLE_INVALID", "task", task]
    assert sim.where("app-1") == ["h2"]
    new.until(lambda: new.where("app-1") == "h2")


def test_a_dead_host_can_be_declared_dead_and_removed(sim: Simulator, client: Client) -> None:
    host = client.host("h2")
    alive = client.failure(client.api.host.declare_dead, host)
    sim.fault(fault="host_death", host="h2")

    full = client.failure(client.api.host.destroy, host)
    client.api.host.declare_dead(host)
    client.api.host.destroy(host)

    assert alive == ["HOST_IS_LIVE", host]
    assert full == ["HOST_HAS_RESIDENT_VMS", host]
    assert client.api.VM.get_power_state(client.vm("app-1")) == "Halted"
    assert host not in client.api.host.get_all()


def test_a_removed_host_that_gets_power_is_in_emergency_mode(
    sim: Simulator, client: Client
) -> None:
    host, uuid = client.host("h2"), client.api.host.get_uuid(client.host("h2"))
    death = sim.fault(fault="host_death", host="h2")
    client.api.host.declare_dead(host)
    client.api.host.destroy(host)

    sim.lift(death)

    client.until(lambda: answer(sim, "h2") == ["HOST_UNKNOWN_TO_MASTER", uuid])


def test_only_an_empty_disabled_host_can_be_rebooted(sim: Simulator, client: Client) -> None:
    host = client.host("h3")
    enabled = client.failure(client.api.host.reboot, host)
    client.api.host.disable(host)
    busy = client.failure(client.api.host.reboot, host)
    client.api.VM.clean_shutdown(client.vm("pinned"))

    client.api.host.reboot(host)
    client.until(lambda: answer(sim, "h3") == ["refused"])

    assert enabled == ["HOST_NOT_DISABLED"]
    assert busy == ["HOST_IN_USE", host, "VM", client.vm("pinned")]
    client.until(lambda: client.api.host.get_enabled(host))
    assert answer(sim, "h3")[0] == "HOST_IS_SLAVE"


def test_a_host_that_was_shut_down_can_be_powered_on_from_afar(
    sim: Simulator, client: Client
) -> None:
    host = client.host("h3")
    client.api.VM.clean_shutdown(client.vm("pinned"))
    client.api.host.disable(host)
    client.api.host.shutdown(host)
    client.until(lambda: not is_live(client, "h3"))
    refused = client.failure(client.api.host.power_on, host)
    client.api.host.set_power_on_mode(host, "wake-on-lan", {})

    client.api.host.power_on(host)

    assert refused == ["HOST_POWER_ON_MODE_DISABLED"]
    assert (answer(sim, "h3")[0], is_live(client, "h3")) == ("HOST_IS_SLAVE", True)


def test_a_guest_does_not_start_on_a_host_that_dies_meanwhile() -> None:
    with Simulator(WORLD, options=["--clock", "stepped"]) as sim:
        client = Client(sim, "h1")
        vm, h2 = client.vm("app-1"), client.host("h2")
        down = client.api.Async.VM.hard_shutdown(vm)
        sim.step(5)
        start = client.api.Async.VM.start_on(vm, h2, False, False)
        sim.step(0.5)

        sim.fault(fault="host_death", host="h2")
        sim.step(5)

        assert client.api.task.get_status(down) == "success"
        assert client.api.task.get_error_info(start) == ["CANNOT_CONTACT_HOST", h2]
        assert (sim.where("app-1"), client.where("app-1")) == ([], "")


def test_a_move_away_from_a_host_known_to_be_dead_is_refused_at_once(
    sim: Simulator, client: Client
) -> None:
    sim.fault(fault="host_death", host="h2")
    client.until(lambda: not is_live(client, "h2"))

    error = client.failure(client.api.VM.pool_migrate, client.vm("app-1"), client.host("h1"), {})

    assert error == ["HOST_OFFLINE", client.host("h2")]
