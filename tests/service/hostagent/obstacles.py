"""Three pools whose hosts and guests each have one thing that speaks against a move."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.service.hostagent.obstacle_worlds import FAR, GUESTS, NEAR, STRICT
from xapisim.values import NULL
from xapisim.world import toml_world

TIERS = {"gold-1": "gold", "gold-2": "gold", "discs": "iso", "away": "away", "raw": "raw"}
TIERS |= {"thick": "thick", "thin": "thin", "exact": "exact"}

# 4 GiB and, for two CPUs, 37 MiB of overhead (XAPI A12, 26.x).
FIT_NEEDS = (4096 + 37) * 2**20
DOM0_OVERHEAD = 12 * 2**20

Records = dict[str, dict[str, dict[str, Any]]]


def write(scratch: Path) -> tuple[Path, ...]:
    """Write the three worlds as dumps of records; `home` is the first host."""
    return (
        _dump(scratch, "near", NEAR + _guests(), _spoil_near),
        _dump(scratch, "far", FAR, _spoil_far),
        _dump(scratch, "strict", STRICT, _spoil_strict),
    )


def _guests() -> str:
    tables = []
    for name, more in GUESTS.items():
        table = f"[[vm]]\nname = '{name}'\nhost = 'home'\n{more}\n"
        table += "" if "memory" in more else "memory = '1 GiB'\n"
        tables.append(table + ("" if "disks" in more else _DISK))
    return "\n".join(tables)


_DISK = "disks = [{ sr = 'shared', size = '10 GiB' }]\n"


def _dump(scratch: Path, name: str, text: str, spoil: Callable[[Records], None]) -> Path:
    source = scratch / f"{name}.toml"
    source.write_text(text)
    world = toml_world.read(source, 0)
    spoil(world.records)
    path = scratch / f"{name}.json"
    path.write_text(json.dumps(world.records))
    return path


def named(records: Records, class_name: str, name: str) -> dict[str, Any]:
    """Return the record with this name_label."""
    (found,) = [one for one in records[class_name].values() if one.get("name_label") == name]
    return found


def _ref(records: Records, class_name: str, name: str) -> str:
    (found,) = [ref for ref, one in records[class_name].items() if one.get("name_label") == name]
    return found


def _spoil_near(records: Records) -> None:
    _spoil_hosts(records)
    _spoil_guests(records)
    _spoil_disks(records)


def _spoil_hosts(records: Records) -> None:
    for host in records["host"].values():
        host["virtual_hardware_platform_versions"] = [0, 1, 2]
    records["host_metrics"][named(records, "host", "dead")["metrics"]]["live"] = False
    for name, spare in (("exact", 0), ("short", -1)):
        host = named(records, "host", name)
        dom0 = named(records, "VM", f"Control domain on host: {name}")["memory_dynamic_min"]
        total = host.get("memory_overhead", 0) + dom0 + DOM0_OVERHEAD + FIT_NEEDS + spare
        records["host_metrics"][host["metrics"]]["memory_total"] = total
    foreign = named(records, "host", "foreign")
    foreign["cpu_info"] = {**foreign["cpu_info"], "vendor": "AuthenticAMD"}
    named(records, "host", "plain")["virtual_hardware_platform_versions"] = [0]
    apart, fast = _ref(records, "host", "apart"), _ref(records, "network", "fast")
    bonded = _ref(records, "network", "bonded")
    for ref, pif in records["PIF"].items():
        if pif["network"] == fast:
            pif["sriov_logical_PIF_of"] = [f"OpaqueRef:sriov-{ref}"]
        if pif["network"] == bonded and pif["host"] == apart:
            pif["bond_slave_of"] = "OpaqueRef:bond"


def _spoil_guests(records: Records) -> None:
    stubborn = named(records, "VM", "stubborn")["guest_metrics"]
    records["VM_guest_metrics"][stubborn]["other"] = {"data-cant-suspend-reason": "a backup runs"}
    named(records, "VM", "pci")["attached_PCIs"] = ["OpaqueRef:pci"]
    for name, field in (("vgpu", "VGPUs"), ("vusb", "VUSBs")):
        kind = field.removesuffix("s")
        records[kind] = {f"OpaqueRef:{kind}": {"uuid": kind, "VM": _ref(records, "VM", name)}}
    records["VM_metrics"][named(records, "VM", "nested")["metrics"]]["nested_virt"] = True
    records["VM_metrics"][named(records, "VM", "immobile")["metrics"]]["nomigrate"] = True
    named(records, "VM", "hw")["hardware_platform_version"] = 2
    fit = records["VM_guest_metrics"][named(records, "VM", "fit")["guest_metrics"]]
    fit["networks"] = {"0/ip": "10.0.0.7", "0/ipv6/0": "fd00::7", "1/ip": "10.9.9.9"}


def _disk(records: Records, guest: str) -> dict[str, Any]:
    return named(records, "VDI", f"{guest}-disk0")


def _spoil_disks(records: Records) -> None:
    _disk(records, "cbt")["cbt_enabled"] = True
    _disk(records, "crypt")["sm_config"] = {"key_hash": "ab"}
    _disk(records, "reset")["on_boot"] = "reset"
    _disk(records, "wide")["physical_utilisation"] = 2**30
    _disk(records, "snapped")["uuid"] = "0c0c0c0c-0000-4000-8000-000000000001"
    leaf = _disk(records, "chained")
    for number in range(28):
        parent = f"0d0d0d0d-0000-4000-8000-{number:012d}"
        leaf["sm_config"] = {"vhd-parent": parent}
        leaf = {"uuid": parent, "SR": leaf["SR"], "managed": False, "virtual_size": 1}
        records["VDI"][f"OpaqueRef:{parent}"] = leaf
    snapshot = {"uuid": "0e0e0e0e-0000-4000-8000-000000000001", "is_a_snapshot": True}
    snapshot |= {"SR": _disk(records, "snapped")["SR"], "managed": True}
    snapshot |= {"snapshot_of": _ref(records, "VDI", "snapped-disk0"), "name_label": "old"}
    records["VDI"]["OpaqueRef:snapshot"] = snapshot
    named(records, "VM", "twin")["uuid"] = TWIN


TWIN = "0f0f0f0f-0000-4000-8000-000000000001"


def _spoil_far(records: Records) -> None:
    for name, tier in TIERS.items():
        named(records, "SR", name)["other_config"] = {"tier": tier}
    named(records, "VM", "elder")["uuid"] = TWIN
    mute = _ref(records, "network", "mute")
    for pif in records["PIF"].values():
        if pif["network"] == mute:
            pif |= {"IP": "", "ip_configuration_mode": "None"}
    for number in (1, 2):
        named(records, "network", f"split-{number}")["name_label"] = "split"
    named(records, "network", "west")["bridge"] = "xenbr8"


def _spoil_strict(records: Records) -> None:
    (pool,) = records["pool"].values()
    pool["ha_enabled"] = True
    pool["default_SR"] = NULL
