"""Can the destination's CPUs carry on what the guest's last boot began?"""

from collections.abc import Mapping

from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused


def compatible(instance: InstanceFacts, dest: HostFacts) -> list[Finding]:
    """Same vendor, and no feature that the guest saw may be missing (XAPI A10.1).

    Nothing is found where either side does not tell, as XAPI itself does not compare then.
    """
    return [*_vendor(instance, dest), *_features(instance, dest)]


def enough(
    instance: InstanceFacts, dest: HostFacts, *, unrestricted: bool = False
) -> list[Finding]:
    """XAPI wants as many physical CPUs as the guest has virtual ones, unless the VM's platform
    says vcpu-unrestricted (XAPI A12).
    """
    if not dest.cpu_count or unrestricted:
        return []
    subject = f"host/{dest.name}"
    text = f"{dest.name} has {dest.cpu_count} CPUs, {instance.name} has {instance.vcpus}"
    figures = {"cpus": dest.cpu_count, "vcpus": instance.vcpus}
    if instance.vcpus <= dest.cpu_count:
        return [passed(Reason.INSUFFICIENT_CPUS, subject, text, **figures)]
    remedy = "choose a bigger destination, or give the instance fewer CPUs"
    return [refused(Reason.INSUFFICIENT_CPUS, subject, text, remedy, **figures)]


def missing(used: str, offered: str) -> bool | None:
    """Tell whether a bit of `used` is absent in `offered` ("178bfbff-f6d83203-…").

    None: they can't be compared.
    """
    ours, theirs = used.split("-"), offered.split("-")
    try:
        words = [(int(mine, 16), int(other, 16)) for mine, other in zip(ours, theirs, strict=False)]
        rest = [int(word, 16) for word in ours[len(theirs) :]]
    except ValueError:
        return None
    return any(mine & ~other for mine, other in words) or any(rest)


def _vendor(instance: InstanceFacts, dest: HostFacts) -> list[Finding]:
    used, offered = instance.cpu_vendor, dest.cpu_vendor
    if not used or not offered:
        return []
    if used == offered:
        text = f"{dest.name} has a CPU of {offered}"
        return [passed(Reason.CPU_INCOMPATIBLE, f"host/{dest.name}", text, vendor=offered)]
    text = f"{instance.name} was booted on a CPU of {used}, {dest.name} has one of {offered}"
    return [_refusal(dest, text, {"booted_on": used, "vendor": offered})]


def _features(instance: InstanceFacts, dest: HostFacts) -> list[Finding]:
    used = instance.cpu_features
    key = "features_pv" if instance.paravirtual else "features_hvm"
    offered = dest.cpu_features_pv if instance.paravirtual else dest.cpu_features_hvm
    if not used or not offered:
        return []
    lacking = missing(used, offered)
    if lacking is None:
        return []
    figures = {"booted_with": used, key: offered}
    if not lacking:
        text = f"{dest.name} has every CPU feature that {instance.name} was booted with"
        return [passed(Reason.CPU_INCOMPATIBLE, f"host/{dest.name}", text, **figures)]
    text = f"{dest.name} lacks CPU features that {instance.name} was booted with"
    return [_refusal(dest, text, figures)]


def _refusal(dest: HostFacts, text: str, figures: Mapping[str, str]) -> Finding:
    remedy = "choose a destination with such a CPU, or restart the instance at the pool's level"
    return refused(Reason.CPU_INCOMPATIBLE, f"host/{dest.name}", text, remedy, **figures)
