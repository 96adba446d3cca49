"""What a caller of VM.migrate_send asks for."""

from collections.abc import Iterator
from dataclasses import dataclass

from xapisim.classes.pool import Pool
from xapisim.values import Value


@dataclass(frozen=True, slots=True)
class Wish:
    """The VM, and where each disk and interface is to go: SR by disk, network by interface."""

    vm: str
    srs: dict[str, str]
    networks: dict[str, str]
    options: dict[str, str]

    @property
    def forced(self) -> bool:
        return self.options.get("force") == "true"

    @property
    def copy(self) -> bool:
        """The source stays; only for halted VMs and another pool."""
        return self.options.get("copy") == "true"


def family(pool: Pool, vm: str) -> list[str]:
    """The VM and its snapshots, which move with it."""
    return [vm, *pool.database.read("VM", vm, "snapshots")]


def drives(pool: Pool, vm: str, kind: str) -> Iterator[tuple[str, dict[str, Value]]]:
    """The VM's drives of that type with something in them."""
    for vbd in pool.database.read("VM", vm, "VBDs"):
        fields = pool.database.row("VBD", vbd).fields
        full = not fields["empty"] and pool.database.has("VDI", fields["VDI"])
        if full and fields["type"] == kind:
            yield vbd, fields


def disks(pool: Pool, vm: str) -> list[str]:
    return [fields["VDI"] for _, fields in drives(pool, vm, "Disk")]


def homes(pool: Pool, vm: str) -> dict[str, str]:
    """Where each disk and inserted disc is."""
    found = [one for kind in ("Disk", "CD") for one in drives(pool, vm, kind)]
    return {vbd["VDI"]: pool.database.read("VDI", vbd["VDI"], "SR") for _, vbd in found}


def handler_of(pool: Pool, vm: str) -> str:
    """The host that sends the VM: where it runs, or the coordinator."""
    host: str = pool.database.read("VM", vm, "resident_on")
    return host if pool.database.has("host", host) else pool.coordinator
