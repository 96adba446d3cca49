"""PreLiveMigration: prepares this host for the guest that will come.

The volumes that follow the guest are attached here; any other storage and the networks have to be
there, and that is verified now, after whatever time has passed since the checks. For a block
migration XAPI gives a receive ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hostagent.model.checks import Kind
from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, errors, refused
from hostagent.model.move import MoveOrder
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import attachments, fences, inventory, look
from hostagent.operations.agent import Agent
from hostagent.operations.attachments import Attachment
from hostagent.operations.block import receiving
from hostagent.operations.checks import hosts, networks
from hostagent.operations.leases import book
from hostagent.operations.leases.book import Entry
from hostagent.operations.volumes import attaching, intents, kinds
from hostagent.operations.volumes.attaching import Place


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is leased to the migration here, as kind/uuid, and the ticket: a bearer credential."""

    leased: tuple[str, ...] = ()
    ticket: Mapping[str, str] = field(default_factory=dict, repr=False)


async def run(agent: Agent, order: MoveOrder) -> Prepared:
    """Prepare; raises MoveRefused, AgentError or XapiError. A repeat adds what is missing."""
    return await agent.turns.take(order.fence.migration_id, lambda: _prepared(agent, order))


async def _prepared(agent: Agent, order: MoveOrder) -> Prepared:
    agent.fences.admit(order.fence)
    host = look.meant_host(agent, order.dest_host_id)
    agent.fences.admit_at(order.fence, host.other_config)
    fences.refuse_ended(order.fence, host.other_config)
    vm = await _guest(agent, order)
    if vm is not None:
        agent.fences.admit_at(order.fence, vm.other_config)
        fences.refuse_ended(order.fence, vm.other_config)
    here = await attachments.of(agent, vm, host) if vm is not None and _near(vm) else []
    volumes = [one for one in here if kinds.is_volume(one.sr)]
    _refuse(agent, order, vm, host, [one for one in here if one not in volumes])
    missing = await intents.of(agent, host, [one.sr for one in volumes], order.cargo.volumes)
    entry = None
    if order.kind is Kind.BLOCK or not all(one.attached for one in volumes):
        entry = await _open(agent, order, host, missing, across=vm is None or not _near(vm))
    place = Place(agent, host, order.fence, entry.made if entry else frozenset())
    leased = [subject for one in volumes for subject in await attaching.attach(place, one.sr)]
    if order.kind is Kind.SHARED_STORAGE:
        return Prepared(tuple(leased))
    introduced = {}
    for volume in order.cargo.volumes:
        sr, made = await attaching.introduce(place, volume)
        introduced[sr.uuid] = sr.ref
        leased += made
    return Prepared(tuple(leased), await receiving.ticket(agent, order, host, introduced))


async def _guest(agent: Agent, order: MoveOrder) -> VmRecord | None:
    """Return the VM; one that comes from another pool is not here yet.

    Whether it runs in this pool is what a rollback goes by: of a block migration it is asked now.
    """
    if order.kind is Kind.BLOCK:
        return await look.vm_or_none(agent, order.instance_id)
    return await look.known_vm(agent, order.instance_id)


def _near(vm: VmRecord) -> bool:
    """Tell whether the VM runs in this pool; what does not may be left of an earlier attempt."""
    return bool(vm.resident_on)


async def _open(
    agent: Agent, order: MoveOrder, host: HostRecord, missing: frozenset[str], *, across: bool
) -> Entry:
    """Write down that the migration is open here and what will be made for it, before it is."""
    config, known = await book.read(agent, host.ref, order.fence)
    fences.refuse_ended(order.fence, config)
    told = order.cargo.dest.disk_ids if order.cargo.dest else ()
    disks = told or (known.disks if known else ())
    made = intents.settled(missing | (known.made if known else frozenset()), order.cargo.volumes)
    entry = Entry(order.fence.epoch, order.instance_id, across, tuple(disks), made)
    await book.write(agent, host.ref, order.fence, known, entry)
    return entry


def _refuse(
    agent: Agent,
    order: MoveOrder,
    vm: VmRecord | None,
    host: HostRecord,
    fixed: list[Attachment],
) -> None:
    facts = inventory.host_facts(agent.mirror, host, free_bytes=0)
    findings = [hosts.alive(facts), hosts.enabled(facts)]
    if vm is not None and _near(vm):
        findings += networks.available(facts, inventory.instance_facts(agent.mirror, vm))
        if order.kind is Kind.SHARED_STORAGE:
            findings += [_detached(vm, host, one) for one in fixed if not one.attached]
    if errors(findings):
        raise MoveRefused(*errors(findings))


def _detached(vm: VmRecord, host: HostRecord, one: Attachment) -> Finding:
    return refused(
        Reason.STORAGE_NOT_SHARED,
        f"sr/{one.sr.name}",
        f"{vm.name} uses {one.sr.name}, which is not attached at {host.name}",
        f"attach {one.sr.name} at {host.name} (xe pbd-plug)",
        sr_id=one.sr.uuid,
        host_id=host.uuid,
    )
