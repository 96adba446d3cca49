"""Takes the ticket with which the source's XAPI may send a guest here."""

from collections.abc import Mapping

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
    await _verify_sr(agent, order, host)
    network = _network(agent, order, host)
    try:
        given = await receiving.receive(agent.client, host.ref, network)
    except XapiRefused as refusal:
        subject = f"host/{host.name}"
        otherwise = Reason.MIGRATION_NETWORK_UNUSABLE
        raise MoveRefused(refusals.finding(subject, refusal.error, otherwise)) from refusal
    agent.tickets.keep(order.fence.migration_id, given[receiving.SESSION])
    return tickets.write(agent.mirror, host.ref, given, introduced)


async def _verify_sr(agent: Agent, order: MoveOrder, host: HostRecord) -> None:
    """Refuse if the SR that was chosen for the disks has been detached since."""
    wanted = order.cargo.dest.dest_sr_id if order.cargo.dest else ""
    if not wanted:
        return
    attached = [one.sr for one in await storage.pbds_of(agent.client, host.ref) if one.attached]
    known = [agent.mirror.srs[ref] for ref in attached if ref in agent.mirror.srs]
    if wanted not in {sr.uuid for sr in known}:
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
