"""Is something of the guest in the destination's pool already? (XAPI A11, part c 21)"""

from hostagent.model.facts import InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import VmRecord
from hostagent.xapi.mirror import Mirror


def none_here(mirror: Mirror, instance: InstanceFacts) -> list[Finding]:
    """Neither the VM nor one of its hardware addresses may be known to this pool."""
    return [_vm(mirror, instance), *_addresses(mirror, instance)]


def _vm(mirror: Mirror, instance: InstanceFacts) -> Finding:
    known = mirror.vms.get(mirror.vm_refs.get(instance.instance_id, ""))
    if known is None:
        text = f"this pool has no VM with the uuid of {instance.name}"
        return passed(Reason.INSTANCE_EXISTS_AT_DEST, instance.subject, text)
    return refused(
        Reason.INSTANCE_EXISTS_AT_DEST,
        instance.subject,
        f"this pool has a VM {known.name} with the uuid of {instance.name}; it is"
        f" {known.power_state.lower()}",
        "compare both, and remove the one that an earlier failure left; never the one that runs",
        vm_id=known.uuid,
        power_state=known.power_state,
    )


def _addresses(mirror: Mirror, instance: InstanceFacts) -> list[Finding]:
    ours = {one.mac.lower(): one for one in instance.interfaces}
    taken: dict[str, VmRecord] = {}
    for vif in mirror.vifs.values():
        vm = mirror.vms.get(vif.vm)
        mac = vif.mac.lower()
        if mac in ours and vm and vm.ordinary and vm.uuid != instance.instance_id:
            taken[mac] = vm
    if not taken:
        text = f"no VM of this pool has a hardware address of {instance.name}"
        return [passed(Reason.MAC_IN_USE, instance.subject, text, addresses=len(ours))]
    return [_taken(instance, mac, vm) for mac, vm in sorted(taken.items())]


def _taken(instance: InstanceFacts, mac: str, vm: VmRecord) -> Finding:
    return refused(
        Reason.MAC_IN_USE,
        instance.subject,
        f"{mac} of {instance.name} is the address of {vm.name} in this pool too",
        "give one of the two another address",
        mac=mac,
        vm_id=vm.uuid,
    )
