"""What the layers below raise, as a status: small enough to travel, errors first."""

from chassis.errors import to_status
from controller.api import errors
from controller.model.findings import Finding, Reason, Severity
from controller.planning.refusals import MoveRefused
from controller.ports.admission import HostChanging
from controller.ports.failures import MigrationUnknown, StoreUnavailable

HARD_LIMIT_BYTES = 6_000  # of 8 KiB, as base64 makes it a third longer


def a_finding(number: int, severity: Severity) -> Finding:
    return Finding(
        Reason.STORAGE_NOT_SHARED if severity is Severity.ERROR else Reason.DEST_NOT_ALIVE,
        severity,
        f"sr/Local storage {number}",
        f"disk {number} is on Local storage, which xs2 has not attached " + "x" * 100,
        "move the disk to shared storage",
        ("SR_NOT_ATTACHED", "OpaqueRef:" + "0" * 36),
        {"sr_id": "0" * 36, "vdi_id": "0" * 36},
    )


def test_status_of_a_refusal_with_a_hundred_findings_still_travels() -> None:
    findings = [a_finding(number, Severity.ERROR) for number in range(50)]
    findings += [a_finding(number, Severity.OK) for number in range(50)]

    error = errors.translate(MoveRefused(findings))

    assert error is not None
    assert to_status(error).ByteSize() <= HARD_LIMIT_BYTES
    assert error.metadata["findings"] == "100"
    assert error.metadata["errors"] == "50"


def test_passes_give_way_to_errors() -> None:
    findings = [a_finding(number, Severity.OK) for number in range(50)]
    findings.append(a_finding(99, Severity.ERROR))

    error = errors.translate(MoveRefused(findings))

    assert error is not None
    (detail,) = [each for each in error.details() if hasattr(each, "findings")]
    assert [each.subject for each in detail.findings] == ["sr/Local storage 99"]


def test_store_that_fails_is_unavailable_without_its_text() -> None:
    error = errors.translate(StoreUnavailable("disk I/O error at /var/lib/secret"))

    assert error is not None
    assert (error.code.name, error.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    assert "secret" not in error.message


def test_a_host_that_changes_its_pool_is_a_matter_of_time() -> None:
    error = errors.translate(HostChanging("an-id", "xs2 leaves the pool of rack"))

    assert error is not None
    assert (error.code.name, error.reason) == ("ABORTED", "AGGREGATE_BUSY")
    assert error.metadata["operation_id"] == "an-id"


def test_unknown_migration_is_not_found() -> None:
    error = errors.translate(MigrationUnknown("x"))

    assert error is not None
    assert (error.code.name, error.reason) == ("NOT_FOUND", "MIGRATION_NOT_FOUND")


def test_what_nobody_foresaw_is_left_to_the_interceptor() -> None:
    assert errors.translate(ZeroDivisionError()) is None
