"""Finds what bears a migration's marks, in the mirror; whoever acts on it reads it again first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hostagent.model.move import Fence
from hostagent.model.records import VdiRecord, VmRecord
from hostagent.operations import marks
from hostagent.xapi.mirror import Mirror

# XAPI A11: what a disk being mirrored bears at the destination, "<source sr>/<source vdi>".
BASE_MIRROR = "base_mirror"


@dataclass(frozen=True, slots=True)
class Found:
    """An object that bears the marks, or is a disk made from one of the VM's."""

    kind: str
    ref: str
    uuid: str
    name: str

    @property
    def subject(self) -> str:
        """How it is reported."""
        return f"{self.kind}/{self.uuid}"


def marked(mirror: Mirror, fence: Fence) -> list[Found]:
    """Return every object with the migration's mark, VMs among them."""
    tables: dict[str, dict[str, Any]] = {
        "vm": mirror.vms,
        "sr": mirror.srs,
        "pbd": mirror.pbds,
        "vdi": mirror.vdis,
        "network": mirror.networks,
    }
    return [
        Found(kind, row.ref, row.uuid, getattr(row, "name", "") or row.uuid)
        for kind, table in tables.items()
        for row in table.values()
        if marks.bears(row.other_config, fence)
    ]


def mirrored(mirror: Mirror, sources: frozenset[str]) -> Iterator[VdiRecord]:
    """Yield disks that were being made from others; `sources` are the uuids of those."""
    for disk in mirror.vdis.values():
        if source_of(disk) in sources:
            yield disk


def source_of(disk: VdiRecord) -> str:
    """Return the uuid of the disk that this one is made from; empty: of none."""
    return disk.sm_config.get(BASE_MIRROR, "").rpartition("/")[2]


def disks_of(mirror: Mirror, vm: VmRecord) -> frozenset[str]:
    """Return the uuids of a VM's disks, its snapshots' too."""
    family = [vm, *(mirror.vms[ref] for ref in vm.snapshots if ref in mirror.vms)]
    drives = [mirror.vbds[ref] for one in family for ref in one.vbds if ref in mirror.vbds]
    return frozenset(mirror.vdis[one.vdi].uuid for one in drives if one.vdi in mirror.vdis)
