"""A failed call as one of the three errors that the port knows."""

import json
from collections.abc import Mapping

import grpc
import grpc.aio
from google.rpc import error_details_pb2

from chassis import answers
from controller.model.findings import Finding, Reason, Severity
from controller.ports.agents import AgentBusy, AgentError, AgentUnavailable, Fenced, StepRefused
from controller.wire import findings as wire_findings
from xenferry.common.v1 import finding_pb2

_REFUSALS = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


def classify(error: grpc.aio.AioRpcError, host_id: str) -> AgentError:
    """Return the error that a caller of the port understands; every kind has a finding."""
    answer = answers.read(error)
    findings = _findings(answer, host_id)
    if answer.reason == Reason.STALE_EPOCH:
        return Fenced(findings)
    if answer.reason == Reason.TOO_MANY_MIGRATIONS:
        return AgentBusy(findings)
    if answer.code in _REFUSALS:
        return StepRefused(findings)
    return AgentUnavailable(findings)


def unreachable(host_id: str, why: str) -> AgentUnavailable:
    """Return the error for an agent that there is no way to."""
    return AgentUnavailable([_silence(host_id, why)])


def incomplete(host_id: str) -> AgentUnavailable:
    """Return the error for a move whose stream ended before it said how the move did."""
    return unreachable(host_id, "the agent ended its answer before it told the outcome")


def is_transient(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether the same call may succeed in a moment."""
    return error.code() is grpc.StatusCode.UNAVAILABLE


def was_never_sent(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether the agent can't have heard of the call: there was no connection to it."""
    return is_transient(error) and (error.details() or "").startswith("failed to connect to all")


def busy_for_s(error: grpc.aio.AioRpcError, default_s: float) -> float | None:
    """Return how long to wait for an agent with too many migrations, None for other errors."""
    answer = answers.read(error)
    retry = answer.find(error_details_pb2.RetryInfo)
    if answer.code is not grpc.StatusCode.RESOURCE_EXHAUSTED:
        return None
    if retry is not None:
        return float(retry.retry_delay.ToMilliseconds()) / 1000
    return default_s if answer.reason == Reason.TOO_MANY_MIGRATIONS else None


def _findings(answer: answers.Answer, host_id: str) -> tuple[Finding, ...]:
    told = answer.find(finding_pb2.Findings)
    if told is not None and told.findings:
        return wire_findings.from_messages(told.findings)
    if answer.reason not in Reason.__members__:
        return (_silence(host_id, f"{answer.code.name}: {answer.message}"),)
    return (
        Finding(
            reason=Reason(answer.reason),
            severity=Severity.ERROR,
            subject=f"host/{host_id}",
            message=answer.message,
            xapi_error=_xapi_error(answer.metadata),
        ),
    )


def _silence(host_id: str, why: str) -> Finding:
    return Finding(
        reason=Reason.AGENT_UNAVAILABLE,
        severity=Severity.ERROR,
        subject=f"host/{host_id}",
        message=why,
        remedy="look at xenferry-hostagent of that host, and at the network to it",
    )


def _xapi_error(metadata: Mapping[str, str]) -> tuple[str, ...]:
    try:
        told = json.loads(metadata.get("xapi_error", "[]"))
    except ValueError:
        return (metadata["xapi_error"],)
    return tuple(str(part) for part in told) if isinstance(told, list) else (str(told),)
