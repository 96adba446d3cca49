"""Aggregates: hosts that shall form one pool, and what is done to bring that about."""

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime

from controller.model.findings import Finding, Reason

AGENT_DOWN = ("stopped", "failed")
"""States of an agent VM that dom0 has shut down and not started again."""


class OperationKind(enum.StrEnum):
    """What is done to an aggregate's pool."""

    ADD_HOST = "ADD_HOST"
    REMOVE_HOST = "REMOVE_HOST"


class Phase(enum.StrEnum):
    """How far an operation is; the last three are endings."""

    ACCEPTED = "ACCEPTED"
    NAMING_POOL = "NAMING_POOL"
    JOINING = "JOINING"
    EJECTING = "EJECTING"
    WAITING_AGENT = "WAITING_AGENT"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Whether nothing comes after it."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)


class Settlement(enum.StrEnum):
    """How drift is settled."""

    ADOPT = "ADOPT"
    MEND = "MEND"


@dataclass(frozen=True, slots=True)
class Note:
    """One row of an operation's journal."""

    sequence: int
    phase: str
    time: datetime
    note: str


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """What is to be done: decided before it is admitted, and never changed.

    `first`: the host's own pool becomes the aggregate's. `needless`: XAPI shows it so already.
    `again`: the host is wanted already and XAPI shows it elsewhere.
    """

    kind: OperationKind
    aggregate_id: str
    aggregate_name: str
    host_id: str
    host_name: str
    address: str = ""
    agent_instance_id: str = ""
    pool_id: str = ""
    first: bool = False
    force: bool = False
    needless: bool = False
    again: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def moves_host(self) -> bool:
        """Whether the host leaves the pool that it is in."""
        return not (self.first or self.needless)


@dataclass(frozen=True, slots=True)
class Operation:
    """A durable operation; `agent_state` is what dom0 says of the host's agent VM.

    `asked` is whether anybody was told to change something, written before it is; `begun` whether
    dom0 is known to have the operation; `in_pool` whether the host is known to be in the pool
    since. `agent_owed`: it has ended, and the host's agent VM is not known to run since.
    """

    operation_id: str
    plan: OperationPlan
    create_time: datetime
    update_time: datetime
    phase: Phase = Phase.ACCEPTED
    error: Finding | None = None
    agent_state: str = "untouched"
    asked: bool = False
    begun: bool = False
    in_pool: bool = False
    agent_owed: bool = False
    journal: tuple[Note, ...] = ()
    end_time: datetime | None = None
    request_id: str = ""

    def entered(self, phase: Phase, now: datetime, note: str = "") -> "Operation":
        """Return the operation as it is once it has entered a phase."""
        told = replace(
            self,
            phase=phase,
            update_time=now,
            end_time=now if phase.ended else None,
            agent_owed=phase is Phase.FAILED and self._leaves_agent_down(),
        )
        return told.noted(now, note or _NOTES[phase])

    def cancelled(self, now: datetime) -> "Operation":
        """Return the operation as it is once it was stopped."""
        if self.phase is Phase.NAMING_POOL and self.asked:
            note = f"cancelled; the pool may be called {self.plan.aggregate_name} already"
            return self.entered(Phase.CANCELLED, now, note)
        return self.entered(Phase.CANCELLED, now)

    @property
    def past_return(self) -> str:
        """Why it can't be stopped any more, in words; empty while it can."""
        if self.phase.ended:
            return f"the operation is {self.phase}: there is nothing to stop"
        if self.phase in (Phase.ACCEPTED, Phase.NAMING_POOL):
            return ""
        if self.phase is Phase.WAITING_AGENT:
            done = "joined" if self.plan.kind is OperationKind.ADD_HOST else "was ejected"
            return f"{self.plan.host_name} {done}: only its agent is waited for"
        if self.begun:
            return f"dom0 has begun: {self.journal[-1].note}"
        if self.asked:
            return "dom0 was asked to begin and its answer is lost: perhaps it has begun"
        return ""

    @property
    def change(self) -> str:
        """How the host changes its pool by it, in words; empty: it does not, or no more."""
        if self.phase.ended or not self.plan.moves_host:
            return ""
        verb = "joins" if self.plan.kind is OperationKind.ADD_HOST else "leaves"
        pool = f"the pool of {self.plan.aggregate_name}"
        return f"{self.plan.host_name} {verb} {pool}, by operation {self.operation_id}"

    def _leaves_agent_down(self) -> bool:
        """Whether dom0 has the agent VM down at the end, or nobody knows what it has."""
        unknown = self.error is not None and self.error.reason is Reason.OUTCOME_UNKNOWN
        return self.agent_state in AGENT_DOWN or (self.asked and unknown)

    def noted(self, now: datetime, note: str) -> "Operation":
        """Return the operation with one more row in its journal."""
        row = Note(len(self.journal) + 1, self.phase.value, now, note)
        return replace(self, update_time=now, journal=(*self.journal, row))


_NOTES = {
    Phase.ACCEPTED: "every check passed",
    Phase.NAMING_POOL: "giving the pool its name",
    Phase.JOINING: "dom0 of the coordinator joins the host",
    Phase.EJECTING: "dom0 of the coordinator ejects the host",
    Phase.WAITING_AGENT: "waiting for the host's agent",
    Phase.SUCCEEDED: "the pool is as wanted",
    Phase.FAILED: "ended without success",
    Phase.CANCELLED: "before anything was touched",
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is wanted: a name, and the hosts that shall be in its pool."""

    aggregate_id: str
    name: str
    create_time: datetime
    update_time: datetime
    availability_zone: str = ""
    pool_id: str = ""
    coordinator_id: str = ""
    host_ids: tuple[str, ...] = field(default=())
    operation: Operation | None = None
    owing: tuple[Operation, ...] = ()
    """Operations that have ended and whose host's agent VM is not known to run."""
