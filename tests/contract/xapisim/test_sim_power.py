"""VM power operations: what they need, what runs afterwards, and what a started VM can do."""

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator


def test_a_started_vm_runs_on_its_host_and_can_be_moved(client: Client, sim: Simulator) -> None:
    vm, xs2 = client.vm("parked-1"), client.host("xs2")

    client.api.VM.start_on(vm, xs2, False, False)

    assert (client.where("parked-1"), sim.where("parked-1")) == ("xs2", ["xs2"])
    assert client.api.VM.get_domid(vm) != "-1"
    client.move("parked-1", "xs1")
    assert sim.where("parked-1") == ["xs1"]
    client.api.VM.clean_shutdown(vm)
    assert (client.where("parked-1"), sim.where("parked-1")) == ("", [])


def test_a_start_without_a_host_takes_one_that_has_room(client: Client) -> None:
    client.api.VM.start(client.vm("parked-1"), False, False)

    assert client.where("parked-1") in ("xs1", "xs2", "xs3")
    client.api.VM.hard_shutdown(client.vm("parked-1"))


def test_states_that_do_not_fit_are_named(client: Client) -> None:
    parked, web = client.vm("parked-1"), client.vm("web-1")
    vm = client.api.VM

    for call, ref, expected, actual in (
        (vm.pause, parked, "running", "halted"),
        (vm.unpause, web, "paused", "running"),
        (vm.hard_shutdown, parked, "paused, suspended, running", "halted"),
        (vm.hard_reboot, parked, "paused, running", "halted"),
        (vm.destroy, web, "halted, suspended", "running"),
    ):
        assert client.failure(call, ref) == ["VM_BAD_POWER_STATE", ref, expected, actual]


def test_a_paused_vm_can_t_move_until_it_runs_again(client: Client) -> None:
    vm = client.vm("cache-1")
    client.api.VM.pause(vm)

    assert "pool_migrate" not in client.api.VM.get_allowed_operations(vm)
    client.api.VM.unpause(vm)
    assert "pool_migrate" in client.api.VM.get_allowed_operations(vm)


def test_a_reboot_gives_the_guest_a_new_domain(client: Client, sim: Simulator) -> None:
    vm = client.vm("cache-1")
    domid = client.api.VM.get_domid(vm)

    client.api.VM.hard_reboot(vm)

    assert client.api.VM.get_domid(vm) != domid
    assert len(sim.where("cache-1")) == 1


def test_memory_limits_keep_their_order(client: Client) -> None:
    vm = client.vm("parked-1")

    details = client.failure(client.api.VM.set_memory_static_max, vm, "1")

    assert details == ["MEMORY_CONSTRAINT_VIOLATION_ORDER"]
    rule = "VCPU values must satisfy: 0 < VCPUs_at_startup ≤ VCPUs_max"
    refused = client.failure(client.api.VM.set_VCPUs_max, vm, "0")
    assert refused == ["INVALID_VALUE", rule, "0"]
