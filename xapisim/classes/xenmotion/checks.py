"""VM.assert_can_migrate: XAPI's checks in its order. It says yes to far more than the move itself:
power state, guest tools, space and reachable SRs are not looked at (recorded on xapi 26.17).
"""

from xapisim.classes import memory, placement, storage_rules
from xapisim.classes.engine import Engine
from xapisim.classes.migration import admission
from xapisim.classes.pool import Pool
from xapisim.classes.xenmotion import moves, tickets, wish
from xapisim.classes.xenmotion.tickets import Destination, Ticket
from xapisim.classes.xenmotion.wish import Wish
from xapisim.errors import XapiError
from xapisim.values import NULL, Value

_SAME_NETWORK = (
    "VIF mapping is not allowed for intra-pool migration -all VIFs must be on the same network"
)
_SENDS = ("VDI_SNAPSHOT", "VDI_MIRROR")
_HARDWARE_VERSION = "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION"


def admit(engine: Engine, asked: Wish, ticket: Ticket) -> Destination:
    """Where the VM is to go; raises the first reason against it."""
    pool = engine.pool
    restrictions = pool.database.read("pool", pool.ref, "restrictions")
    if restrictions.get("restrict_storage_xen_motion") == "true":
        raise XapiError("LICENCE_RESTRICTION", "Storage_motion")
    for vdi in wish.disks(pool, asked.vm):
        if vdi not in asked.srs:
            raise XapiError("VDI_NOT_IN_MAP", vdi)
    destination = tickets.locate(engine, ticket)
    if destination.local:
        check_inside(pool, asked, destination.host)
    else:
        _check_across(pool, asked, destination)
    check_moved(pool, destination.engine.pool, asked)
    return destination


def check_inside(pool: Pool, asked: Wish, host: str) -> None:
    source = pool.database.row("host", wish.handler_of(pool, asked.vm)).fields
    if admission.is_older(pool.database.row("host", host).fields, than=source):
        raise XapiError("NOT_SUPPORTED_DURING_UPGRADE")
    check_drivers(pool, pool, asked)
    placement.check(pool, asked.vm, host, with_cpu=not asked.forced, with_storage=False)
    if asked.networks:
        raise XapiError("OPERATION_NOT_ALLOWED", _SAME_NETWORK)


def check_drivers(pool: Pool, far: Pool, asked: Wish) -> None:
    """Both SRs of every disk that changes its SR have to know snapshots and mirrors."""
    for vdi, sr in asked.srs.items():
        far.database.row("SR", sr)
        if not pool.database.has("VDI", vdi):
            continue
        home = pool.database.read("VDI", vdi, "SR")
        if moves.same_sr(pool, home, far, sr):
            continue
        if not set(_SENDS) <= storage_rules.features(pool, home):
            raise XapiError("SR_DOES_NOT_SUPPORT_MIGRATION", home, "VDI_SNAPSHOT;VDI_MIRROR")
        if not set(_SENDS) <= storage_rules.features(far, sr):
            raise XapiError("SR_DOES_NOT_SUPPORT_MIGRATION", sr, "VDI_SNAPSHOT;VDI_MIRROR_IN")


def _check_across(pool: Pool, asked: Wish, destination: Destination) -> None:
    far, vm = destination.engine.pool, asked.vm
    fields = pool.database.row("VM", vm).fields
    host = far.database.row("host", destination.host).fields
    source = pool.database.row("host", wish.handler_of(pool, vm)).fields
    if admission.is_older(host, than=source):
        raise XapiError("VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", vm, destination.host)
    check_drivers(pool, far, asked)
    state = fields["power_state"]
    if asked.copy and not asked.forced and state != "Halted":
        raise XapiError("VM_BAD_POWER_STATE", vm, "halted", state.lower())
    _check_hardware(vm, fields, destination.host, host)
    _check_interfaces(pool, asked)
    _check_import(fields, asked, destination)


def _check_hardware(
    vm: str, fields: dict[str, Value], host_ref: str, host: dict[str, Value]
) -> None:
    wanted, offered = (
        fields["hardware_platform_version"],
        host["virtual_hardware_platform_versions"],
    )
    if offered and wanted not in offered:
        listed = f"[{'; '.join(map(str, offered))}]"
        raise XapiError(_HARDWARE_VERSION, host_ref, listed, vm, str(wanted))
    if not host["enabled"]:
        raise XapiError("HOST_DISABLED", host_ref)
    processors = len(host["host_CPUs"])
    if processors and fields["VCPUs_max"] > processors:
        raise XapiError("HOST_NOT_ENOUGH_PCPUS", str(fields["VCPUs_max"]), str(processors))


def _check_interfaces(pool: Pool, asked: Wish) -> None:
    """An interface with the MAC of a mapped one goes where that one goes."""
    macs = {pool.database.read("VIF", vif, "MAC") for vif in asked.networks}
    for vm in wish.family(pool, asked.vm):
        for vif in pool.database.read("VM", vm, "VIFs"):
            known = vif in asked.networks or pool.database.read("VIF", vif, "MAC") in macs
            if not known:
                raise XapiError("VIF_NOT_IN_MAP", vif)


def _check_import(fields: dict[str, Value], asked: Wish, destination: Destination) -> None:
    """The dry run of the metadata import; memory is that of the host which imports."""
    far = destination.engine.pool
    if fields["power_state"] != "Halted":
        info = far.database.read("host", destination.host, "cpu_info")
        reason = "" if asked.forced else placement.cpu_difference(fields, info)
        if reason:
            raise XapiError("VM_INCOMPATIBLE_WITH_THIS_HOST", NULL, destination.host, reason)
        needed = memory.needed_bytes(fields)
        free = memory.free_bytes(far, far.coordinator)
        if needed > free:
            raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))
    if not asked.copy:
        _check_identity(far, fields)


def _check_identity(far: Pool, fields: dict[str, Value]) -> None:
    """A VM that is there already, left over or a namesake, is in the way."""
    existing = far.database.tables["VM"].by_uuid.get(fields["uuid"])
    seed = fields["other_config"].get("mac_seed")
    if existing is not None:
        old = far.database.row("VM", existing).fields
        if old["power_state"] != "Halted":
            raise XapiError("VM_BAD_POWER_STATE", existing, "Halted", old["power_state"])
        if old["version"] >= fields["version"]:
            versions = (str(old["version"]), str(fields["version"]))
            raise XapiError("VM_TO_IMPORT_IS_NOT_NEWER_VERSION", existing, *versions)
    for other in far.database.rows("VM"):
        same = other.fields["other_config"].get("mac_seed") == seed
        if seed and same and other.ref != existing and not other.fields["is_a_snapshot"]:
            raise XapiError("DUPLICATE_MAC_SEED", seed)


def check_moved(pool: Pool, far: Pool, asked: Wish) -> None:
    for vdi, sr in asked.srs.items():
        if not pool.database.has("VDI", vdi):
            continue
        fields = pool.database.row("VDI", vdi).fields
        if moves.same_sr(pool, fields["SR"], far, sr):
            continue
        if fields["cbt_enabled"]:
            raise XapiError("VDI_CBT_ENABLED", vdi)
        if "key_hash" in fields["sm_config"]:
            raise XapiError("VDI_IS_ENCRYPTED", vdi)
