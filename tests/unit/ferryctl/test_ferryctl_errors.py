"""What ferryctl says and which code it exits with when a call fails."""

import uuid

import pytest

from chassis import errors
from ferryctl import exits
from tests.unit.ferryctl.conftest import Run
from tests.unit.ferryctl.fake_controller import FakeController
from xenferry.common.v1 import finding_pb2, reason_pb2

FINDINGS = finding_pb2.Findings(
    findings=[
        finding_pb2.Finding(
            reason=reason_pb2.REASON_DEST_DISABLED,
            severity=finding_pb2.SEVERITY_ERROR,
            subject="host/xs2",
            message="xs2 is disabled",
            remedy="enable it",
        ),
        finding_pb2.Finding(
            reason=reason_pb2.REASON_XAPI_REFUSED,
            severity=finding_pb2.SEVERITY_ERROR,
            subject="instance/web-1",
            message="XAPI refuses",
            remedy="see XAPI's words",
            xapi_error=["VM_LACKS_FEATURE", "OpaqueRef:1"],
        ),
        finding_pb2.Finding(
            reason=reason_pb2.REASON_DEST_NOT_ALIVE,
            severity=finding_pb2.SEVERITY_OK,
            subject="host/xs2",
            message="4 GiB free",
        ),
    ]
)

STATUSES = [
    (errors.InvalidArgument("BAD_ARGUMENT", "two fields", [errors.Violation("dest", "empty")]), 2),
    (errors.NotFound("INSTANCE_NOT_FOUND", "instance", "x", "no such instance"), 3),
    (errors.Refused("DEST_DISABLED", "refused", [errors.Violation("host/xs2", "disabled")]), 4),
    (errors.NoRoom("TOO_MANY_MIGRATIONS", "5 of 5", [errors.Violation("host/xs2", "5 of 5")]), 5),
    (errors.Conflict("STALE_EPOCH", "somebody else has it"), 6),
    (errors.Unavailable("AGENT_UNAVAILABLE", "xs2 does not answer"), 7),
    (errors.Unimplemented("NOT_IMPLEMENTED", "not yet"), 8),
    (errors.PermissionDenied("PERMISSION_DENIED", "not you"), 9),
    (errors.ServiceError("INTERNAL", "a mistake"), 1),
]


@pytest.mark.parametrize(("error", "code"), STATUSES, ids=str)
def test_every_status_has_its_exit_code(
    controller: FakeController, ferryctl: Run, error: errors.ServiceError, code: int
) -> None:
    controller.error = error

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert ran.code == code
    assert error.reason in ran.err
    assert error.message in ran.err


def test_every_violation_is_told(controller: FakeController, ferryctl: Run) -> None:
    violations = [errors.Violation("instance_id", "not a uuid"), errors.Violation("dest", "empty")]
    controller.error = errors.InvalidArgument("BAD_ARGUMENT", "two fields are wrong", violations)

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert "instance_id: not a uuid" in ran.err
    assert "dest: empty" in ran.err


def test_an_only_violation_is_told_once(controller: FakeController, ferryctl: Run) -> None:
    violations = [errors.Violation("dest", "must be a name")]
    controller.error = errors.InvalidArgument("BAD_ARGUMENT", "dest must be a name", violations)

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert ran.err.count("must be a name") == 1


def test_every_finding_of_a_refusal_is_told_with_remedy_and_xapis_words(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.error = errors.Refused("DEST_DISABLED", "2 findings", [], details=[FINDINGS])

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert ran.code == exits.REFUSED
    for word in ("DEST_DISABLED", "enable it", "XAPI_REFUSED", '["VM_LACKS_FEATURE"'):
        assert word in ran.err
    assert ran.out == ""


def test_a_refusal_counts_what_passed_and_does_not_list_it(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.error = errors.Refused("DEST_DISABLED", "2 findings", [], details=[FINDINGS])

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert "DEST_DISABLED: refused, 2 findings" in ran.err
    assert "1 check passed" in ran.err
    assert "4 GiB free" not in ran.err


def test_a_refusal_in_json_is_one_document_with_the_findings(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.error = errors.Refused("DEST_DISABLED", "2 findings", [], details=[FINDINGS])

    complaint = ferryctl("migrate", "web-1", "--to", "xs2", "-o", "json").complaint

    assert complaint["status"] == "FAILED_PRECONDITION"
    assert complaint["exit_code"] == exits.REFUSED
    assert complaint["findings"][1]["xapi_error"] == ["VM_LACKS_FEATURE", "OpaqueRef:1"]


def test_an_agent_that_is_away_is_not_asked_again(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.error = errors.Unavailable("AGENT_UNAVAILABLE", "xs2 does not answer")

    ferryctl("migrate", "web-1", "--to", "xs2")

    assert len(controller.asked) == 1


def test_a_controller_that_is_not_there_is_unavailable(ferryctl: Run) -> None:
    assert ferryctl("hosts", "--controller", "127.0.0.1:1").code == exits.UNAVAILABLE


def test_a_remote_controller_without_certificates_is_refused_before_any_call(
    ferryctl: Run,
) -> None:
    ran = ferryctl("hosts", "--controller", "192.0.2.1:7700")

    assert ran.code == exits.USAGE
    assert "--ca, --certificate and --key" in ran.err


def test_half_a_certificate_is_a_usage_error(ferryctl: Run) -> None:
    assert ferryctl("hosts", "--ca", "ca.pem").code == exits.USAGE


def test_a_certificate_that_can_not_be_read_is_named(ferryctl: Run) -> None:
    ran = ferryctl("hosts", "--ca", "no.pem", "--certificate", "none.pem", "--key", "no.key")

    assert ran.code == exits.USAGE
    assert "none.pem: No such file" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "web-1"),
        ("list", "--state", "lost"),
        ("list", "--limit", "0"),
        ("nonsense",),
        ("hosts", "-o", "xml"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(ferryctl: Run, words: tuple[str, ...]) -> None:
    assert ferryctl(*words).code == exits.USAGE


def test_the_exit_codes_are_listed(ferryctl: Run) -> None:
    listed = ferryctl("exit-codes", "-o", "json").document

    assert {row["exit_code"] for row in listed} == set(exits.MEANINGS)
    assert "FAILED_PRECONDITION" in ferryctl("exit-codes").out


def test_a_malformed_migration_id_reaches_the_controller(ferryctl: Run) -> None:
    assert ferryctl("show", str(uuid.uuid4())).code == exits.NOT_FOUND
