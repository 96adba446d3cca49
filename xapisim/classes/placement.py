"""Can this VM run on that host? The checks of assert_can_boot_here, in XAPI's order, each with its
error.
"""

import contextlib
from collections.abc import Callable, Iterator

from xapisim.classes import memory
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import Value

CPU_VENDOR = "VM last booted on a host which had a CPU from a different vendor."
_VERSION_KEYS = ("platform_version", "xapi_build", "xen")
CPU_FEATURES = "VM last booted on a CPU with features this host's CPU does not have."


def check(pool: Pool, vm: str, host: str, *, with_cpu: bool, with_storage: bool = True) -> None:
    """Raises the first reason why the VM can't run there; storage doesn't count for a VM whose
    disks come along.
    """
    fields = pool.database.row("VM", vm).fields
    if not is_live(pool, host):
        raise XapiError("HOST_NOT_LIVE")
    enabled = pool.database.read("host", host, "enabled")
    if not enabled and fields["resident_on"] != host:
        raise XapiError("HOST_DISABLED", host)
    if with_cpu:
        check_cpu(pool, vm, host)
    if with_storage:
        check_storage(pool, vm, host)
    _check_networks(pool, vm, host)
    _check_memory(pool, vm, host)
    _check_cpus(pool, vm, host)


def check_version(pool: Pool, vm: str, host: str) -> None:
    """During a rolling upgrade only hosts of the coordinator's version are asked about."""
    if "rolling_upgrade_in_progress" not in pool.database.read("pool", pool.ref, "other_config"):
        return
    software = pool.database.read("host", host, "software_version")
    if any(software.get(key) != pool.software.get(key) for key in _VERSION_KEYS):
        raise XapiError("VM_HOST_INCOMPATIBLE_VERSION", host, vm)


def first_host(pool: Pool, check_host: Callable[[str], None]) -> str:
    """Of the hosts that a check has nothing against, members come before the coordinator, then the
    one with the most free memory.
    """
    for host in sorted(pool.database.refs("host"), key=lambda host: _rank(pool, host)):
        with contextlib.suppress(XapiError):
            check_host(host)
            return host
    raise XapiError("NO_HOSTS_AVAILABLE")


def _rank(pool: Pool, host: str) -> tuple[bool, int]:
    return host == pool.coordinator, -memory.free_bytes(pool, host)


def is_live(pool: Pool, host: str) -> bool:
    metrics = pool.database.tables["host_metrics"].rows.get(
        pool.database.read("host", host, "metrics")
    )
    return metrics is not None and bool(metrics.fields["live"])


def check_cpu(pool: Pool, vm: str, host: str) -> None:
    info = pool.database.read("host", host, "cpu_info")
    reason = cpu_difference(pool.database.row("VM", vm).fields, info)
    if reason:
        raise XapiError("VM_INCOMPATIBLE_WITH_THIS_HOST", vm, host, reason)


def note_cpu(pool: Pool, vm: str, host: str) -> None:
    """Writes down which processor the guest saw last."""
    info = pool.database.read("host", host, "cpu_info")
    flags = {"vendor": info.get("vendor", ""), "features": info.get("features_hvm", "")}
    pool.database.update("VM", vm, last_boot_CPU_flags=flags)


def cpu_difference(vm: dict[str, Value], info: dict[str, str]) -> str:
    """What the VM would miss, or nothing. The features it saw when it booted must all be there;
    without a record there is nothing to miss.
    """
    flags = vm["last_boot_CPU_flags"]
    vendor = info.get("vendor")
    if vendor and flags.get("vendor", vendor) != vendor:
        return CPU_VENDOR
    key = "features_pv" if vm["domain_type"] == "pv" else "features_hvm"
    offered = info.get(key) or info.get("features", "")
    if offered and not _is_subset(flags.get("features", ""), offered):
        return CPU_FEATURES
    return ""


def _is_subset(wanted: str, offered: str) -> bool:
    """Feature masks are hexadecimal words joined by dashes; a missing word has no bits."""
    wanted_words = [int(word, 16) for word in wanted.split("-") if word]
    offered_words = [int(word, 16) for word in offered.split("-") if word]
    offered_words += [0] * (len(wanted_words) - len(offered_words))
    return all(want & ~offer == 0 for want, offer in zip(wanted_words, offered_words, strict=False))


def required_srs(pool: Pool, vm: str) -> Iterator[str]:
    """The SRs of the VM's disks and of the ISO in its drive; an empty drive needs none."""
    db = pool.database
    for vbd in db.read("VM", vm, "VBDs"):
        fields = db.row("VBD", vbd).fields
        vdi = db.tables["VDI"].rows.get(fields["VDI"])
        if not fields["empty"] and vdi is not None:
            yield vdi.fields["SR"]


def check_storage(pool: Pool, vm: str, host: str) -> None:
    db = pool.database
    attached = {
        pbd.fields["SR"]
        for pbd in db.rows("PBD")
        if pbd.fields["host"] == host and pbd.fields["currently_attached"]
    }
    for sr in required_srs(pool, vm):
        if sr not in attached:
            raise XapiError("VM_REQUIRES_SR", vm, sr)


def _check_networks(pool: Pool, vm: str, host: str) -> None:
    db = pool.database
    for vif in db.read("VM", vm, "VIFs"):
        network = db.read("VIF", vif, "network")
        if db.has("network", network) and not _network_reaches(pool, network, host):
            raise XapiError("VM_REQUIRES_NETWORK", vm, network)


def _network_reaches(pool: Pool, network: str, host: str) -> bool:
    db = pool.database
    fields = db.row("network", network).fields
    if fields["PIFs"]:
        return any(db.read("PIF", pif, "host") == host for pif in fields["PIFs"])
    if fields["other_config"].get("assume_network_is_shared") == "true":
        return True
    return _pinned_hosts(pool, fields) <= {host}


def _pinned_hosts(pool: Pool, network: dict[str, Value]) -> set[str]:
    """Where running VMs use a network that has no PIF, and so can't reach any other host."""
    db = pool.database
    hosts = set()
    for vif in network["VIFs"]:
        fields = db.row("VIF", vif).fields
        if fields["currently_attached"] and db.has("VM", fields["VM"]):
            hosts.add(db.read("VM", fields["VM"], "resident_on"))
    return {host for host in hosts if db.has("host", host)}


def _check_memory(pool: Pool, vm: str, host: str) -> None:
    """A VM that runs there already needs its memory a second time (recorded on xapi 26.17)."""
    fields = pool.database.row("VM", vm).fields
    needed = memory.needed_bytes(fields)
    free = memory.free_bytes(pool, host, ignore_scheduled=vm)
    if needed > free:
        raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))


def _check_cpus(pool: Pool, vm: str, host: str) -> None:
    fields = pool.database.row("VM", vm).fields
    available = len(pool.database.read("host", host, "host_CPUs"))
    unrestricted = fields["platform"].get("vcpu-unrestricted") == "true"
    if available and fields["VCPUs_max"] > available and not unrestricted:
        raise XapiError("HOST_NOT_ENOUGH_PCPUS", str(fields["VCPUs_max"]), str(available))
