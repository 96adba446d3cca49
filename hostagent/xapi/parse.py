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
        hvm=_domain(raw) == "hvm",
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
        memory_static_max=int(raw.get("memory_static_max", 0)),
        shadow_multiplier=float(raw.get("HVM_shadow_multiplier", 1.0)),
        paravirtual=_domain(raw) == "pv",
        hardware_platform_version=int(raw.get("hardware_platform_version", 0)),
        control_domain=raw["is_control_domain"],
        metrics=reference(raw.get("metrics", NULL)),
        snapshots=references(raw.get("snapshots", [])),
        suspend_vdi=reference(raw.get("suspend_VDI", NULL)),
        platform=dict(raw.get("platform", {})),
    )


def _domain(raw: Raw) -> str:
    """Before 7.5 only a boot policy told HVM guests from PV ones."""
    domain = str(raw.get("domain_type", "unspecified"))
    if domain != "unspecified":
        return domain
    return "hvm" if raw.get("HVM_boot_policy") else "pv"


def guest_metrics(raw: Raw) -> records.GuestMetricsRecord:
    """Return what the guest's agent tells."""
    drivers = raw.get("PV_drivers_detected", bool(raw.get("PV_drivers_version")))
    return records.GuestMetricsRecord(
        pv_drivers=bool(drivers),
        other=dict(raw.get("other", {})),
        networks=dict(raw.get("networks", {})),
        live=raw.get("live", True),
    )


def _guest_metrics(ref: str, raw: Raw) -> records.GuestMetricsRecord:
    del ref
    return guest_metrics(raw)


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
        memory_overhead=int(raw.get("memory_overhead", 0)),
        hardware_platform_versions=tuple(
            sorted(int(one) for one in raw.get("virtual_hardware_platform_versions", ()))
        ),
        current_operations=dict(raw.get("current_operations", {})),
        other_config=dict(raw.get("other_config", {})),
    )


def host_metrics(ref: str, raw: Raw) -> records.HostMetricsRecord:
    """Return what XAPI measures of a host."""
    return records.HostMetricsRecord(ref, raw["live"], int(raw["memory_total"]))


def pool(ref: str, raw: Raw) -> records.PoolRecord:
    """Return a pool."""
    return records.PoolRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        coordinator=reference(raw["master"]),
        default_sr=reference(raw.get("default_SR", NULL)),
        ha_enabled=raw.get("ha_enabled", False),
        restrictions=dict(raw.get("restrictions", {})),
        other_config=dict(raw.get("other_config", {})),
    )


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
        content_type=raw.get("content_type", ""),
        sm_config=dict(raw.get("sm_config", {})),
        other_config=dict(raw.get("other_config", {})),
    )


def sm(ref: str, raw: Raw) -> records.SmRecord:
    """Return a type of storage repository; features came with 6.2, capabilities before."""
    features = frozenset((*raw.get("features", {}), *raw.get("capabilities", ())))
    return records.SmRecord(ref, raw["type"], features)


def pbd(ref: str, raw: Raw) -> records.PbdRecord:
    """Return how a host is joined to a storage repository."""
    return records.PbdRecord(
        ref=ref,
        host=reference(raw["host"]),
        sr=reference(raw["SR"]),
        attached=raw["currently_attached"],
        uuid=raw.get("uuid", ""),
        device_config=dict(raw.get("device_config", {})),
        other_config=dict(raw.get("other_config", {})),
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
        used=int(raw.get("physical_utilisation", 0)),
        type=raw.get("type", "user"),
        cbt_enabled=raw.get("cbt_enabled", False),
        managed=raw.get("managed", True),
        snapshot=raw.get("is_a_snapshot", False),
        snapshot_of=reference(raw.get("snapshot_of", NULL)),
        snapshots=references(raw.get("snapshots", [])),
        location=raw.get("location", ""),
        on_boot=raw.get("on_boot", "persist"),
        allow_caching=raw.get("allow_caching", False),
        sharable=raw.get("sharable", False),
        read_only=raw.get("read_only", False),
        missing=raw.get("missing", False),
        sm_config=dict(raw.get("sm_config", {})),
        other_config=dict(raw.get("other_config", {})),
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
        other_config=dict(raw.get("other_config", {})),
    )


def network(ref: str, raw: Raw) -> records.NetworkRecord:
    """Return a network."""
    return records.NetworkRecord(
        ref=ref,
        uuid=raw["uuid"],
        name=raw["name_label"],
        bridge=raw["bridge"],
        pifs=references(raw["PIFs"]),
        vifs=references(raw.get("VIFs", [])),
        other_config=dict(raw.get("other_config", {})),
    )


def pif(ref: str, raw: Raw) -> records.PifRecord:
    """Return a physical interface."""
    return records.PifRecord(
        ref=ref,
        host=reference(raw["host"]),
        network=reference(raw["network"]),
        uuid=raw.get("uuid", ""),
        device=raw.get("device", ""),
        management=raw.get("management", False),
        attached=raw.get("currently_attached", True),
        ip_mode=raw.get("ip_configuration_mode", "None"),
        ip=raw.get("IP", ""),
        ipv6=tuple(raw.get("IPv6", ())),
        primary_ipv6=raw.get("primary_address_type", "IPv4") == "IPv6",
        metrics=reference(raw.get("metrics", NULL)),
        bond_slave_of=reference(raw.get("bond_slave_of", NULL)),
        sriov=bool(raw.get("sriov_logical_PIF_of", ())),
    )


def pif_metrics(ref: str, raw: Raw) -> records.PifMetricsRecord:
    """Return what XAPI measures of a physical interface."""
    return records.PifMetricsRecord(ref, raw["carrier"], int(raw["speed"]))


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
    "pif_metrics": pif_metrics,
    "sm": sm,
    "vm_guest_metrics": _guest_metrics,
}
