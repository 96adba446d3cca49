"""Every refusal of VM.pool_migrate, word for word; nothing may change by one."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

BAD = "OpaqueRef:00000000-0000-0000-0000-00000000bad0"
WORLD = """
[pool]
name = "refusals"
[[host]]
name = "xs1"
[[host]]
name = "xs2"
[[host]]
name = "small"
memory = "4 GiB"
cpus = 1
[[host]]
name = "plain"
cpu_features = "0fcbfbff-00000000"
[[network]]
name = "lan"
[[network]]
name = "only-xs1"
hosts = ["xs1"]
[[network]]
name = "internal"
hosts = []
[[sr]]
name = "nfs"
[[sr]]
name = "half"
hosts = ["xs1"]
[[sr]]
name = "isos"
type = "iso"
hosts = ["xs1"]
[[sr]]
name = "local"
host = "xs1"
[[vm]]
name = "good"
memory = "512 MiB"
host = "xs1"
cd = ""
disks = [{ sr = "nfs" }]
[[vm]]
name = "two-cpus"
memory = "512 MiB"
vcpus = 2
host = "xs1"
[[vm]]
name = "huge"
memory = "20 GiB"
host = "xs1"
[[vm]]
name = "halted"
memory = "512 MiB"
state = "Halted"
[[vm]]
name = "paused"
memory = "512 MiB"
state = "Paused"
host = "xs1"
[[vm]]
name = "on-local"
memory = "512 MiB"
host = "xs1"
disks = [{ sr = "nfs" }, { sr = "local" }]
[[vm]]
name = "on-half"
memory = "512 MiB"
host = "xs1"
disks = [{ sr = "half" }]
[[vm]]
name = "with-iso"
memory = "512 MiB"
host = "xs1"
cd = "isos"
[[vm]]
name = "no-tools"
memory = "512 MiB"
host = "xs1"
drivers = false
[[vm]]
name = "blocked"
memory = "512 MiB"
host = "xs1"
blocked_operations = { pool_migrate = "maintenance of the backup" }
[[vm]]
name = "two-nets"
memory = "512 MiB"
host = "xs1"
networks = ["lan", "only-xs1"]
[[vm]]
name = "private"
memory = "512 MiB"
host = "xs1"
networks = ["internal"]
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, time_factor=100) as simulator:
        yield simulator


def refuse(client: Client, vm: str, host: str, **options: str) -> list[str]:
    """The error array, after a look that nothing has changed."""
    ref = client.vm(vm)
    before = client.api.VM.get_record(ref)

    details = client.failure(client.api.VM.pool_migrate, ref, client.host(host), options)

    assert client.api.VM.get_record(ref) == before
    assert client.api.host.get_current_operations(client.host(host)) == {}
    return details


def test_a_halted_or_paused_vm_is_refused_with_the_state_it_should_have(client: Client) -> None:
    halted, paused = client.vm("halted"), client.vm("paused")

    assert refuse(client, "halted", "xs2") == ["VM_BAD_POWER_STATE", halted, "running", "halted"]
    assert refuse(client, "paused", "xs2") == ["VM_BAD_POWER_STATE", paused, "running", "paused"]


def test_bad_handles_are_named_and_a_halted_vm_comes_before_a_bad_host(client: Client) -> None:
    migrate = client.api.VM.pool_migrate
    good, halted = client.vm("good"), client.vm("halted")

    assert client.failure(migrate, BAD, BAD, {}) == ["HANDLE_INVALID", "VM", BAD]
    assert client.failure(migrate, good, BAD, {}) == ["HANDLE_INVALID", "host", BAD]
    assert client.failure(migrate, good, "", {}) == ["HANDLE_INVALID", "host", ""]
    assert client.failure(migrate, halted, BAD, {})[0] == "VM_BAD_POWER_STATE"
    assert client.failure(migrate, client.vm("no-tools"), BAD, {})[0] == "HANDLE_INVALID"


def test_storage_that_the_destination_lacks_is_named(client: Client) -> None:
    for vm, sr in (("on-local", "local"), ("on-half", "half"), ("with-iso", "isos")):
        (blocking,) = client.api.SR.get_by_name_label(sr)

        assert refuse(client, vm, "xs2") == ["VM_REQUIRES_SR", client.vm(vm), blocking]


def test_networks_that_the_destination_lacks_are_named(client: Client) -> None:
    for vm, network in (("two-nets", "only-xs1"), ("private", "internal")):
        (blocking,) = client.api.network.get_by_name_label(network)

        assert refuse(client, vm, "xs2") == ["VM_REQUIRES_NETWORK", client.vm(vm), blocking]


def test_too_little_memory_comes_with_both_figures(client: Client) -> None:
    free = client.api.host.compute_free_memory(client.host("small"))

    details = refuse(client, "huge", "small")

    assert details == ["HOST_NOT_ENOUGH_FREE_MEMORY", "21646802944", free]
    assert refuse(client, "huge", "small", force="true") == details


def test_too_few_processors_come_with_both_figures(client: Client) -> None:
    assert refuse(client, "two-cpus", "small") == ["HOST_NOT_ENOUGH_PCPUS", "2", "1"]


def test_missing_processor_features_are_refused_unless_forced(client: Client) -> None:
    details = refuse(client, "good", "plain")

    assert details[:3] == [
        "VM_INCOMPATIBLE_WITH_THIS_HOST",
        client.vm("good"),
        client.host("plain"),
    ]
    assert details[3].startswith("VM last booted on a CPU with features")
    client.api.VM.pool_migrate(client.vm("good"), client.host("plain"), {"force": "true"})
    assert client.where("good") == "plain"
    client.move("good", "xs1")


def test_a_guest_without_tools_is_refused_unless_forced(client: Client) -> None:
    assert refuse(client, "no-tools", "xs2") == ["VM_LACKS_FEATURE", client.vm("no-tools")]
    assert "pool_migrate" not in client.api.VM.get_allowed_operations(client.vm("no-tools"))
    client.api.VM.pool_migrate(client.vm("no-tools"), client.host("xs2"), {"force": "true"})
    assert client.where("no-tools") == "xs2"
    client.api.VM.pool_migrate(client.vm("no-tools"), client.host("xs1"), {"force": "true"})


def test_a_blocked_operation_gives_the_reason_of_whoever_blocked_it(client: Client) -> None:
    expected = ["OPERATION_BLOCKED", client.vm("blocked"), "maintenance of the backup"]

    assert refuse(client, "blocked", "xs2") == expected
    assert refuse(client, "blocked", "xs2", force="true") == expected


def test_a_disabled_host_is_refused_and_comes_before_storage(client: Client) -> None:
    xs2 = client.host("xs2")
    client.api.host.disable(xs2)

    assert refuse(client, "good", "xs2") == ["HOST_DISABLED", xs2]
    assert refuse(client, "good", "xs2", force="true") == ["HOST_DISABLED", xs2]
    assert refuse(client, "on-local", "xs2") == ["HOST_DISABLED", xs2]
    assert refuse(client, "no-tools", "xs2") == ["VM_LACKS_FEATURE", client.vm("no-tools")]
    assert xs2 not in client.api.VM.get_possible_hosts(client.vm("good"))
    client.api.host.enable(xs2)
    assert xs2 in client.api.VM.get_possible_hosts(client.vm("good"))


def test_a_control_domain_does_not_move(client: Client) -> None:
    assert refuse(client, "Control domain on host: xs1", "xs2") == [
        "OPERATION_NOT_ALLOWED",
        "This operation is not allowed on a control domain",
    ]


def test_the_network_option_wants_a_pif_with_an_address_at_the_destination(client: Client) -> None:
    (only_xs1,) = client.api.network.get_by_name_label("only-xs1")
    xs2 = client.host("xs2")

    assert refuse(client, "good", "xs2", network=only_xs1) == ["PIF_NOT_PRESENT", xs2, only_xs1]
    assert refuse(client, "good", "xs2", network=BAD) == ["PIF_NOT_PRESENT", xs2, BAD]


def test_an_asynchronous_refusal_is_a_failed_task(client: Client) -> None:
    task = client.migrate("on-local", "xs2")

    record = client.wait(task)

    assert record["status"] == "failure"
    assert record["progress"] == 1.0
    assert record["error_info"][:2] == ["VM_REQUIRES_SR", client.vm("on-local")]
    assert record["resident_on"] == client.host("xs1")


def test_an_unplugged_pbd_pins_the_vm_until_it_is_plugged_again(client: Client) -> None:
    (nfs,) = client.api.SR.get_by_name_label("nfs")
    (pbd,) = [
        pbd
        for pbd in client.api.SR.get_PBDs(nfs)
        if client.api.PBD.get_host(pbd) == client.host("xs2")
    ]
    client.api.PBD.unplug(pbd)

    details = refuse(client, "good", "xs2")

    assert details == ["VM_REQUIRES_SR", client.vm("good"), nfs]
    client.api.PBD.plug(pbd)
    client.api.VM.assert_can_boot_here(client.vm("good"), client.host("xs2"))


def test_a_new_migration_to_a_host_that_is_away_fails_after_two_minutes(
    client: Client, sim: Simulator
) -> None:
    away = sim.fault(fault="host_offline", host="xs2")

    record = client.wait(client.migrate("good", "xs2"))

    assert record["error_info"] == ["CANNOT_CONTACT_HOST", client.host("xs2")]
    assert client.api.VM.get_current_operations(client.vm("good")) == {}
    sim.lift(away)
