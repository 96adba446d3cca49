"""Where each disk and each interface goes: every one of them is named, or the move is refused.

Inside a pool a disk whose SR the destination has attached stays where it is, a CD too (XAPI ejects
those that the map leaves out), and XAPI refuses any interface in the map. To another pool every
disk is copied, and an interface goes to the network that the destination's rule takes for its own
(`hostagent.operations.checks.network_match`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, refused
from hostagent.model.move import Cargo, Sizes
from hostagent.model.records import SrRecord, VbdRecord, VdiRecord, VifRecord, VmRecord
from hostagent.operations import inventory
from hostagent.operations.block.discs import Disc
from hostagent.operations.block.luggage import Luggage
from hostagent.operations.block.ticket import Ticket
from hostagent.operations.checks import network_match
from hostagent.operations.volumes import kinds
from hostagent.operations.volumes.leaving import Left
from hostagent.xapi.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Maps:
    """References: SR by disk and network by interface; `moved` are the disks that are copied, and
    `ejected` the CDs that XAPI takes out; `volumes` follow the guest without being copied.
    """

    disks: Mapping[str, str]
    interfaces: Mapping[str, str]
    moved: tuple[VdiRecord, ...]
    ejected: tuple[Disc, ...] = ()
    volumes: tuple[Left, ...] = ()

    def sizes(self, memory: int) -> Sizes:
        """Return what there is to send."""
        return Sizes(sum(disk.virtual_size for disk in self.moved), memory)


class Planner:
    """Plans for one VM; collects whatever finds no place."""

    def __init__(self, mirror: Mirror, cargo: Cargo, ticket: Ticket, *, across: bool) -> None:
        self._mirror = mirror
        self._cargo = cargo
        self._ticket = ticket
        self._across = across
        self._lost: list[Finding] = []

    def plan(self, vm: VmRecord, luggage: Luggage) -> Maps:
        """Return the maps; raises MoveRefused with every disk and interface that has no place."""
        disks = {disk.ref: self._sr(vm, disk, luggage) for disk in luggage.disks}
        interfaces = {}
        if self._across:
            interfaces = {vif.ref: self._network(vm, vif) for vif in luggage.interfaces}
        if self._lost:
            raise MoveRefused(*self._lost)
        raw = self._raw(luggage) if self._across else {}
        moved = [disk for disk in luggage.disks if self._is_copied(disk, disks[disk.ref], raw)]
        kept = {} if self._across else self._kept(luggage)
        ejected = [self._disc(*one) for one in luggage.discs if one[1].ref not in kept]
        own = [
            (sr, [one.uuid for one in luggage.disks if one.sr == ref]) for ref, sr in raw.items()
        ]
        volumes = tuple(Left(sr, tuple(disks)) for sr, disks in own)
        return Maps({**disks, **kept}, interfaces, tuple(moved), tuple(ejected), volumes)

    def _is_copied(self, disk: VdiRecord, sr: str, raw: Mapping[str, SrRecord]) -> bool:
        return disk.sr not in raw if self._across else sr != disk.sr

    def _raw(self, luggage: Luggage) -> dict[str, SrRecord]:
        """Repositories that the other pool has attached too, by reference here."""
        found = {disk.sr: self._mirror.srs.get(disk.sr) for disk in luggage.disks}
        return {ref: sr for ref, sr in found.items() if sr is not None and kinds.is_raw(sr.type)}

    def _kept(self, luggage: Luggage) -> dict[str, str]:
        """CDs that the destination can see where they are."""
        found = {disc.ref: self._mirror.srs.get(disc.sr) for _, disc in luggage.discs}
        return {ref: sr.ref for ref, sr in found.items() if sr and sr.uuid in self._ticket.srs}

    def _disc(self, drive: VbdRecord, disc: VdiRecord) -> Disc:
        sr = self._mirror.srs.get(disc.sr)
        return Disc(drive.device, disc.uuid, disc.name, sr.name if sr else "")

    def _sr(self, vm: VmRecord, disk: VdiRecord, luggage: Luggage) -> str:
        wanted = self._named(disk, luggage)
        here = self._mirror.srs.get(disk.sr)
        if not wanted and not self._across and here and here.uuid in self._ticket.srs:
            return disk.sr
        if not wanted and self._across and here and kinds.is_raw(here.type):
            wanted = here.uuid
        if not wanted and self._cargo.dest is not None:
            wanted = self._cargo.dest.dest_sr_id
        found = self._ticket.srs.get(wanted, "")
        if not found:
            text = f"disk {disk.name or disk.uuid} of {vm.name} has no SR at the destination"
            remedy = "set sr_matching_filter there, or name an SR that it has attached"
            figures = {"vdi_id": disk.uuid, "sr_id": wanted}
            self._lost.append(
                refused(Reason.STORAGE_NOT_SHARED, f"vdi/{disk.uuid}", text, remedy, **figures)
            )
        return found

    def _named(self, disk: VdiRecord, luggage: Luggage) -> str:
        """A snapshot's disk goes with the one that it was taken of (XAPI A11)."""
        leaf = next((one.uuid for one in luggage.disks if one.ref == disk.snapshot_of), "")
        return self._cargo.vdi_map.get(disk.uuid) or self._cargo.vdi_map.get(leaf, "")

    def _network(self, vm: VmRecord, vif: VifRecord) -> str:
        wanted = self._cargo.vif_map.get(vif.uuid) or self._like(vif)
        if wanted is None:
            return ""
        found = self._ticket.networks.get(wanted, "")
        if not found:
            text = f"interface {vif.device} of {vm.name} has no network at the destination"
            remedy = "name a network that the destination's pool has, or ask again"
            figures = {"vif_id": vif.uuid, "mac": vif.mac, "dest_network_id": wanted}
            subject = f"network/{wanted}"
            self._lost.append(
                refused(Reason.NETWORK_NOT_AVAILABLE, subject, text, remedy, **figures)
            )
        return found

    def _like(self, vif: VifRecord) -> str | None:
        """Return which network there is the interface's, by uuid; None: told why there is none."""
        facts, dest = inventory.interface_facts(self._mirror, vif), self._cargo.dest
        if facts is None or dest is None:
            return ""
        match = network_match.of(dest.host, facts, dest.network_matching)
        if match.network is not None:
            return match.network.network_id
        if match.finding not in self._lost:  # a snapshot has the interfaces of its VM
            self._lost.append(match.finding)
        return None
