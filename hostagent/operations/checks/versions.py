"""Is the destination as new as the source? Part by part, as numbers: 6.10 is newer than 6.9."""

import re
from itertools import zip_longest

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding, Reason, passed, refused

# What XAPI itself compares; the product version is for people.
COMPARED = ("platform_version", "xapi_build", "xen")


def older(left: str, right: str) -> bool:
    """Tell whether version `left` is older than `right`; one that is not told is not older."""
    if not left or not right:
        return False
    return _numbers(left, right) < _numbers(right, left)


def not_older(dest: HostFacts, source: HostFacts) -> Finding:
    """Compare every part; one finding tells all that are older."""
    pairs = {
        name: (getattr(dest.software, name), getattr(source.software, name)) for name in COMPARED
    }
    behind = [
        f"{name} {there} where {source.name} has {here}"
        for name, (there, here) in pairs.items()
        if older(there, here)
    ]
    subject = f"host/{dest.name}"
    measured = {f"dest_{name}": there for name, (there, _) in pairs.items()}
    measured |= {f"source_{name}": here for name, (_, here) in pairs.items()}
    if behind:
        text = f"{dest.name} is older: {', '.join(behind)}"
        remedy = f"update {dest.name}, or choose another destination"
        return refused(Reason.DEST_OLDER, subject, text, remedy, **measured)
    told = ", ".join(f"{name} {there}" for name, (there, _) in pairs.items() if there)
    text = f"{dest.name} is not older: {told}"
    return passed(Reason.DEST_OLDER, subject, text, **measured)


def _numbers(version: str, other: str) -> list[int]:
    parts = zip_longest(re.findall(r"\d+", version), re.findall(r"\d+", other), fillvalue="0")
    return [int(mine) for mine, _ in parts]
