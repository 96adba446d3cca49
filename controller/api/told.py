"""A refusal as the finding that says what to do about it, short enough for the status of a call."""

from typing import Protocol

from chassis.errors import PART, clipped
from controller.model.findings import Finding, Reason, Severity
from controller.wire import findings
from xenferry.common.v1 import finding_pb2


class Refusal(Protocol):
    """What is in the way, and the way out; its text says why."""

    reason: Reason
    remedy: str
    subject: str


def finding(refusal: Refusal) -> finding_pb2.Findings:
    """Return the refusal as the detail of a status."""
    subject, text = short(refusal.subject), short(str(refusal))
    found = Finding(refusal.reason, Severity.ERROR, subject, text, refusal.remedy)
    return finding_pb2.Findings(findings=[findings.to_message(found)])


def short(text: str) -> str:
    """Return a text that a status can hold several times."""
    return clipped(text, PART)
