"""What aggregates need: where they are kept, the agents that change pools, and each refusal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from controller.model.aggregates import Aggregate, Operation, OperationPlan
from controller.model.findings import Finding, Reason


class AggregateRefused(Exception):
    """It can't be done; `subject` is what is in the way, and nothing was written."""

    reason = Reason.INTERNAL
    remedy = ""

    def __init__(self, subject: str, message: str) -> None:
        super().__init__(message)
        self.subject = subject


class AggregateNotFound(AggregateRefused):
    """No aggregate has this uuid or name."""

    reason = Reason.AGGREGATE_NOT_FOUND


class OperationNotFound(AggregateRefused):
    """No operation has this uuid."""

    reason = Reason.AGGREGATE_OPERATION_NOT_FOUND


class NameTaken(AggregateRefused):
    """Another aggregate bears the name."""

    reason = Reason.AGGREGATE_NAME_TAKEN
    remedy = "choose another name"


class AggregateNotEmpty(AggregateRefused):
    """The aggregate has hosts, or an operation is open."""

    reason = Reason.AGGREGATE_NOT_EMPTY
    remedy = "remove its hosts first"


class MembershipRefused(AggregateRefused):
    """The host is in an aggregate already, or not in this one."""

    reason = Reason.AGGREGATE_MEMBERSHIP
    remedy = "look at both aggregates (ferryctl aggregate list)"


class HostMigrates(AggregateRefused):
    """A migration to or from the host is open."""

    reason = Reason.HOST_HAS_INSTANCES
    remedy = "wait for the migrations, or cancel them"


class AggregateBusy(AggregateRefused):
    """Another operation on the aggregate is open."""

    reason = Reason.AGGREGATE_BUSY
    remedy = "wait until that operation has ended, or cancel it"


class AggregateChanged(AggregateRefused):
    """The aggregate has changed since it was read."""

    reason = Reason.AGGREGATE_BUSY
    remedy = "ask again"


class AggregateRequestReused(AggregateRefused):
    """The request_id was used before with another body."""

    reason = Reason.REQUEST_ID_REUSED
    remedy = "use a new request_id for another request"


class TooLateToCancel(AggregateRefused):
    """dom0 has begun, or perhaps has, or the operation has ended."""

    reason = Reason.TOO_LATE_TO_CANCEL
    remedy = "wait until it has ended (ferryctl aggregate operation --wait)"


class OperationLost(Exception):
    """It was cancelled, or another replica drives it by now: touch nothing more."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller gave to be safe from repeats; both empty: nothing."""

    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Driven:
    """An operation under a claim."""

    operation: Operation
    owner: str
    epoch: int


class AggregateStore(Protocol):
    """Aggregates and their operations; what refuses raises an AggregateRefused."""

    async def create(self, name: str, zone: str, request: Request) -> Aggregate:
        """Make an aggregate; raises NameTaken, AggregateRequestReused."""

    async def find(self, aggregate: str) -> Aggregate:
        """Return an aggregate by uuid or name; raises AggregateNotFound."""

    async def page(self, size: int, after: tuple[str, str] | None) -> Sequence[Aggregate]:
        """Return at most `size` by name and id, from behind `after`."""

    async def delete(self, aggregate: str) -> None:
        """Forget an aggregate; raises AggregateNotFound, AggregateNotEmpty."""

    async def adopt(self, wanted: Aggregate) -> Aggregate:
        """Take over pool, coordinator, name and hosts of an aggregate as it was read.

        Raises NameTaken, MembershipRefused, AggregateBusy, AggregateChanged.
        """

    async def home_of(self, host_id: str) -> Aggregate | None:
        """Return the aggregate that wants a host, None if none does."""

    async def operation(self, operation_id: str) -> Operation:
        """Return an operation; raises OperationNotFound."""


class OperationLedger(Protocol):
    """The operations as their driver writes them."""

    async def replayed(self, request: Request) -> Operation | None:
        """Return what was admitted for a request; raises AggregateRequestReused."""

    async def consider(self, plan: OperationPlan) -> None:
        """Refuse what `admit` would refuse, and write nothing."""

    async def admit(self, plan: OperationPlan, request: Request, owner: str) -> Driven:
        """Write an operation, and with ADD_HOST that the host is wanted.

        `plan.again` admits a host that this aggregate wants already.
        Raises AggregateBusy, MembershipRefused, HostMigrates, AggregateNotFound.
        """

    async def migrations_at(self, host_id: str) -> Sequence[str]:
        """Return the open migrations to or from a host."""

    async def claim_open(self, owner: str, driven: Collection[str]) -> Sequence[Driven]:
        """Take every operation that nobody living drives and that is open, or owes an agent."""

    async def advance(self, driven: Driven, operation: Operation) -> None:
        """Write an operation as it is now; raises OperationLost.

        At its end a host that was removed is wanted no more, nor is one that was to be added and
        is not in the pool.
        """

    async def hold(self, driven: Driven) -> None:
        """Return if the operation is still this driver's; raises OperationLost."""

    async def cancel(self, operation_id: str) -> Operation:
        """Stop it before its point of no return, or what is done for its host's agent afterwards.

        Raises OperationNotFound, TooLateToCancel.
        """


@dataclass(frozen=True, slots=True)
class JoinCheck:
    """The joining host's answer; `joiner` is opaque here and is handed to the coordinator."""

    findings: tuple[Finding, ...]
    joiner: Any = None


@dataclass(frozen=True, slots=True)
class PoolProgress:
    """How far dom0 says an operation is; `outcome` is DONE, FAILED, UNKNOWN or empty."""

    phase: str = ""
    outcome: str = ""
    agent_state: str = ""
    errors: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


class PoolAgents(Protocol):
    """The agents that change pools. Every method is safe to repeat and raises AgentError."""

    async def check_join_on_host(self, host_id: str) -> JoinCheck:
        """Ask a host what stands against its joining a pool."""

    async def check_join_on_coordinator(
        self, coordinator_id: str, check: JoinCheck, *, force: bool
    ) -> tuple[Finding, ...]:
        """Ask a pool's coordinator whether that host could join."""

    async def name_pool(self, coordinator_id: str, name: str) -> str:
        """Give a pool its name and return its uuid."""

    async def designate(self, coordinator_id: str, host_id: str) -> None:
        """Have another member coordinate a pool; returns before it happens."""

    async def join(self, coordinator_id: str, operation: Operation) -> PoolProgress:
        """Have dom0 begin to join a host."""

    async def leave(self, coordinator_id: str, operation: Operation) -> PoolProgress:
        """Have dom0 begin to eject a host."""

    async def observe(self, coordinator_id: str, operation_id: str) -> PoolProgress:
        """Ask how far dom0 is."""
