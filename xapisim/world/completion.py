"""What an old or trimmed database lacks and a pool can't be served without; every addition is
noted.
"""

from xapisim.errors import WorldError
from xapisim.ids import Ids
from xapisim.values import NULL, Value
from xapisim.world.dump import Dump
from xapisim.world.model import World

_SPARE_BYTES = 4 * 2**30
"""Free memory of a host whose database says nothing about its memory."""


def complete(world: World, boot_free: dict[str, int], seed: int) -> None:
    """`boot_free` is what hosts had free when they booted. Raises WorldError where nothing could be
    made up: no pool, no hosts.
    """
    for class_name in ("pool", "host"):
        if not world.records.get(class_name):
            raise WorldError(f"{world.origin}: class {class_name}", "at least one row expected")
    pool = next(iter(world.records["pool"].values()))
    if pool.get("master") not in world.records["host"]:
        raise WorldError(f"{world.origin}: class pool", "master is no host of this world")
    world.name = pool.get("name_label") or world.name
    ids = Ids(seed, f"world/{world.origin}")
    for ref, host in world.records["host"].items():
        if host.get("metrics", NULL) not in world.records.get("host_metrics", {}):
            _add_host_metrics(world, ids, (ref, host), boot_free.get(ref, 0))
    for vm in world.records.get("VM", {}).values():
        _complete_vm(vm)


def boot_free_bytes(database: Dump) -> dict[str, int]:
    """What each host had free when it booted, a field that XAPI keeps to itself."""
    found = {}
    for row in database.tables.get("host", []):
        text = row.get("boot_free_mem", "")
        if text.isdigit():
            found[row.get("ref", "")] = int(text)
    return found


def _add_host_metrics(
    world: World, ids: Ids, host: tuple[str, dict[str, Value]], boot_free: int
) -> None:
    """A live host whose memory holds what runs there and some more."""
    host_ref, fields = host
    resident = [
        vm for vm in world.records.get("VM", {}).values() if vm.get("resident_on") == host_ref
    ]
    used = sum(vm.get("memory_static_max", 0) + vm.get("memory_overhead", 0) for vm in resident)
    dom0 = sum(vm.get("memory_static_max", 0) for vm in resident if vm.get("is_control_domain"))
    total = max(boot_free + dom0, used + _SPARE_BYTES) + fields.get("memory_overhead", 0)
    ref = (
        fields["metrics"]
        if fields.get("metrics", NULL) != NULL
        else ids.ref_for("host_metrics", host_ref)
    )
    fields["metrics"] = ref
    uuid = ids.uuid_for("host_metrics", host_ref)
    world.add("host_metrics", ref, uuid=uuid, live=True, memory_total=total)
    name = fields.get("name_label", host_ref)
    world.notes.append(f"host {name} has no host_metrics: made one, live, {total} bytes")


def _complete_vm(vm: dict[str, Value]) -> None:
    """Before `domain_type`, the boot policy said whether a VM is HVM; nothing moves when a pool
    wakes up.
    """
    if vm.get("domain_type", "unspecified") == "unspecified":
        vm["domain_type"] = "hvm" if vm.get("HVM_boot_policy") else "pv"
    vm["current_operations"] = {}
    vm["scheduled_to_be_resident_on"] = NULL
