"""Why the agent refuses a call; `hostagent.api.errors` says each on the wire.

AgentError
  ├─ WrongHost            the call is meant for another host
  ├─ InstanceNotFound     XAPI has no such VM
  ├─ StaleEpoch           another controller has taken the migration
  ├─ MigrationEnded       it is over here: nothing is begun for it again
  ├─ OperationInProgress  XAPI, or another move, is busy with the VM
  ├─ MoveRefused          the findings say why
  ├─ TooManyMoves         wait
  ├─ StaleRevision        a newer set of floating IPs was applied before
  └─ NotApplied           the machine does not take the set of floating IPs
"""

from collections.abc import Sequence

from hostagent.model.finding import Finding, Reason


class AgentError(Exception):
    """A refusal with a stable reason."""

    reason = Reason.XAPI_REFUSED


class WrongHost(AgentError):
    """The call is meant for another host than the one this agent serves."""

    reason = Reason.WRONG_HOST

    def __init__(self, asked: str, served: str) -> None:
        super().__init__(f"this agent serves host {served}; the call is meant for host {asked}")
        self.asked = asked
        self.served = served


class InstanceNotFound(AgentError):
    """XAPI has no VM of that uuid."""

    reason = Reason.INSTANCE_NOT_FOUND

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"XAPI has no VM with uuid {instance_id}")
        self.instance_id = instance_id


class StaleEpoch(AgentError):
    """A higher epoch has been seen for the migration."""

    reason = Reason.STALE_EPOCH

    def __init__(self, migration_id: str, epoch: int, seen: int) -> None:
        super().__init__(
            f"migration {migration_id} was taken over: epoch {seen} was seen, this call has {epoch}"
        )
        self.migration_id = migration_id
        self.epoch = epoch
        self.seen = seen


class MigrationEnded(AgentError):
    """The migration is over here; `epoch` is the one that ended it."""

    reason = Reason.MIGRATION_ENDED

    def __init__(self, migration_id: str, epoch: int) -> None:
        super().__init__(f"migration {migration_id} was ended here by epoch {epoch}")
        self.migration_id = migration_id
        self.epoch = epoch


class OperationInProgress(AgentError):
    """XAPI would queue our call behind that operation for up to two hours (XAPI A9)."""

    reason = Reason.OPERATION_IN_PROGRESS

    def __init__(self, subject: str, operations: Sequence[str]) -> None:
        super().__init__(f"{subject} is busy with {', '.join(operations)}")
        self.subject = subject
        self.operations = tuple(operations)


class MoveRefused(AgentError):
    """The world is not as the move needs it."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings
        self.reason = findings[0].reason


class TooManyMoves(AgentError):
    """As many moves run as the settings allow."""

    reason = Reason.TOO_MANY_MIGRATIONS

    def __init__(self, running: int, allowed: int, what: str = "moves") -> None:
        super().__init__(f"{running} {what} run away from this host, {allowed} are allowed at once")
        self.running = running
        self.allowed = allowed


class StaleRevision(AgentError):
    """A newer set of floating IPs was applied before."""

    reason = Reason.STALE_REVISION

    def __init__(self, revision: int, newest: int) -> None:
        super().__init__(f"revision {newest} of the floating IPs was applied, this is {revision}")
        self.revision = revision
        self.newest = newest


class NotApplied(AgentError):
    """The machine does not take the set of floating IPs; `why` has the kernel's words."""

    reason = Reason.FLOATING_IP_NOT_APPLIED

    def __init__(self, why: str) -> None:
        super().__init__(f"the floating IPs can't be carried: {why}")
        self.why = why
