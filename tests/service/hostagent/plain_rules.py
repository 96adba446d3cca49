"""What speaks against a VM at another host of its pool, told from XAPI's records alone.

Written from XAPI's rules (A12) without a look at the agents' checks, so that both can be compared.
"""

from collections.abc import Callable
from typing import Any

MIB = 1024 * 1024


def against(xapi: Any, vm: str, host: str) -> set[str]:
    """Return the reasons, of those in RULED, against a VM at a host (references)."""
    return {reason for reason, lacks in RULES.items() if lacks(xapi, xapi.VM.get_record(vm), host)}


def _is_dead(xapi: Any, _: Any, host: str) -> bool:
    return not xapi.host_metrics.get_live(xapi.host.get_metrics(host))


def _is_disabled(xapi: Any, _: Any, host: str) -> bool:
    return not xapi.host.get_enabled(host)


def _lacks_memory(xapi: Any, vm: Any, host: str) -> bool:
    total = int(xapi.host_metrics.get_memory_total(xapi.host.get_metrics(host)))
    there = [
        one
        for one in xapi.VM.get_all_records().values()
        if host in (one["resident_on"], one["scheduled_to_be_resident_on"])
    ]
    taken = sum(int(one["memory_dynamic_min"]) + int(one["memory_overhead"]) for one in there)
    needed = -(-int(vm["memory_dynamic_min"]) // MIB) * MIB + int(vm["memory_overhead"])
    return total - int(xapi.host.get_memory_overhead(host)) - taken < needed


def _lacks_storage(xapi: Any, vm: Any, host: str) -> bool:
    vbds = [xapi.VBD.get_record(vbd) for vbd in vm["VBDs"]]
    needed = {xapi.VDI.get_SR(one["VDI"]) for one in vbds if not one["empty"]}
    joined = xapi.PBD.get_all_records().values()
    attached = {one["SR"] for one in joined if one["host"] == host and one["currently_attached"]}
    return not needed <= attached


def _lacks_network(xapi: Any, vm: Any, host: str) -> bool:
    networks = {xapi.VIF.get_network(vif) for vif in vm["VIFs"]}
    pifs = {one: xapi.network.get_PIFs(one) for one in networks}
    hosts = {one: {xapi.PIF.get_host(pif) for pif in found} for one, found in pifs.items()}
    return any(found and host not in found for found in hosts.values())


def _has_another_cpu(xapi: Any, vm: Any, host: str) -> bool:
    home, there = (xapi.host.get_cpu_info(one) for one in (vm["resident_on"], host))
    return bool(home.get("vendor") != there.get("vendor"))


def _is_older(xapi: Any, vm: Any, host: str) -> bool:
    home, there = (xapi.host.get_software_version(one) for one in (vm["resident_on"], host))
    told = [key for key in ("product_version", "platform_version", "xapi") if key in home]
    return any(_parts(there.get(key, "")) < _parts(home[key]) for key in told)


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


RULES: dict[str, Callable[[Any, Any, str], bool]] = {
    "DEST_NOT_ALIVE": _is_dead,
    "DEST_DISABLED": _is_disabled,
    "INSUFFICIENT_MEMORY": _lacks_memory,
    "STORAGE_NOT_SHARED": _lacks_storage,
    "NETWORK_NOT_AVAILABLE": _lacks_network,
    "CPU_INCOMPATIBLE": _has_another_cpu,
    "DEST_OLDER": _is_older,
}
RULED = frozenset(RULES)
