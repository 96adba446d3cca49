"""Why there is no plan; what the API turns into a status.

NoPlan
  ├─ InstanceNotFound   no such instance
  ├─ HostNotFound       no such host
  ├─ AmbiguousName      several hosts bear the name
  └─ MoveRefused        both are known, and the checks say no
"""

from collections.abc import Sequence

from controller.model.findings import Finding, Reason, Severity, errors


class NoPlan(Exception):
    """The move that was asked for can't be planned; `findings` say why, passes included."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in errors(findings)))
        self.findings = tuple(findings)


class InstanceNotFound(NoPlan):
    """No agent ever told of such an instance."""

    def __init__(self, instance_id: str) -> None:
        finding = Finding(
            reason=Reason.INSTANCE_NOT_FOUND,
            severity=Severity.ERROR,
            subject=f"instance/{instance_id}",
            message=f"no instance {instance_id} is known",
            remedy="look up the uuid in the list of instances; its host's agent must be registered",
        )
        super().__init__([finding])
        self.instance_id = instance_id


class HostNotFound(NoPlan):
    """No agent ever registered such a host."""

    def __init__(self, dest: str) -> None:
        finding = Finding(
            reason=Reason.HOST_NOT_FOUND,
            severity=Severity.ERROR,
            subject=f"host/{dest}",
            message=f"no host {dest} is known",
            remedy="look up uuid or name in the list of hosts; the host's agent must be registered",
        )
        super().__init__([finding])
        self.dest = dest


class AmbiguousName(NoPlan):
    """Several hosts bear the name, so it names none of them."""

    def __init__(self, dest: str, host_ids: Sequence[str]) -> None:
        finding = Finding(
            reason=Reason.AMBIGUOUS_NAME,
            severity=Severity.ERROR,
            subject=f"host/{dest}",
            message=f"{len(host_ids)} hosts are called {dest}: {', '.join(host_ids)}",
            remedy="use the uuid of the host that is meant",
        )
        super().__init__([finding])
        self.dest = dest
        self.host_ids = tuple(host_ids)


class MoveRefused(NoPlan):
    """The checks say no; `findings` are all that could be had, passes included."""
