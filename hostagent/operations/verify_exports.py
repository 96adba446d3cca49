"""VerifyExports: does every storage repository of the instance still answer, right before the move?

A lost export is to be found before the move, not in its middle. A volume is scanned, which asks its
target; a repository that many guests share is not, for that would burden all of them.
"""

from dataclasses import dataclass, replace

from hostagent.model.finding import Finding, Reason, Severity, refused
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, VmRecord
from hostagent.model.volumes import Volume
from hostagent.operations import attachments, look
from hostagent.operations.agent import Agent
from hostagent.operations.attachments import Attachment
from hostagent.operations.checks import storage
from hostagent.operations.volumes import describing, kinds
from hostagent.xapi import redact
from hostagent.xapi import storage as repositories
from hostagent.xapi.errors import XapiRefused

REMEDY = "repair the storage at the host where the instance runs, then ask again"


@dataclass(frozen=True, slots=True)
class Exports:
    """A finding for each repository and for each disk that has gone from it; and the raw volumes,
    for a destination in another pool.
    """

    findings: tuple[Finding, ...]
    volumes: tuple[Volume, ...] = ()


async def run(
    agent: Agent, fence: Fence, instance_id: str, source_host_id: str, dest_pool_id: str = ""
) -> Exports:
    """Look; raises AgentError or XapiError. An empty `dest_pool_id` is this pool."""
    agent.fences.admit(fence)
    host = look.meant_host(agent, source_host_id)
    vm = await look.known_vm(agent, instance_id)
    agent.fences.admit_at(fence, vm.other_config)
    found = [await _verified(agent, host, one) for one in await attachments.of(agent, vm, host)]
    volumes = any(kinds.is_volume(sr) for sr in attachments.repositories(agent, vm))
    missing = await _missing(agent, vm) if volumes else []
    if dest_pool_id in ("", look.pool(agent.mirror).uuid):
        return Exports((*found, *missing))
    return Exports((*found, *missing), await describing.describe(agent, vm, host))


async def _verified(agent: Agent, host: HostRecord, one: Attachment) -> Finding:
    finding = storage.exported(host.name, one.sr.name, one.attached)
    if finding.severity is not Severity.OK or not kinds.is_volume(one.sr):
        return finding
    try:
        await repositories.scan(agent.client, one.sr.ref)
    except XapiRefused as refusal:
        error = redact.array(refusal.error)
        text = f"{one.sr.name} is attached at {host.name} and does not answer: {' '.join(error)}"
        lost = refused(Reason.EXPORT_LOST, f"sr/{one.sr.name}", text, REMEDY, attached=True)
        return replace(lost, xapi_error=error)
    return finding


async def _missing(agent: Agent, vm: VmRecord) -> list[Finding]:
    """Return a finding for each disk that the last scan did not find."""
    drives = await repositories.drives(agent.client, vm.vbds)
    gone = [disk for _, disk in drives if await repositories.missing(agent.client, disk.ref)]
    return [
        refused(
            Reason.EXPORT_LOST,
            f"vdi/{disk.uuid}",
            f"disk {disk.name or disk.uuid} of {vm.name} is not on its storage any more",
            REMEDY,
        )
        for disk in gone
    ]
