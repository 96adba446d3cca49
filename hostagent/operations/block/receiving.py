"""Takes the ticket with which the source's XAPI may send a guest here."""

from collections.abc import Collection, Mapping

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Reason, refused
from hostagent.model.move import MoveOrder
from hostagent.model.records import HostRecord
from hostagent.operations import refusals
from hostagent.operations.agent import Agent
from hostagent.operations.block import ticket as tickets
from hostagent.operations.checks import migration_network
from hostagent.xapi import receiving, storage
from hostagent.xapi.errors import XapiRefused


async def ticket(
    agent: Agent, order: MoveOrder, host: HostRecord, introduced: Mapping[str, str]
) -> dict[str, str]:
    """Return a new ticket; raises MoveRefused or XapiError.

    `introduced` are references of repositories by uuid, of which the mirror may not know yet.
    """
    attached = await _attached(agent, host)
    _verify_sr(order, host, attached)
    network = _network(agent, order, host)
    try:
        given = await receiving.receive(agent.client, host.ref, network)
    except XapiRefused as refusal:
        subject = f"host/{host.name}"
        otherwise = Reason.MIGRATION_NETWORK_UNUSABLE
        raise MoveRefused(refusals.finding(subject, refusal.error, otherwise)) from refusal
    agent.tickets.keep(order.fence.migration_id, given[receiving.SESSION])
    return tickets.write(agent.mirror, given, {**attached, **introduced})


async def _attached(agent: Agent, host: HostRecord) -> dict[str, str]:
    """Return references of the repositories that the host has attached now, by uuid."""
    found = [one.sr for one in await storage.pbds_of(agent.client, host.ref) if one.attached]
    return {agent.mirror.srs[ref].uuid: ref for ref in found if ref in agent.mirror.srs}


def _verify_sr(order: MoveOrder, host: HostRecord, attached: Collection[str]) -> None:
    """Refuse if the SR that was chosen for the disks has been detached since."""
    wanted = order.cargo.dest.dest_sr_id if order.cargo.dest else ""
    if wanted and wanted not in attached:
        text = f"SR {wanted}, which was to take the disks, is not attached at {host.name}"
        remedy = "attach it (xe pbd-plug), then ask again"
        figures = {"sr_id": wanted, "host_id": host.uuid}
        subject = f"sr/{wanted}"
        raise MoveRefused(refused(Reason.DEST_SR_UNUSABLE, subject, text, remedy, **figures))


def _network(agent: Agent, order: MoveOrder, host: HostRecord) -> str:
    chosen = order.cargo.dest.migration_network_id if order.cargo.dest else ""
    setting = chosen or agent.settings.migration_network
    found = migration_network.find(agent.mirror, host, setting)
    if found.network is None or not found.address:
        raise MoveRefused(found.finding)
    return found.network.ref
