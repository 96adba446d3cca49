"""Storage migrations that don't arrive: nothing is lost, and what was made is taken away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim import storage
from tests.contract.xapisim.client import Client
from tests.contract.xapisim.two_pools import Trip, all_disks, two_pools
from tests.support.sim import Simulator


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    with two_pools(tmp_path) as simulator:
        yield simulator


def assert_untouched(near: Client, far: Client, vm: str, sim: Simulator) -> None:
    record = near.api.VM.get_record(near.vm(vm))
    assert (record["power_state"], record["current_operations"]) == ("Running", {})
    assert far.api.VM.get_by_name_label(vm) == []
    assert sim.where(vm) == ["n1"]
    for vdi in storage.disks_of(near, vm):
        assert near.api.VDI.get_sm_config(vdi) == {}
        assert near.api.VDI.get_snapshots(vdi) == []
        assert "maps_to" not in near.api.VDI.get_other_config(vdi)


def test_a_mirror_that_breaks_leaves_nothing_behind(
    near: Client, far: Client, sim: Simulator
) -> None:
    before = all_disks(far)
    sim.fault(fault="mirror_fail", vm="app", at_progress=0.5)

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    first = storage.disks_of(near, "app")[0]
    assert task["error_info"] == ["MIRROR_FAILED", first]
    assert task["other_config"]["mirror_failed"] == first
    assert all_disks(far) == before
    assert_untouched(near, far, "app", sim)


def test_half_made_disks_can_stay_at_the_destination(
    near: Client, far: Client, sim: Simulator
) -> None:
    before = all_disks(far)
    sim.fault(fault="mirror_fail", vm="app", leftovers=True)
    source = near.api.VDI.get_record(storage.disks_of(near, "app")[0])

    near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    (left,) = all_disks(far) - before
    record = far.api.VDI.get_record(left)
    sr = near.api.SR.get_uuid(source["SR"])
    assert (record["VBDs"], record["name_label"]) == ([], source["name_label"])
    assert record["sm_config"] == {"base_mirror": f"{sr}/{source['uuid']}"}


def test_a_full_sr_ends_the_move(near: Client, far: Client, sim: Simulator) -> None:
    sim.fault(fault="sr_full", sr="depot")

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    assert task["error_info"] == ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]
    assert_untouched(near, far, "app", sim)


def test_a_failure_in_the_memory_phase_takes_all_away_again(
    near: Client, far: Client, sim: Simulator
) -> None:
    before = all_disks(far)
    sim.fault(fault="fail_migration", phase="precopy", vm="app")

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    code, text = task["error_info"]
    assert code == "INTERNAL_ERROR"
    assert text.startswith("Xenops_interface.Xenopsd_error([S(Internal_error);S(")
    assert all_disks(far) == before
    assert_untouched(near, far, "app", sim)


def test_a_guest_lost_after_the_suspend_is_halted_at_its_source(
    near: Client, far: Client, sim: Simulator
) -> None:
    sim.fault(fault="fail_migration", phase="sync4", vm="app", end="halted")

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    assert task["status"] == "failure"
    assert near.api.VM.get_power_state(near.vm("app")) == "Halted"
    assert far.api.VM.get_by_name_label("app") == []
    assert sim.where("app") == []


def test_a_failed_task_can_hide_a_vm_that_runs_in_the_other_pool(
    near: Client, far: Client, sim: Simulator
) -> None:
    sim.fault(fault="fail_migration", phase="sync4", vm="app", end="dest_running")

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    assert task["status"] == "failure"
    assert far.api.VM.get_power_state(far.vm("app")) == "Running"
    assert sim.where("app") == ["f1"]


@pytest.mark.parametrize("phase", ["mirror", "disks_copied", "imported", "precopy"])
def test_cancelling_takes_all_away_again(
    near: Client, far: Client, sim: Simulator, phase: str
) -> None:
    before = all_disks(far)
    sim.fault(fault="hold", phase=phase, vm="app")
    task = Trip(near, far, "f1").send("app", "depot", "depot")
    marks = {"mirror": lambda: all_disks(far) - before}
    reached = marks.get(phase, lambda: len(all_disks(far) - before) == 2)
    near.until(reached)

    near.api.task.cancel(task)

    assert near.wait(task)["status"] == "cancelled"
    near.until(lambda: not near.api.VM.get_current_operations(near.vm("app")))
    assert all_disks(far) == before
    assert_untouched(near, far, "app", sim)


def test_a_fourth_storage_migration_of_a_host_is_refused_at_once(
    near: Client, far: Client, sim: Simulator
) -> None:
    hold = sim.fault(fault="hold", phase="mirror")
    trip = Trip(near, far, "f1")
    tasks = [trip.send(f"many-{number}", "depot") for number in (1, 2, 3)]
    near.until(lambda: len(all_disks(far)) >= 3)

    fourth = near.wait(trip.send("many-4", "depot"))

    assert fourth["error_info"] == ["TOO_MANY_STORAGE_MIGRATES", "3"]
    sim.lift(hold)
    assert [near.wait(task)["status"] for task in tasks] == ["success"] * 3


def test_a_guest_that_is_shut_down_meanwhile_arrives_halted(
    near: Client, far: Client, sim: Simulator
) -> None:
    hold = sim.fault(fault="hold", phase="mirror", vm="app")
    task = Trip(near, far, "f1").send("app", "depot", "depot")
    near.until(lambda: near.api.VM.get_current_operations(near.vm("app")))

    near.api.VM.clean_shutdown(near.vm("app"))
    sim.lift(hold)

    assert near.wait(task)["status"] == "success"
    assert far.api.VM.get_power_state(far.vm("app")) == "Halted"
    assert sim.where("app") == []


def test_an_sr_the_destination_host_does_not_see_is_noticed_by_the_move_alone(
    near: Client,
) -> None:
    trip = Trip(near, near, "n2")

    trip.ask("parked", "n1-local")

    task = near.wait(trip.send("parked", "n1-local"))
    assert task["error_info"] == ["SR_NOT_ATTACHED", storage.sr(near, "n1-local")]


def test_a_restarted_toolstack_of_the_source_gives_the_disks_up(
    near: Client, far: Client, sim: Simulator
) -> None:
    before = all_disks(far)
    sim.fault(fault="hold", phase="mirror", vm="app")
    Trip(near, far, "f1").send("app", "depot", "depot")
    near.until(lambda: all_disks(far) - before)

    sim.fault(fault="restart_toolstack", host="n1")

    near.until(lambda: all_disks(far) == before)
    assert sim.where("app") == ["n1"]
