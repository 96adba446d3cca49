"""What the doctor found, and how it is written down."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from hostagent.model.finding import Finding, Severity


class State(StrEnum):
    """How well one thing is."""

    OK = "OK"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty where it is well."""

    name: str
    state: State
    message: str
    mend: str = ""


def well(name: str, message: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, State.OK, message)


def doubtful(name: str, message: str, mend: str) -> Check:
    """Return a check whose result an operator should know of."""
    return Check(name, State.WARNING, message, mend)


def wrong(name: str, message: str, mend: str) -> Check:
    """Return a check that found what keeps the agent from its work."""
    return Check(name, State.WRONG, message, mend)


def of_finding(name: str, finding: Finding, *, serious: bool) -> Check:
    """Return the finding of a check that migrations make too."""
    if finding.severity is Severity.OK:
        return well(name, finding.message)
    make = wrong if serious and finding.severity is Severity.ERROR else doubtful
    return make(name, finding.message, finding.remedy)


def healthy(checks: Sequence[Check]) -> bool:
    """Tell whether nothing is wrong; warnings don't count."""
    return all(check.state is not State.WRONG for check in checks)


def as_text(checks: Sequence[Check]) -> str:
    """Return one line a check, and below what is not well how to mend it."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.state:<8} {check.name:<{width}}  {check.message}")
        if check.mend:
            lines.append(f"{'':<8} {'':<{width}}  mend: {check.mend}")
    return "\n".join(lines) + "\n"


def as_json(checks: Sequence[Check]) -> str:
    """Return one JSON object: ok, and the checks."""
    told = {"ok": healthy(checks), "checks": [asdict(check) for check in checks]}
    return json.dumps(told, indent=2) + "\n"
