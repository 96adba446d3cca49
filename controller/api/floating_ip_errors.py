"""Refusals of floating IPs as the status that a client gets."""

from chassis.errors import InvalidArgument, NoRoom, NotFound, Refused, ServiceError, Violation
from controller.api import told
from controller.ports.floating_ips import (
    FloatingIpNotFound,
    FloatingIpRefused,
    PoolExhausted,
    PoolNotFound,
    RequestReused,
)


def translate(error: Exception) -> ServiceError | None:
    """Return the ServiceError of a refusal, None for any other exception."""
    if not isinstance(error, FloatingIpRefused):
        return None
    text, (_, _, name) = told.short(str(error)), told.short(error.subject).partition("/")
    if isinstance(error, PoolNotFound):
        return NotFound(error.reason, "xenferry.FloatingIpPool", name, text)
    if isinstance(error, FloatingIpNotFound):
        return NotFound(error.reason, "xenferry.FloatingIp", name, text)
    violation = Violation(told.short(error.subject), text, error.reason)
    found = [told.finding(error)]
    if isinstance(error, RequestReused):
        return InvalidArgument(error.reason, text, [violation], details=found)
    if isinstance(error, PoolExhausted):
        return NoRoom(error.reason, text, [violation], details=found)
    return Refused(error.reason, text, [violation], details=found)
