"""PostAtDestination: verifies that the guest runs here and clears the migration's marks."""

from dataclasses import dataclass

from hostagent.model.cleanup import Item
from hostagent.model.finding import Finding, Reason, errors, passed, warned
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import look, marks
from hostagent.operations.agent import Agent
from hostagent.operations.checks import guest


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found and what was cleared."""

    findings: tuple[Finding, ...]
    items: tuple[Item, ...]


async def run(agent: Agent, fence: Fence, instance_id: str, dest_host_id: str) -> Verified:
    """Verify, and clear the marks if the guest is here; raises AgentError or XapiError."""
    agent.fences.admit(fence)
    host = look.meant_host(agent, dest_host_id)
    vm = await look.vm(agent, instance_id)
    agent.fences.admit_at(fence, vm.other_config)
    resident = agent.mirror.hosts.get(vm.resident_on)
    at_home = [
        *guest.here(vm, host, resident.name if resident else "a host unknown to XAPI"),
        guest.running(vm),
    ]
    if errors(at_home):
        return Verified(tuple(at_home), ())
    items = await marks.clear(agent.client, vm, fence)
    return Verified((*at_home, *_disks(agent, vm), *_interfaces(agent, vm)), items)


def _disks(agent: Agent, vm: VmRecord) -> list[Finding]:
    known = [agent.mirror.vbds[ref] for ref in vm.vbds if ref in agent.mirror.vbds]
    loose = [vbd.device for vbd in known if vbd.vdi and not vbd.attached]
    return [_attached(vm, "disk", loose, "plug the VBD")]


def _interfaces(agent: Agent, vm: VmRecord) -> list[Finding]:
    known = [agent.mirror.vifs[ref] for ref in vm.vifs if ref in agent.mirror.vifs]
    loose = [vif.device for vif in known if not vif.attached]
    return [_attached(vm, "interface", loose, "unplug and plug the VIF")]


def _attached(vm: VmRecord, what: str, loose: list[str], remedy: str) -> Finding:
    subject = f"instance/{vm.name}"
    if not loose:
        return passed(
            Reason.DEVICE_DETACHED, subject, f"no {what} of {vm.name} is detached", detached=0
        )
    text = f"{vm.name} runs here with {what} {', '.join(loose)} detached"
    return warned(Reason.DEVICE_DETACHED, subject, text, remedy, detached=len(loose))
