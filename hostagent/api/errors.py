"""Every refusal of the agent and every failure of XAPI as an error on the wire."""

import json
from collections.abc import Sequence

from chassis.errors import (
    Conflict,
    NoRoom,
    NotFound,
    Refused,
    ServiceError,
    Unavailable,
    Violation,
)
from hostagent.api import messages
from hostagent.model import errors as model
from hostagent.model.finding import Finding, Reason
from hostagent.operations import refusals
from hostagent.xapi import errors as xapi
from xenferry.common.v1 import finding_pb2

RETRY_S = 1.0
# A place is free when a move ends, which takes a guest some ten seconds.
PLACE_RETRY_S = 5.0


def translate(error: Exception) -> ServiceError | None:
    """Return the error for the wire, or None if it is none of ours."""
    if isinstance(error, model.NotApplied):
        return Unavailable(error.reason.name, str(error), RETRY_S)
    if isinstance(error, model.AgentError):
        return _of_agent(error)
    if isinstance(error, xapi.XapiError):
        return _of_xapi(error)
    return None


def refused(findings: Sequence[Finding]) -> Refused:
    """Return a refusal: one violation a finding, and the findings themselves."""
    reason = findings[0].reason.name
    raw = next((finding.xapi_error for finding in findings if finding.xapi_error), ())
    return Refused(
        reason,
        "; ".join(finding.message for finding in findings),
        [Violation(one.subject, one.message, one.reason.name) for one in findings],
        _metadata(raw),
        (finding_pb2.Findings(findings=messages.finding_messages(findings)),),
    )


def _of_agent(error: model.AgentError) -> ServiceError:
    reason, text = error.reason.name, str(error)
    if isinstance(error, model.MoveRefused):
        return refused(error.findings)
    if isinstance(error, model.InstanceNotFound):
        return NotFound(reason, "xenferry.Instance", error.instance_id, text)
    if isinstance(error, model.WrongHost | model.MigrationEnded):
        return _turned_away(error, text)
    if isinstance(error, model.StaleEpoch):
        figures = {
            "migration_id": error.migration_id,
            "epoch": str(error.epoch),
            "highest_epoch_seen": str(error.seen),
        }
        return Conflict(reason, text, figures)
    if isinstance(error, model.TooManyMoves):
        return NoRoom(reason, text, [Violation("moves", text, reason)], PLACE_RETRY_S)
    return Conflict(reason, text)


def _turned_away(error: model.WrongHost | model.MigrationEnded, text: str) -> Refused:
    if isinstance(error, model.WrongHost):
        subject = f"host/{error.served}"
        figures = {"asked_host_id": error.asked, "served_host_id": error.served}
    else:
        subject = f"migration/{error.migration_id}"
        figures = {"migration_id": error.migration_id, "epoch": str(error.epoch)}
    return Refused(error.reason.name, text, [Violation(subject, text, error.reason.name)], figures)


def _of_xapi(error: xapi.XapiError) -> ServiceError:
    if isinstance(error, xapi.XapiOutcomeUnknown):
        text = f"XAPI was asked and did not answer: {error}"
        return Unavailable(Reason.OUTCOME_UNKNOWN.name, text, RETRY_S)
    if isinstance(error, xapi.XapiRefused) and not isinstance(error, xapi.LoginRefused):
        return refused([refusals.finding(f"xapi/{error.method}", error.error)])
    text = f"XAPI can't be used now: {error}"
    return Unavailable(Reason.XAPI_UNAVAILABLE.name, text, RETRY_S, _metadata(error.error))


def _metadata(raw: Sequence[str]) -> dict[str, str]:
    return {"xapi_error": json.dumps(list(raw))} if raw else {}
