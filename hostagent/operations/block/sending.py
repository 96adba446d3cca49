"""Starts a block migration: everything named, everything marked, then one call to XAPI."""

from dataclasses import dataclass

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import MoveOrder, Sizes
from hostagent.model.records import VdiRecord, VmRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.block import discs, luggage, maps, ticket
from hostagent.operations.block.luggage import Inventory, Luggage
from hostagent.operations.block.maps import Maps
from hostagent.operations.block.ticket import Ticket
from hostagent.operations.trips import Trip
from hostagent.operations.volumes import leaving
from hostagent.xapi import marking, vms


@dataclass(frozen=True, slots=True)
class Sending:
    """Where all of a VM goes, found out before anything is written."""

    vm: VmRecord
    order: MoveOrder
    ticket: Ticket
    luggage: Luggage
    maps: Maps

    @property
    def sizes(self) -> Sizes:
        """What there is to send."""
        return self.maps.sizes(self.vm.memory_static_max or self.vm.memory_dynamic_min)

    async def mark(self, agent: Agent) -> None:
        """Mark the VM and every disk that is copied: what is left of it later is known by that."""
        left = {marks.LEFT: self._inventory(agent).text()}
        if self.maps.ejected or marks.DISCS in self.vm.other_config:
            left[marks.DISCS] = discs.text(self.maps.ejected)
        await marks.put(agent.client, self.vm, self.order.fence, left)
        await leaving.mark(agent, self.order.fence, self.maps.volumes)
        wanted = marks.of(self.order.fence)
        for disk in self.maps.moved:
            stale = [key for key in wanted if key in disk.other_config]
            await marking.mark(agent.client, "VDI", disk.ref, wanted, stale)

    async def start(self, agent: Agent) -> str:
        """Send, and return the task's reference; raises XapiError."""
        return await vms.migrate_send(
            agent.client,
            self.vm.ref,
            self.ticket.xapi,
            (self.maps.disks, self.maps.interfaces),
            marks.of(self.order.fence),
        )

    async def take_back(self, agent: Agent) -> None:
        """Remove the marks of a move that did not begin and may be asked for again."""
        await unmark(agent, self.maps.moved)
        await leaving.unmark(agent, [one.sr.ref for one in self.maps.volumes])
        await marks.take_back(agent.client, self.vm)

    def _inventory(self, agent: Agent) -> Inventory:
        """What the VM has attached now, to be compared where it arrives."""
        own = [vif for vif in self.luggage.interfaces if vif.vm == self.vm.ref]
        metrics = agent.mirror.guest_metrics.get(self.vm.guest_metrics)
        return Inventory(
            disks=sum(drive.attached for drive, _ in self.luggage.drives),
            size=sum(disk.virtual_size for _, disk in self.luggage.drives),
            interfaces=sum(vif.attached for vif in own),
            tools=metrics is not None and metrics.pv_drivers,
        )


async def prepare(agent: Agent, order: MoveOrder, vm: VmRecord, trip: Trip) -> Sending:
    """Return what is to be sent; raises MoveRefused when it can't be, with nothing written."""
    given = ticket.read(order.cargo.ticket, f"instance/{vm.name}")
    found = await luggage.of(agent, vm)
    planner = maps.Planner(agent.mirror, order.cargo, given, across=trip.across)
    return Sending(vm, order, given, found, planner.plan(vm, found))


async def unmark(agent: Agent, disks: tuple[VdiRecord, ...]) -> list[Item]:
    """Take the marks off disks that are not copied after all; return those that XAPI kept."""
    kept = []
    for disk in disks:
        keys = marks.MIGRATION, marks.EPOCH
        done = await marking.unmark(agent.client, "VDI", disk.ref, keys)
        why = "XAPI refused to remove it"
        refusals = {key: error for key, error in done.items() if error}
        kept += [
            Item(f"vdi/{disk.uuid} {key}", Action.FAILED, why, error)
            for key, error in refusals.items()
        ]
    return kept
