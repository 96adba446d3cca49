"""What the storage tests say in one word: SRs, disks and how a disk is described."""

from typing import Any

from tests.contract.xapisim.client import Client

GIB = 2**30


def sr(client: Client, name: str) -> str:
    (ref,) = client.api.SR.get_by_name_label(name)
    return str(ref)


def make_sr(client: Client, name: str, host: str = "") -> str:
    """A shared SR, or one that is local to the host."""
    where = client.host(host or "xs1")
    kind = "ext" if host else "nfs"
    ref = client.api.SR.create(where, {"location": "x"}, "0", name, "", kind, "user", not host)
    return str(ref)


def disk(client: Client, sr_ref: str, name: str = "disk", gib: int = 1) -> str:
    record = {
        "name_label": name,
        "name_description": "",
        "SR": sr_ref,
        "virtual_size": str(gib * GIB),
        "type": "user",
        "sharable": False,
        "read_only": False,
        "other_config": {},
        "xenstore_data": {},
        "sm_config": {},
        "tags": [],
    }
    return str(client.api.VDI.create(record))


def vbd(vm: str, vdi: str, userdevice: str = "autodetect", **more: Any) -> dict[str, Any]:
    return {
        "VM": vm,
        "VDI": vdi,
        "userdevice": userdevice,
        "bootable": False,
        "mode": "RW",
        "type": "Disk",
        "unpluggable": True,
        "empty": False,
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
        **more,
    }


def vif(vm: str, network: str, device: str, mac: str = "") -> dict[str, Any]:
    return {
        "VM": vm,
        "network": network,
        "device": device,
        "MAC": mac,
        "MTU": "1500",
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }


def disks_of(client: Client, vm_name: str) -> list[str]:
    """The refs of the VM's disks, in the order of their drives."""
    vbds = [client.api.VBD.get_record(ref) for ref in client.api.VM.get_VBDs(client.vm(vm_name))]
    drives = [record for record in vbds if record["type"] == "Disk"]
    return [record["VDI"] for record in sorted(drives, key=lambda each: each["userdevice"])]
