"""PreLiveMigration: prepares this host for the guest that will come.

On shared storage nothing is made and so nothing is leased: the storage and the networks have to
be there, and that is verified now, after whatever time has passed since the checks.
"""

from hostagent.model.checks import Kind
from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, errors, refused
from hostagent.model.move import MoveOrder
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import attachments, inventory, look
from hostagent.operations.agent import Agent
from hostagent.operations.checks import hosts, networks


async def run(agent: Agent, order: MoveOrder) -> tuple[str, ...]:
    """Return what is leased to the migration here; raises MoveRefused, AgentError or XapiError."""
    agent.fences.admit(order.fence)
    host = look.meant_host(agent, order.dest_host_id)
    if order.kind is not Kind.SHARED_STORAGE:
        raise MoveRefused(unsupported(order))
    vm = await look.known_vm(agent, order.instance_id)
    agent.fences.admit_at(order.fence, vm.other_config)
    facts = inventory.host_facts(agent.mirror, host, free_bytes=0)
    instance = inventory.instance_facts(agent.mirror, vm)
    findings = [
        hosts.alive(facts),
        hosts.enabled(facts),
        *await _storage(agent, vm, host),
        *networks.available(facts, instance),
    ]
    if errors(findings):
        raise MoveRefused(*errors(findings))
    return ()


def unsupported(order: MoveOrder) -> Finding:
    """Return the refusal of any kind of move but on shared storage."""
    return refused(
        Reason.BLOCK_MIGRATION_UNSUPPORTED,
        f"instance/{order.instance_id}",
        "this release moves instances on shared storage only",
        "move the disks to a shared SR first",
    )


async def _storage(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Finding]:
    return [
        refused(
            Reason.STORAGE_NOT_SHARED,
            f"sr/{one.sr.name}",
            f"{vm.name} uses {one.sr.name}, which is not attached at {host.name}",
            f"attach {one.sr.name} at {host.name} (xe pbd-plug)",
            sr_id=one.sr.uuid,
            host_id=host.uuid,
        )
        for one in await attachments.of(agent, vm, host)
        if not one.attached
    ]
