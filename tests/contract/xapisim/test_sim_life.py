"""Snapshots, clones and suspended guests."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim import storage
from tests.contract.xapisim.client import Client
from tests.contract.xapisim.two_pools import all_disks, two_pools
from tests.support.sim import Simulator


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with two_pools(tmp_path_factory.mktemp("worlds")) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    logged_in = Client(sim, "n1")
    yield logged_in
    sim.clear_faults()


def test_a_snapshot_is_a_template_that_knows_its_vm(client: Client) -> None:
    vm = client.vm("many-1")
    (disk,) = storage.disks_of(client, "many-1")

    snapshot = client.api.VM.snapshot(vm, "s1", [])

    record = client.api.VM.get_record(snapshot)
    assert (record["is_a_snapshot"], record["is_a_template"]) == (True, True)
    assert (record["power_state"], record["snapshot_of"]) == ("Halted", vm)
    assert record["snapshot_info"]["power-state-at-snapshot"] == "Running"
    assert record["allowed_operations"][0] == "destroy"
    assert client.api.VM.get_parent(vm) == snapshot
    (taken,) = storage.disks_of(client, "s1")
    assert client.api.VDI.get_snapshot_of(taken) == disk
    (vif,) = record["VIFs"]
    (original,) = client.api.VM.get_VIFs(vm)
    assert client.api.VIF.get_MAC(vif) == client.api.VIF.get_MAC(original)
    refused = client.failure(client.api.VM.start, snapshot, False, False)
    assert refused == ["VM_IS_SNAPSHOT", snapshot, "start"]


def test_a_disk_can_be_left_out_of_a_snapshot(client: Client) -> None:
    first, second = storage.disks_of(client, "app")

    client.api.VM.snapshot(client.vm("app"), "partial", [first])

    (taken,) = storage.disks_of(client, "partial")
    assert client.api.VDI.get_snapshot_of(taken) == second


def test_a_snapshot_that_fails_leaves_nothing(client: Client, sim: Simulator) -> None:
    before, vms = all_disks(client), set(client.api.VM.get_all())
    sim.fault(fault="sr_full", sr="n1-local")

    refused = client.failure(client.api.VM.snapshot, client.vm("app"), "none", [])

    assert refused[0] == "SR_BACKEND_FAILURE_44"
    assert all_disks(client) == before
    assert set(client.api.VM.get_all()) == vms


def test_a_vm_is_reverted_to_its_snapshot(client: Client, sim: Simulator) -> None:
    vm = client.vm("many-2")
    old = storage.disks_of(client, "many-2")
    snapshot = client.api.VM.snapshot(vm, "point", [])

    client.api.VM.revert(snapshot)

    assert client.api.VM.get_power_state(vm) == "Halted"
    assert sim.where("many-2") == []
    (disk,) = storage.disks_of(client, "many-2")
    assert disk not in old
    assert client.api.VDI.get_snapshots(disk) == storage.disks_of(client, "point")
    refused = client.failure(client.api.VM.revert, vm)
    assert refused == ["VM_REVERT_FAILED", vm, "OpaqueRef:NULL"]


def test_a_clone_is_a_vm_of_its_own_that_starts(client: Client) -> None:
    vm = client.vm("parked")

    clone = client.api.VM.clone(vm, "twin")

    assert client.api.VM.get_uuid(clone) != client.api.VM.get_uuid(vm)
    assert storage.disks_of(client, "twin") != storage.disks_of(client, "parked")
    (mine,) = client.api.VM.get_VIFs(clone)
    (theirs,) = client.api.VM.get_VIFs(vm)
    assert client.api.VIF.get_MAC(mine) != client.api.VIF.get_MAC(theirs)
    client.api.VM.start(clone, False, False)
    assert client.api.VM.get_power_state(clone) == "Running"
    client.api.VM.hard_shutdown(clone)


def test_a_clone_of_a_template_is_provisioned_first(client: Client) -> None:
    template = client.api.VM.snapshot(client.vm("parked"), "golden", [])

    made = client.api.VM.clone(template, "from-golden")

    assert client.api.VM.get_is_a_template(made) is True
    assert client.api.VM.get_other_config(made)["base_template_name"] == "golden"
    client.api.VM.provision(made)
    client.api.VM.start(made, False, False)
    client.api.VM.hard_shutdown(made)


def test_a_running_vm_is_not_cloned(client: Client) -> None:
    vm = client.vm("app")

    refused = client.failure(client.api.VM.clone, vm, "no")

    assert refused == ["VM_BAD_POWER_STATE", vm, "halted", "running"]


def test_a_suspended_guest_runs_nowhere_and_comes_back(client: Client, sim: Simulator) -> None:
    vm = client.vm("many-3")

    client.api.VM.suspend(vm)

    record = client.api.VM.get_record(vm)
    assert (record["power_state"], record["resident_on"]) == ("Suspended", "OpaqueRef:NULL")
    assert client.api.VDI.get_type(record["suspend_VDI"]) == "suspend"
    assert sim.where("many-3") == []
    (vif,) = record["VIFs"]
    assert client.api.VIF.get_currently_attached(vif) is True
    client.api.VM.resume_on(vm, client.host("n2"), False, False)
    assert client.api.VM.get_suspend_VDI(vm) == "OpaqueRef:NULL"
    assert record["suspend_VDI"] not in all_disks(client)
    assert sim.where("many-3") == ["n2"]


def test_a_suspend_that_fails_leaves_the_guest_running(client: Client, sim: Simulator) -> None:
    before = all_disks(client)
    sim.fault(fault="fail_migration", phase="suspend", vm="many-5")

    refused = client.failure(client.api.VM.suspend, client.vm("many-5"))

    assert refused == ["INTERNAL_ERROR", "xenopsd internal error: Domain suspend failed"]
    assert sim.where("many-5") == ["n1"]
    assert all_disks(client) == before


def test_shutting_a_suspended_guest_down_drops_its_memory(client: Client) -> None:
    vm = client.vm("many-4")
    client.api.VM.suspend(vm)
    image = client.api.VM.get_suspend_VDI(vm)

    client.api.VM.hard_shutdown(vm)

    assert client.api.VM.get_power_state(vm) == "Halted"
    assert image not in all_disks(client)


def test_a_guest_that_runs_is_not_reset(client: Client) -> None:
    vm = client.vm("app")

    refused = client.failure(client.api.VM.power_state_reset, vm)

    assert refused == ["DOMAIN_EXISTS", vm]
    dom0 = next(ref for ref in client.api.VM.get_all() if client.api.VM.get_is_control_domain(ref))
    refused = client.failure(client.api.VM.power_state_reset, dom0)
    assert refused == ["CANNOT_RESET_CONTROL_DOMAIN", dom0]


def test_a_guest_of_a_live_member_is_not_reset(client: Client) -> None:
    vm = client.vm("bare")
    client.api.VM.pool_migrate(vm, client.host("n2"), {"force": "true"})

    refused = client.failure(client.api.VM.power_state_reset, vm)

    assert refused == ["HOST_IS_LIVE", client.host("n2")]
