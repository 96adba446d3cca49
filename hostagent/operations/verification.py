"""Verifies a guest where it arrived: what it had attached is attached, and its tools answer."""

from dataclasses import dataclass

from hostagent.model.finding import Finding, Reason, passed, warned
from hostagent.model.records import (
    GuestMetricsRecord,
    VbdRecord,
    VdiRecord,
    VifRecord,
    VmRecord,
)
from hostagent.operations.agent import Agent
from hostagent.operations.block.luggage import Inventory
from hostagent.xapi import storage, vms
from hostagent.xapi.errors import XapiGone, XapiRefused


@dataclass(frozen=True, slots=True)
class Devices:
    """Drives with something in them, and interfaces."""

    drives: tuple[VbdRecord, ...]
    interfaces: tuple[VifRecord, ...]
    disks: tuple[VdiRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What there is to tell, and the guest's interfaces and tools as XAPI shows them now."""

    findings: list[Finding]
    interfaces: tuple[VifRecord, ...]
    tools: GuestMetricsRecord | None


async def verify(agent: Agent, vm: VmRecord, left: Inventory | None) -> Verification:
    """Return the findings, passes included; `left` is what it had, if that was written down.

    An interface that is detached though all were attached is repaired. Raises XapiError.
    """
    devices = await _now(agent, vm) if left is not None else await _known(agent, vm)
    expected = left or Inventory(len(devices.drives), len(devices.interfaces), tools=False)
    interfaces = devices.interfaces
    if expected.interfaces == len(interfaces) and not all(one.attached for one in interfaces):
        interfaces = await _repaired(agent, interfaces)
    attached_disks = sum(one.attached for one in devices.drives)
    attached_interfaces = sum(one.attached for one in interfaces)
    tools = await _tools(agent, vm)
    findings = [
        _counted(vm, "disk", attached_disks, expected.disks, "plug the VBD"),
        _counted(
            vm, "interface", attached_interfaces, expected.interfaces, "unplug and plug the VIF"
        ),
        *([_whole(vm, devices.disks, left.size)] if left and left.size else []),
        *_alive(vm, expected, tools),
    ]
    return Verification(findings, interfaces, tools)


async def _now(agent: Agent, vm: VmRecord) -> Devices:
    found = await storage.drives(agent.client, vm.vbds)
    vifs = await storage.interfaces(agent.client, vm.vifs)
    own = [(drive, disk) for drive, disk in found if not drive.cd]
    drives, disks = tuple(drive for drive, _ in own), tuple(disk for _, disk in own)
    return Devices(drives, tuple(vifs), disks)


async def _known(agent: Agent, vm: VmRecord) -> Devices:
    """Inside a pool the drives stay, so the mirror has them; an interface may just have gone."""
    mirror = agent.mirror
    drives = (mirror.vbds[ref] for ref in vm.vbds if ref in mirror.vbds)
    vifs = await storage.interfaces(agent.client, vm.vifs)
    return Devices(tuple(one for one in drives if one.vdi), tuple(vifs))


async def _repaired(agent: Agent, interfaces: tuple[VifRecord, ...]) -> tuple[VifRecord, ...]:
    """Unplug and plug what is detached (a guest without network after a move: xcp#228)."""
    for one in interfaces:
        if not one.attached:
            try:
                await storage.replug(agent.client, one.ref)
            except XapiRefused:
                continue
    return tuple(await storage.interfaces(agent.client, [one.ref for one in interfaces]))


def _counted(vm: VmRecord, what: str, attached: int, expected: int, remedy: str) -> Finding:
    subject = f"instance/{vm.name}"
    figures = {"attached": attached, "left_with": expected, "detached": max(0, expected - attached)}
    if attached >= expected:
        text = f"no {what} of {vm.name} is detached"
        return passed(Reason.DEVICE_DETACHED, subject, text, **figures)
    text = f"{vm.name} runs here with {attached} of {expected} {what}s attached"
    return warned(Reason.DEVICE_DETACHED, subject, text, remedy, **figures)


def _whole(vm: VmRecord, disks: tuple[VdiRecord, ...], left_with: int) -> Finding:
    """XAPI's success does not prove it: the newest image of a copied disk was seen missing, with
    the source's gone (xcp#444).
    """
    gone = [disk.name or disk.uuid for disk in disks if disk.missing]
    size = sum(disk.virtual_size for disk in disks if not disk.missing)
    subject = f"instance/{vm.name}"
    figures = {"size_bytes": size, "left_with_bytes": left_with}
    if size >= left_with and not gone:
        return passed(Reason.EXPORT_LOST, subject, f"{vm.name} has all of its disks", **figures)
    what = f"not on its storage: {', '.join(gone)}" if gone else "the rest is not there"
    text = f"{vm.name} came with {size} of {left_with} bytes of disks; {what}"
    remedy = "do not shut it down: copy its data out of the guest, and look at the repository"
    return warned(Reason.EXPORT_LOST, subject, text, remedy, **figures)


def _alive(vm: VmRecord, expected: Inventory, tools: GuestMetricsRecord | None) -> list[Finding]:
    """Only of a guest whose tools told of it can it be said that they are silent."""
    if not expected.tools and not (tools is not None and tools.pv_drivers):
        return []
    subject = f"instance/{vm.name}"
    if tools is not None and tools.live:
        text = f"the guest of {vm.name} answers"
        return [passed(Reason.GUEST_SILENT, subject, text, live=True)]
    text = f"the guest of {vm.name} had tools and XAPI does not hear it"
    remedy = "look at its console: it may have stopped at the switch"
    return [warned(Reason.GUEST_SILENT, subject, text, remedy, live=False)]


async def _tools(agent: Agent, vm: VmRecord) -> GuestMetricsRecord | None:
    known = agent.mirror.guest_metrics.get(vm.guest_metrics)
    if known is not None or not vm.guest_metrics:
        return known
    try:
        return await vms.guest_metrics(agent.client, vm.guest_metrics)
    except XapiGone:
        return None
