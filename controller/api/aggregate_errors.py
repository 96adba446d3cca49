"""Refusals of aggregates as the status that a client gets."""

from chassis.errors import Conflict, InvalidArgument, NotFound, Refused, ServiceError, Violation
from controller.api import told
from controller.ports.aggregates import (
    AggregateBusy,
    AggregateChanged,
    AggregateNotFound,
    AggregateRefused,
    AggregateRequestReused,
    OperationNotFound,
)


def translate(error: Exception) -> ServiceError | None:
    """Return the ServiceError of a refusal, None for any other exception."""
    if not isinstance(error, AggregateRefused):
        return None
    text, (_, _, name) = told.short(str(error)), told.short(error.subject).partition("/")
    if isinstance(error, AggregateNotFound):
        return NotFound(error.reason, "xenferry.Aggregate", name, text)
    if isinstance(error, OperationNotFound):
        return NotFound(error.reason, "xenferry.AggregateOperation", name, text)
    violation = Violation(told.short(error.subject), text, error.reason)
    found = [told.finding(error)]
    if isinstance(error, AggregateRequestReused):
        return InvalidArgument(error.reason, text, [violation], details=found)
    if isinstance(error, (AggregateBusy, AggregateChanged)):
        busy_with = {"operation_id": name} if isinstance(error, AggregateBusy) else {}
        return Conflict(error.reason, text, busy_with, found)
    return Refused(error.reason, text, [violation], details=found)
