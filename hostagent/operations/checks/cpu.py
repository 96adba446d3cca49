"""Can the destination's CPU carry on what the guest's last boot began?"""

from collections.abc import Mapping

from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import HostRecord, VmRecord


def compatible(vm: VmRecord, dest: HostRecord) -> list[Finding]:
    """Same vendor, and no feature that the guest saw may be missing (XAPI A10.1).

    Nothing is found where either side does not tell, as XAPI itself does not compare then.
    """
    return [*_vendor(vm, dest), *_features(vm, dest)]


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


def _vendor(vm: VmRecord, dest: HostRecord) -> list[Finding]:
    used, offered = vm.last_boot_cpu.get("vendor"), dest.cpu_info.get("vendor")
    if not used or not offered:
        return []
    if used == offered:
        return [
            passed(
                Reason.CPU_INCOMPATIBLE,
                f"host/{dest.name}",
                f"{dest.name} has a CPU of {offered}",
                vendor=offered,
            )
        ]
    text = f"{vm.name} was booted on a CPU of {used}, {dest.name} has one of {offered}"
    return [_refusal(dest, text, {"booted_on": used, "vendor": offered})]


def _features(vm: VmRecord, dest: HostRecord) -> list[Finding]:
    used = vm.last_boot_cpu.get("features", "")
    key = "features_hvm" if vm.hvm else "features_pv"
    offered = dest.cpu_info.get(key, "")
    if not used or not offered:
        return []
    lacking = missing(used, offered)
    if lacking is None:
        return []
    figures = {"booted_with": used, key: offered}
    if not lacking:
        text = f"{dest.name} has every CPU feature that {vm.name} was booted with"
        return [passed(Reason.CPU_INCOMPATIBLE, f"host/{dest.name}", text, **figures)]
    text = f"{dest.name} lacks CPU features that {vm.name} was booted with"
    return [_refusal(dest, text, figures)]


def _refusal(dest: HostRecord, text: str, figures: Mapping[str, str]) -> Finding:
    remedy = "choose a destination with such a CPU, or restart the instance at the pool's level"
    return refused(Reason.CPU_INCOMPATIBLE, f"host/{dest.name}", text, remedy, **figures)
