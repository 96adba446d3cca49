"""Builds records from XAPI's structs; fields that an old release lacks get XAPI's own default."""

from collections.abc import Callable, Mapping
from typing import Any

from hostagent.model import records

Raw = Mapping[str, Any]

NULL = "OpaqueRef:NULL"
_EXTRAORDINARY = ("is_a_template", "is_a_snapshot", "is_control_domain")


def reference(value: str) -> str:
    """Return a reference, or an empty text for XAPI's null."""
    return "" if value == NULL else value


def references(values: list[str]) -> tuple[str, ...]:
    """Return the references that are not null."""
    return tuple(value for value in values if value != NULL)


def vm(ref: str, raw: Raw) -> records.VmRecord:
    """Return a VM."""
    return records.VmRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        power_state=raw["power_state"],
        resident_on=reference(raw["resident_on"]),
        scheduled_on=reference(raw.get("scheduled_to_be_resident_on", NULL)),
        affinity=reference(raw.get("affinity", NULL)),
        ordinary=not any(raw[key] for key in _EXTRAORDINARY),
        memory_dynamic_min=int(raw["memory_dynamic_min"]),
        memory_overhead=int(raw.get("memory_overhead", 0)),
        vcpus_max=int(raw["VCPUs_max"]),
        hvm=_is_hvm(raw),
        vbds=references(raw["VBDs"]),
        vifs=references(raw["VIFs"]),
        vgpus=references(raw.get("VGPUs", [])),
        vusbs=references(raw.get("VUSBs", [])),
        pcis=references(raw.get("attached_PCIs", [])),
        guest_metrics=reference(raw.get("guest_metrics", NULL)),
        tags=tuple(raw.get("tags", ())),
        allowed_operations=frozenset(raw["allowed_operations"]),
        current_operations=dict(raw["current_operations"]),
        blocked_operations=dict(raw.get("blocked_operations", {})),
        last_boot_cpu=dict(raw.get("last_boot_CPU_flags", {})),
        other_config=dict(raw["other_config"]),
    )


def _is_hvm(raw: Raw) -> bool:
    domain = raw.get("domain_type", "unspecified")
    return domain == "hvm" if domain != "unspecified" else bool(raw.get("HVM_boot_policy"))


def guest_metrics(raw: Raw) -> records.GuestMetricsRecord:
    """Return what the guest's agent tells."""
    drivers = raw.get("PV_drivers_detected", bool(raw.get("PV_drivers_version")))
    return records.GuestMetricsRecord(pv_drivers=bool(drivers), other=dict(raw.get("other", {})))


def host(ref: str, raw: Raw) -> records.HostRecord:
    """Return a host."""
    return records.HostRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        address=raw["address"],
        enabled=raw["enabled"],
        metrics=reference(raw["metrics"]),
        software_version=dict(raw["software_version"]),
        cpu_info=dict(raw.get("cpu_info", {})),
    )


def host_metrics(ref: str, raw: Raw) -> records.HostMetricsRecord:
    """Return what XAPI measures of a host."""
    return records.HostMetricsRecord(ref, raw["live"], int(raw["memory_total"]))


def pool(ref: str, raw: Raw) -> records.PoolRecord:
    """Return a pool."""
    return records.PoolRecord(ref, raw["uuid"], raw["name_label"], reference(raw["master"]))


def sr(ref: str, raw: Raw) -> records.SrRecord:
    """Return a storage repository."""
    return records.SrRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        type=raw["type"],
        shared=raw["shared"],
        size=int(raw["physical_size"]),
        used=int(raw["physical_utilisation"]),
    )


def pbd(ref: str, raw: Raw) -> records.PbdRecord:
    """Return how a host is joined to a storage repository."""
    return records.PbdRecord(
        ref, reference(raw["host"]), reference(raw["SR"]), raw["currently_attached"]
    )


def vbd(ref: str, raw: Raw) -> records.VbdRecord:
    """Return how a VM is joined to a disk; an empty drive has none."""
    return records.VbdRecord(
        ref=ref,
        uuid=raw["uuid"],
        vm=reference(raw["VM"]),
        vdi="" if raw["empty"] else reference(raw["VDI"]),
        device=raw.get("userdevice", ""),
        cd=raw["type"] == "CD",
        attached=raw["currently_attached"],
    )


def vdi(ref: str, raw: Raw) -> records.VdiRecord:
    """Return a disk image."""
    return records.VdiRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        sr=reference(raw["SR"]),
        virtual_size=int(raw["virtual_size"]),
        vbds=references(raw["VBDs"]),
    )


def vif(ref: str, raw: Raw) -> records.VifRecord:
    """Return a network interface of a VM."""
    return records.VifRecord(
        ref=ref,
        uuid=raw["uuid"],
        vm=reference(raw["VM"]),
        network=reference(raw["network"]),
        mac=raw["MAC"],
        device=raw["device"],
        attached=raw["currently_attached"],
    )


def network(ref: str, raw: Raw) -> records.NetworkRecord:
    """Return a network."""
    return records.NetworkRecord(
        ref, raw["uuid"], raw["name_label"], raw["bridge"], references(raw["PIFs"])
    )


def pif(ref: str, raw: Raw) -> records.PifRecord:
    """Return a physical interface."""
    return records.PifRecord(ref, reference(raw["host"]), reference(raw["network"]))


def task(ref: str, raw: Raw) -> records.TaskRecord:
    """Return a task."""
    return records.TaskRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        status=raw["status"],
        progress=float(raw["progress"]),
        cancellable="cancel" in raw["allowed_operations"],
        error_info=tuple(raw["error_info"]),
        other_config=dict(raw["other_config"]),
    )


# The classes that the mirror follows, as events name them.
MIRRORED: Mapping[str, Callable[[str, Raw], Any]] = {
    "pool": pool,
    "host": host,
    "host_metrics": host_metrics,
    "vm": vm,
    "sr": sr,
    "pbd": pbd,
    "vbd": vbd,
    "vdi": vdi,
    "vif": vif,
    "network": network,
    "pif": pif,
}
