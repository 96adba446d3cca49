"""Storage XenMotion: a VM moves with its disks, inside its pool and to another one."""

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


def test_a_disk_moves_to_another_sr_while_the_guest_moves(near: Client, sim: Simulator) -> None:
    vm, before = near.vm("app"), storage.disks_of(near, "app")
    vbds = set(near.api.VM.get_VBDs(vm))

    task = near.wait(Trip(near, near, "n2").send("app", "other", "shared"))

    assert (task["status"], task["result"]) == ("success", f"<value>{vm}</value>")
    assert near.where("app") == "n2"
    after = storage.disks_of(near, "app")
    srs = [near.api.SR.get_name_label(near.api.VDI.get_SR(vdi)) for vdi in after]
    assert srs == ["other", "shared"]
    assert not set(before) & all_disks(near)
    assert set(near.api.VM.get_VBDs(vm)) == vbds
    assert near.api.VDI.get_sm_config(after[0]) == {}
    assert sim.where("app") == ["n2"]


def test_a_disk_that_stays_where_it_is_is_not_copied(near: Client) -> None:
    before = storage.disks_of(near, "many-1")

    near.wait(Trip(near, near, "n2").send("many-1", "shared"))

    assert near.where("many-1") == "n2"
    assert storage.disks_of(near, "many-1") == before


def test_a_vm_goes_to_the_other_pool_with_its_identity(
    near: Client, far: Client, sim: Simulator
) -> None:
    old = near.api.VM.get_record(near.vm("app"))
    disks = storage.disks_of(near, "app")

    task = near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    assert task["status"] == "success"
    ref = far.vm("app")
    new = far.api.VM.get_record(ref)
    assert task["result"] == f"<value>{ref}</value>"
    assert (new["uuid"], new["power_state"]) == (old["uuid"], "Running")
    assert new["resident_on"] == far.host("f1")
    assert new["version"] == "1"
    assert "import_task" in new["other_config"]
    assert near.api.VM.get_by_name_label("app") == []
    assert not set(disks) & all_disks(near)
    assert len(storage.disks_of(far, "app")) == 2
    assert sim.where("app") == ["f1"]


def test_the_interface_keeps_its_mac_and_its_old_record_dangles_for_a_while(
    near: Client, far: Client
) -> None:
    (vif,) = near.api.VM.get_VIFs(near.vm("many-1"))
    mac = near.api.VIF.get_MAC(vif)

    near.wait(Trip(near, far, "f1").send("many-1", "depot"))

    (new,) = far.api.VM.get_VIFs(far.vm("many-1"))
    assert far.api.VIF.get_MAC(new) == mac
    assert far.api.VIF.get_currently_attached(new) is True
    assert near.api.VIF.get_currently_attached(vif) is False
    near.until(lambda: vif not in near.api.VIF.get_all())


def test_a_disc_in_the_drive_stays_behind(near: Client, far: Client) -> None:
    near.wait(Trip(near, far, "f1").send("app", "depot", "depot"))

    vbds = [far.api.VBD.get_record(ref) for ref in far.api.VM.get_VBDs(far.vm("app"))]

    assert [vbd["empty"] for vbd in vbds if vbd["type"] == "CD"] == [True]


@pytest.mark.parametrize("named", [True, False])
def test_inside_a_pool_a_disc_stays_in_its_drive_if_the_map_names_it(
    near: Client, named: bool
) -> None:
    vm = near.vm("app")
    trip = Trip(near, near, "n2")
    vbds = [near.api.VBD.get_record(ref) for ref in near.api.VM.get_VBDs(vm)]
    (disc,) = [vbd["VDI"] for vbd in vbds if vbd["type"] == "CD"]
    kept = {disc: storage.sr(near, "discs")} if named else {}
    disks = {**trip.disks("app", "other", "shared"), **kept}

    near.wait(near.api.Async.VM.migrate_send(vm, trip.ticket, True, disks, {}, {}))

    after = [near.api.VBD.get_record(ref) for ref in near.api.VM.get_VBDs(vm)]
    assert [vbd["empty"] for vbd in after if vbd["type"] == "CD"] == [not named]


def test_while_it_moves_both_pools_have_the_vm_and_one_runs_it(
    near: Client, far: Client, sim: Simulator
) -> None:
    hold = sim.fault(fault="hold", phase="imported", vm="app")
    task = Trip(near, far, "f1").send("app", "depot", "depot")
    far.until(lambda: far.api.VM.get_by_name_label("app"))

    vm = near.api.VM.get_record(near.vm("app"))
    disk = near.api.VDI.get_record(storage.disks_of(near, "app")[0])

    assert vm["current_operations"] == {task: "migrate_send"}
    assert "pool_migrate" not in vm["allowed_operations"]
    assert "clean_shutdown" in vm["allowed_operations"]
    assert "maps_to" in disk["other_config"]
    assert far.api.VM.get_power_state(far.vm("app")) == "Halted"
    assert sim.where("app") == ["n1"]
    sim.lift(hold)
    assert near.wait(task)["status"] == "success"


def test_a_halted_vm_moves_without_starting(near: Client, far: Client, sim: Simulator) -> None:
    task = near.wait(Trip(near, far, "f1").send("parked", "depot"))

    assert task["status"] == "success"
    assert far.api.VM.get_power_state(far.vm("parked")) == "Halted"
    assert sim.where("parked") == []


def test_a_copy_is_a_vm_of_its_own(near: Client, far: Client) -> None:
    vm = near.api.VM.get_record(near.vm("parked"))

    near.wait(Trip(near, far, "f1").send("parked", "depot", copy="true"))

    copy = far.api.VM.get_record(far.vm("parked"))
    assert copy["uuid"] != vm["uuid"]
    assert copy["other_config"]["mac_seed"] != vm["other_config"]["mac_seed"]
    assert near.api.VM.get_uuid(near.vm("parked")) == vm["uuid"]
    assert len(storage.disks_of(near, "parked")) == 1


def test_inside_the_pool_there_is_no_copy(near: Client) -> None:
    task = near.wait(Trip(near, near, "n2").send("parked", "other", copy="true"))

    assert task["error_info"][0] == "OPERATION_NOT_ALLOWED"


def test_snapshots_move_with_their_vm(near: Client, far: Client) -> None:
    near.api.VM.snapshot(near.vm("parked"), "before", [])

    near.wait(Trip(near, far, "f1").send("parked", "depot"))

    vm = far.vm("parked")
    (snapshot,) = far.api.VM.get_snapshots(vm)
    assert far.api.VM.get_name_label(snapshot) == "before"
    (vdi,) = storage.disks_of(far, "before")
    assert far.api.VDI.get_snapshot_of(vdi) == storage.disks_of(far, "parked")[0]
    assert near.api.VM.get_by_name_label("before") == []


def test_progress_goes_up_twice(near: Client, far: Client, sim: Simulator) -> None:
    hold = sim.fault(fault="hold", phase="disks_copied", vm="app")
    task = Trip(near, far, "f1").send("app", "depot", "depot")

    near.until(lambda: near.api.task.get_progress(task) == 1.0)

    assert near.api.task.get_status(task) == "pending"
    held = sim.fault(fault="hold", phase="precopy", vm="app")
    sim.lift(hold)
    near.until(lambda: near.api.task.get_progress(task) < 0.9)
    sim.lift(held)
    assert near.wait(task)["status"] == "success"


def test_one_disk_of_a_running_vm_moves_and_the_others_stay(near: Client) -> None:
    first, second = storage.disks_of(near, "app")
    other = storage.sr(near, "other")

    moved = near.api.VDI.pool_migrate(first, other, {})

    assert storage.disks_of(near, "app") == [moved, second]
    assert near.api.VDI.get_SR(moved) == other
    assert near.where("app") == "n1"


def test_a_disk_without_a_vm_does_not_move(near: Client) -> None:
    vdi = storage.disk(near, storage.sr(near, "shared"))

    refused = near.failure(near.api.VDI.pool_migrate, vdi, storage.sr(near, "other"), {})

    assert refused == ["VDI_NEEDS_VM_FOR_MIGRATE", vdi]
