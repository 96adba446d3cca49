"""Where each disk and each interface goes: every one of them is named, or the move is refused.

Inside a pool a disk whose SR the destination has attached stays where it is, and XAPI refuses any
interface in the map. To another pool every disk is copied, and an interface goes to the network of
the same name, else of the same bridge.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hostagent.model.errors import MoveRefused
from hostagent.model.facts import NetworkFacts
from hostagent.model.finding import Finding, Reason, refused
from hostagent.model.move import Cargo, Sizes
from hostagent.model.records import VdiRecord, VifRecord, VmRecord
from hostagent.operations.block.luggage import Luggage
from hostagent.operations.block.ticket import Ticket
from hostagent.xapi.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Maps:
    """References: SR by disk and network by interface; `moved` are the disks that are copied."""

    disks: Mapping[str, str]
    interfaces: Mapping[str, str]
    moved: tuple[VdiRecord, ...]

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
        moved = [disk for disk in luggage.disks if self._across or disks[disk.ref] != disk.sr]
        return Maps(disks, interfaces, tuple(moved))

    def _sr(self, vm: VmRecord, disk: VdiRecord, luggage: Luggage) -> str:
        wanted = self._named(disk, luggage)
        here = self._mirror.srs.get(disk.sr)
        if not wanted and not self._across and here and here.uuid in self._ticket.srs:
            return disk.sr
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
        wanted = self._cargo.vif_map.get(vif.uuid) or self._match(vif)
        found = self._ticket.networks.get(wanted, "")
        if not found:
            network = self._mirror.networks.get(vif.network)
            name = network.name if network else vif.network
            text = f"interface {vif.device} of {vm.name} is on {name}, which has no like there"
            remedy = "name a network of the destination, or give one there the same name"
            figures = {"vif_id": vif.uuid, "network_id": wanted}
            self._lost.append(
                refused(Reason.NETWORK_NOT_AVAILABLE, f"network/{name}", text, remedy, **figures)
            )
        return found

    def _match(self, vif: VifRecord) -> str:
        network = self._mirror.networks.get(vif.network)
        dest = self._cargo.dest
        if network is None or dest is None:
            return ""
        there = [one for one in dest.host.networks if one.available]
        by_name = [one for one in there if one.name == network.name]
        by_bridge = [one for one in there if one.bridge == network.bridge]
        return _only(by_name) or ("" if by_name else _only(by_bridge))


def _only(networks: list[NetworkFacts]) -> str:
    return networks[0].network_id if len(networks) == 1 else ""
