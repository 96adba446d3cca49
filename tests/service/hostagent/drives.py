"""CD drives of guests, and CDs that are made for a test."""

from typing import Any

from tests.service.hostagent.two_pools import Pool

CD = "3"


def add(pool: Pool, vm: str, position: str) -> str:
    """Give a guest a drive with nothing in it, and return the drive."""
    record: dict[str, Any] = {
        "VM": vm,
        "VDI": "OpaqueRef:NULL",
        "userdevice": position,
        "bootable": False,
        "mode": "RO",
        "type": "CD",
        "empty": True,
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }
    return str(pool.api.VBD.create(record))


def change(pool: Pool, vm: str, name: str, repository: str) -> str:
    """Put a new CD on that repository into the guest's first drive, and return the drive."""
    record: dict[str, Any] = {
        "name_label": name,
        "name_description": "",
        "SR": pool.one("SR", repository),
        "virtual_size": str(1 << 20),
        "type": "user",
        "sharable": False,
        "read_only": True,
        "other_config": {},
    }
    disc = pool.api.VDI.create(record)
    drives = [vbd for vbd in pool.api.VM.get_VBDs(vm) if pool.api.VBD.get_type(vbd) == "CD"]
    if not pool.api.VBD.get_empty(drives[0]):
        pool.api.VBD.eject(drives[0])
    pool.api.VBD.insert(drives[0], disc)
    return str(drives[0])
