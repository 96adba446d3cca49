"""Requests of the Aggregates service as model values; each raises InvalidArgument with all."""

import hashlib
from dataclasses import dataclass

from controller.api.validation import Violations
from controller.model.aggregates import Settlement
from controller.ports.aggregates import Request
from xenferry.controller.v1 import aggregates_pb2

ZONE_LENGTH = 255
_SETTLEMENTS = {
    aggregates_pb2.DRIFT_SETTLEMENT_ADOPT: Settlement.ADOPT,
    aggregates_pb2.DRIFT_SETTLEMENT_MEND: Settlement.MEND,
}


@dataclass(frozen=True, slots=True)
class NewAggregate:
    """What to make."""

    name: str
    zone: str
    request: Request


@dataclass(frozen=True, slots=True)
class Membership:
    """Which host is to be added to, or removed from, which aggregate."""

    aggregate: str
    host: str
    request: Request
    validate_only: bool


def new_aggregate(request: aggregates_pb2.CreateAggregateRequest) -> NewAggregate:
    """Return what to make."""
    violations = Violations()
    wanted = NewAggregate(
        name=violations.new_name("name", request.name),
        zone=violations.text("availability_zone", request.availability_zone, ZONE_LENGTH),
        request=_request(
            violations, request.request_id, "create", request.name, request.availability_zone
        ),
    )
    violations.raise_any()
    return wanted


def membership(
    request: aggregates_pb2.AddHostRequest | aggregates_pb2.RemoveHostRequest,
) -> Membership:
    """Return which host is meant."""
    violations = Violations()
    kind = type(request).__name__
    option = request.force if isinstance(request, aggregates_pb2.AddHostRequest) else False
    body = (kind, request.aggregate, request.host, str(option))
    wanted = Membership(
        aggregate=violations.name("aggregate", request.aggregate),
        host=violations.name("host", request.host),
        request=_request(violations, request.request_id, *body),
        validate_only=request.validate_only,
    )
    violations.raise_any()
    return wanted


def aggregate(value: str) -> str:
    """Return a uuid or name."""
    violations = Violations()
    name = violations.name("aggregate", value)
    violations.raise_any()
    return name


def operation_id(value: str) -> str:
    """Return the uuid of an operation."""
    violations = Violations()
    found = violations.uuid("operation_id", value)
    violations.raise_any()
    return found


def settlement(request: aggregates_pb2.SettleDriftRequest) -> tuple[str, Settlement]:
    """Return which aggregate's drift is to be settled, and how."""
    violations = Violations()
    name = violations.name("aggregate", request.aggregate)
    how = _SETTLEMENTS.get(request.settlement)
    if how is None:
        violations.add("settlement", f"must be ADOPT or MEND, not {request.settlement}")
    violations.raise_any()
    return name, how or Settlement.ADOPT


def _request(violations: Violations, request_id: str, *body: str) -> Request:
    known = violations.optional_uuid("request_id", request_id)
    digest = hashlib.sha256("\0".join(body).encode()).hexdigest()
    return Request(known, digest if known else "")
