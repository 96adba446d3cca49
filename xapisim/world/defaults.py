"""What a host or a VM of a TOML world is when the file doesn't say; as on an XCP-ng 8.3 host of
2026.
"""

from xapisim.values import Value

PRODUCTS: dict[str, dict[str, str]] = {
    "8.3": {
        "product_version": "8.3.0",
        "product_version_text": "8.3",
        "product_version_text_short": "8.3",
        "platform_version": "3.4.0",
        "xapi_build": "26.17.0",
        "xen": "4.17.5-3",
        "linux": "4.19.0+1",
        "db_schema": "5.909",
    },
    "8.2": {
        "product_version": "8.2.1",
        "product_version_text": "8.2",
        "product_version_text_short": "8.2",
        "platform_version": "3.2.1",
        "xapi_build": "1.249.38",
        "xen": "4.13.5-9.46",
        "linux": "4.19.0+1",
        "db_schema": "5.603",
    },
    **{
        version: {
            "product_version": product,
            "product_version_text": version,
            "product_version_text_short": version,
            "product_brand": "XenServer",
            "platform_version": platform,
            "xapi": "1.3",
        }
        for version, product, platform in (
            ("7.6", "7.6.0", "2.7.1"),
            ("7.1", "7.1.0", "2.2.0"),
            ("7.0", "7.0.0", "2.1.0"),
            ("6.5", "6.5.0", "1.9.0"),
            ("6.2", "6.2.0", "1.8.0"),
            ("6.1", "6.1.0", "1.6.10"),
            ("6.0", "6.0.0", ""),
        )
    },
}
"""What host.software_version says, by the `version` key of a host; 6.0 has no platform_version."""
API_MINORS = {
    "8.3": 23,
    "8.2": 15,
    "7.6": 11,
    "7.1": 6,
    "7.0": 5,
    "6.5": 3,
    "6.2": 0,
    "6.1": 0,
    "6.0": 0,
}
"""host.API_version_minor of each; the major one is 2."""
BRAND = {
    "product_brand": "XCP-ng",
    "platform_name": "XCP",
    "build_number": "release/simulated",
    "network_backend": "openvswitch",
    "date": "2026-08-21",
}
CPU_FEATURES = (
    "1fcbfbff-f7fa3223-2c100800-00000121-0000000f-239c27eb-00000000-00000100-00001000-ac000400"
)
CPU_INFO = {
    "socket_count": "1",
    "threads_per_core": "1",
    "vendor": "GenuineIntel",
    "speed": "2600.000",
    "modelname": "Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz",
    "family": "6",
    "model": "45",
    "stepping": "7",
    "flags": "fpu de tsc msr pae mce cx8 apic",
}
_CAPABILITIES = ["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64", ""]
_HOST_OPERATIONS = ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"]
RESTRICTIONS = {
    f"restrict_{feature}": "false"
    for feature in ("xen_motion", "storage_xen_motion", "pooling", "pool_size", "vlan", "rpu", "dr")
}
"""What the licence forbids: nothing, on XCP-ng."""
DOM0_MIB = 1024
HOST_FIELDS: dict[str, Value] = {
    "memory_overhead": 2**30,
    "allowed_operations": _HOST_OPERATIONS,
    "API_version_major": 2,
    "API_version_vendor": "XenSource",
    "capabilities": _CAPABILITIES,
    "sched_policy": "credit",
    "license_params": RESTRICTIONS,
    "edition": "xcp-ng",
    "virtual_hardware_platform_versions": [0, 1, 2],
}
_BLOCK = "VDI_CREATE VDI_DELETE VDI_ATTACH VDI_DETACH VDI_ACTIVATE VDI_DEACTIVATE VDI_RESIZE"
_MOBILE = f"{_BLOCK} VDI_SNAPSHOT VDI_CLONE VDI_MIRROR VDI_CONFIG_CBT SR_UPDATE SR_PROBE"
SR_FEATURES = {
    "nfs": _MOBILE,
    "ext": _MOBILE,
    "lvm": _MOBILE,
    "lvmoiscsi": _MOBILE,
    "lvmohba": _MOBILE,
    "smb": _MOBILE,
    "iscsi": _BLOCK,
    "iso": "VDI_CREATE VDI_DELETE VDI_ATTACH VDI_DETACH",
    "udev": "VDI_ATTACH VDI_DETACH VDI_UPDATE SR_UPDATE",
}
"""What a storage driver can do, by SR type: snapshots and mirrors make block migration possible."""
_SR_BASIC = "unplug plug pbd_create pbd_destroy vdi_clone scan vdi_create vdi_destroy"
_SR_FULL = f"vdi_introduce {_SR_BASIC} update vdi_resize vdi_snapshot vdi_mirror"
VBD_OPERATIONS = ["attach", "unpause", "unplug", "unplug_force", "pause"]
VM_FIELDS: dict[str, Value] = {
    "user_version": 1,
    "actions_after_shutdown": "destroy",
    "actions_after_reboot": "restart",
    "actions_after_crash": "restart",
    "HVM_boot_policy": "BIOS order",
    "HVM_boot_params": {"order": "cd"},
    "platform": {
        "device-model": "qemu-upstream-compat",
        "acpi": "1",
        "apic": "true",
        "pae": "true",
    },
    "hardware_platform_version": 2,
}


def sr_operations(sr_type: str) -> list[str]:
    return (_SR_BASIC if sr_type in ("iso", "udev") else _SR_FULL).split()
