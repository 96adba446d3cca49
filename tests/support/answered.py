"""What a failed call said, for tests: its code, its reason, its details."""

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2

from chassis import answers
from xenferry.common.v1 import finding_pb2, reason_pb2


def answer_of(raised: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> answers.Answer:
    """Return the answer of a call that failed."""
    return answers.read(raised.value)


def violated_fields(answer: answers.Answer) -> list[str]:
    """Return the fields that a BadRequest names."""
    bad = answer.find(error_details_pb2.BadRequest)
    return [] if bad is None else [violation.field for violation in bad.field_violations]


def failed_preconditions(answer: answers.Answer) -> list[str]:
    """Return the reasons that a PreconditionFailure gives."""
    failure = answer.find(error_details_pb2.PreconditionFailure)
    return [] if failure is None else [violation.type for violation in failure.violations]


def found(answer: answers.Answer) -> dict[str, int]:
    """Return how often each severity is among the findings."""
    told = answer.find(finding_pb2.Findings)
    counts: dict[str, int] = {}
    for finding in told.findings if told is not None else ():
        name = finding_pb2.Severity.Name(finding.severity).removeprefix("SEVERITY_")
        counts[name] = counts.get(name, 0) + 1
    return counts


def reason_name(number: reason_pb2.Reason.ValueType) -> str:
    """Return the name of a reason as ErrorInfo has it."""
    return reason_pb2.Reason.Name(number).removeprefix("REASON_")
