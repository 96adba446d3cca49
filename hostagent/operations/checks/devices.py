"""Has the guest something of its host that can't follow it?"""

from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import VmRecord
from hostagent.xapi.mirror import Mirror


def movable(mirror: Mirror, vm: VmRecord) -> list[Finding]:
    """PCI devices, vGPUs, vUSBs, and interfaces on virtual functions of a network card."""
    devices = {
        "PCI device": len(vm.pcis),
        "vGPU": len(vm.vgpus),
        "vUSB": len(vm.vusbs),
        "SR-IOV interface": _virtual_functions(mirror, vm),
    }
    found = {name: count for name, count in devices.items() if count}
    if not found:
        text = f"{vm.name} has no device of its host"
        return [passed(Reason.DEVICE_NOT_MIGRATABLE, f"instance/{vm.name}", text, count=0)]
    return [_refusal(vm, name, count) for name, count in found.items()]


def _refusal(vm: VmRecord, name: str, count: int) -> Finding:
    return refused(
        Reason.DEVICE_NOT_MIGRATABLE,
        f"instance/{vm.name}",
        f"{vm.name} has {count} {name}(s), which can't move",
        f"detach each {name}",
        device=name,
        count=count,
    )


def _virtual_functions(mirror: Mirror, vm: VmRecord) -> int:
    networks = {mirror.vifs[ref].network for ref in vm.vifs if ref in mirror.vifs}
    return len({pif.network for pif in mirror.pifs.values() if pif.sriov} & networks)
