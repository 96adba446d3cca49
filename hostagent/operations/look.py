"""Finds hosts and VMs by uuid: references change when a pool does, uuids do not."""

from hostagent.model.errors import InstanceNotFound, WrongHost
from hostagent.model.records import HostRecord, PoolRecord, VmRecord
from hostagent.operations.agent import Agent
from hostagent.xapi import vms
from hostagent.xapi.errors import XapiGone, XapiUnavailable
from hostagent.xapi.mirror import Mirror


def own_host(agent: Agent) -> HostRecord:
    """Return the host that this agent serves; raises XapiUnavailable when XAPI lost it."""
    host = host_by_id(agent.mirror, agent.host_id)
    if host is None:
        raise XapiUnavailable("host", f"XAPI's pool has no host {agent.host_id} any more")
    return host


def meant_host(agent: Agent, host_id: str) -> HostRecord:
    """Return this agent's host if the call is meant for it; raises WrongHost."""
    if host_id != agent.host_id:
        raise WrongHost(host_id, agent.host_id)
    return own_host(agent)


def host_by_id(mirror: Mirror, host_id: str) -> HostRecord | None:
    """Return a host of the pool, or None."""
    return next((host for host in mirror.hosts.values() if host.uuid == host_id), None)


def host_id_of(mirror: Mirror, ref: str) -> str:
    """Return the uuid behind a reference; empty if there is none."""
    host = mirror.hosts.get(ref)
    return host.uuid if host else ""


def pool(mirror: Mirror) -> PoolRecord:
    """Return the one pool that XAPI tells of; raises XapiUnavailable before it told."""
    for record in mirror.pools.values():
        return record
    raise XapiUnavailable("pool", "XAPI has not told of its pool yet")


def coordinates(mirror: Mirror, host: HostRecord) -> bool:
    """Tell whether a host is its pool's coordinator."""
    return pool(mirror).coordinator == host.ref


def live(mirror: Mirror, host: HostRecord) -> bool:
    """Tell whether XAPI believes that a host is alive."""
    metrics = mirror.host_metrics.get(host.metrics)
    return metrics is not None and metrics.live


async def vm(agent: Agent, instance_id: str) -> VmRecord:
    """Return a VM as XAPI shows it now; raises InstanceNotFound."""
    ref = agent.mirror.vm_refs.get(instance_id)
    try:
        if ref is not None:
            record = await vms.record(agent.client, ref)
            if record.uuid == instance_id:
                return record
    except XapiGone:  # the mirror is behind: ask by uuid
        ref = None
    try:
        ref = await vms.by_uuid(agent.client, instance_id)
        return await vms.record(agent.client, ref)
    except XapiGone as gone:
        raise InstanceNotFound(instance_id) from gone


async def vm_or_none(agent: Agent, instance_id: str) -> VmRecord | None:
    """Return a VM as XAPI shows it now, or None."""
    try:
        return await vm(agent, instance_id)
    except InstanceNotFound:
        return None


async def known_vm(agent: Agent, instance_id: str) -> VmRecord:
    """Return a VM as the mirror has it, which may be 100 ms old; raises InstanceNotFound."""
    ref = agent.mirror.vm_refs.get(instance_id)
    known = agent.mirror.vms.get(ref) if ref else None
    return known if known is not None else await vm(agent, instance_id)
