"""What XAPI's errors tell: the class of each, our reason for it, and no credential in any."""

import io
import json
from contextlib import redirect_stderr

import pytest
import structlog

from chassis import logs
from hostagent.model.finding import Reason
from hostagent.model.records import PbdRecord
from hostagent.model.settings import XapiSettings
from hostagent.operations import refusals
from hostagent.xapi import classify, errors, internal_errors, redact
from hostagent.xapi.errors import ErrorClass
from hostagent.xapi.session import Ticket
from tests.unit.hostagent.xapi_catalogue import (
    CATALOGUE,
    COPY_DIED,
    FD_FAILURE,
    MIRROR_GONE,
    NOT_ATTACHED,
    XENOPSD,
)


@pytest.mark.parametrize(("case", "error", "error_class", "reason"), CATALOGUE)
def test_every_error_that_a_move_met_has_its_class_and_our_reason(
    case: int, error: list[str], error_class: ErrorClass, reason: Reason
) -> None:
    finding = refusals.finding(f"case/{case}", error, Reason.MIGRATION_FAILED)

    assert classify.class_of(error) is error_class
    assert finding.reason is reason
    assert list(finding.xapi_error) == error


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        (
            f"{XENOPSD}([S(Cannot_free_this_much_memory);[I(8);I(4)]])",
            "Cannot_free_this_much_memory",
            ("8", "4"),
        ),
        (
            f"{XENOPSD}([S(Vms_failed_to_cooperate);[S(u1);S(u2)]])",
            "Vms_failed_to_cooperate",
            ("u1", "u2"),
        ),
        (MIRROR_GONE, "Does_not_exist", ("mirror", "sr-uuid/vdi-uuid")),
        (FD_FAILURE, "Migration_mirror_fd_failure", ("VDI Not Attached",)),
        (COPY_DIED, "VDI_COPY_FAILED", ()),
        (NOT_ATTACHED, "Sr_not_attached", ("4ad0",)),
        (f"{XENOPSD}([S(Internal_error);S(End_of_file)])", "End_of_file", ()),
        ("Not_found", "Not_found", ()),
        ("Failure(\"Expected bool, got 'S(true)'\")", "Failure", ("Expected bool, got 'S(true)'",)),
    ],
)
def test_what_is_behind_an_internal_error_is_read_from_its_text(
    text: str, name: str, arguments: tuple[str, ...]
) -> None:
    assert internal_errors.cause(("INTERNAL_ERROR", text)) == internal_errors.Cause(name, arguments)


@pytest.mark.parametrize(
    "error",
    [
        (),
        ("INTERNAL_ERROR",),
        ("INTERNAL_ERROR", "words"),
        ("INTERNAL_ERROR", "[S("),
        ("HOST_DISABLED", "Not_found"),
    ],
)
def test_where_there_is_no_cause_none_is_made_up(error: tuple[str, ...]) -> None:
    assert internal_errors.cause(error) is None


SESSION = "OpaqueRef:5e551011"


@pytest.mark.parametrize(
    "error",
    [
        ["SESSION_INVALID", SESSION],
        ["INTERNAL_ERROR", f"http://10.0.0.1/services/SM?session_id={SESSION}: refused"],
        ["INTERNAL_ERROR", f"bad url (http://10.0.0.1/x?session_id={SESSION})"],
        ["SR_BACKEND_FAILURE_68", "", f"login failed chappassword={SESSION} target=x", ""],
        ["SR_BACKEND_FAILURE_96", "", f"{{'chappassword': '{SESSION}', 'target': 'x'}}", ""],
    ],
)
def test_no_credential_is_kept_of_what_xapi_wrote(error: list[str]) -> None:
    failure = classify.failure("VM.x", error)

    assert SESSION not in f"{failure} {failure!r} {failure.error}"
    assert failure.error[0] == error[0]
    assert redact.HIDDEN in " ".join(failure.error)


@pytest.mark.parametrize(
    "told",
    [
        Ticket("https://xs1", SESSION),
        XapiSettings(url="https://xs1", password=SESSION),
        PbdRecord("r", "h", "s", True, device_config={"chappassword": SESSION}),
    ],
)
def test_no_credential_is_in_the_text_of_a_value(told: object) -> None:
    assert SESSION not in repr(told)


def test_a_traceback_in_the_log_shows_no_local_variable() -> None:
    written, known = io.StringIO(), structlog.get_config()
    try:
        with redirect_stderr(written):
            logs.configure()
            _break(SESSION)
    finally:
        structlog.configure(**known)

    assert json.loads(written.getvalue())["exception"]
    assert SESSION not in written.getvalue()


def _break(password: str) -> None:
    try:
        raise errors.XapiUnavailable("pool.get_all", f"{len(password)} letters")
    except errors.XapiError:
        structlog.get_logger().exception("rpc.broke")
