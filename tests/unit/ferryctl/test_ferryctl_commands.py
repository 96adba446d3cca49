"""Each command against a controller that answers what the test says."""

import uuid

import grpc
import pytest

from ferryctl import exits
from tests.unit.ferryctl import fake_controller as fake
from tests.unit.ferryctl.conftest import Run
from tests.unit.ferryctl.fake_controller import FakeController
from xenferry.common.v1 import fence_pb2, finding_pb2, reason_pb2
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

PASSED = finding_pb2.Finding(
    reason=reason_pb2.REASON_DEST_NOT_ALIVE,
    severity=finding_pb2.SEVERITY_OK,
    subject="host/xs2",
    message="4 GiB free, 1.5 GiB needed",
)
NOT_SHARED = finding_pb2.Finding(
    reason=reason_pb2.REASON_STORAGE_NOT_SHARED,
    severity=finding_pb2.SEVERITY_ERROR,
    subject="sr/Local storage",
    message="xs2 has not attached it",
    remedy="move the disk to shared storage",
    xapi_error=["VM_REQUIRES_SR", "OpaqueRef:1", "OpaqueRef:2"],
)


def test_hosts_shows_each_host_with_its_free_memory(ferryctl: Run) -> None:
    ran = ferryctl("hosts")

    assert ran.code == exits.OK
    assert "xs1" in ran.out
    assert "4 GiB of 8 GiB" in ran.out


def test_tables_fit_a_hundred_columns(controller: FakeController, ferryctl: Run) -> None:
    controller.hosts[0].facts.name = "a-host-with-a-very-long-name.of-a-site.example.org"
    controller.instances[0].facts.name = "an-instance-with-a-name-of-more-than-forty-letters"

    lines = (ferryctl("hosts").out + ferryctl("instances").out + ferryctl("list").out).splitlines()

    assert max(len(line.rstrip()) for line in lines) <= 100
    assert any(fake.MIGRATION in line for line in lines)


def test_json_output_has_every_field_under_the_contracts_name(ferryctl: Run) -> None:
    first = ferryctl("-o", "json", "hosts").document[0]

    assert first["facts"]["memory_free_bytes"] == str(4 << 30)
    assert first["maintenance"] is False


def test_global_options_may_follow_the_command(ferryctl: Run) -> None:
    assert ferryctl("instances", "-o", "json").document[0]["facts"]["name"] == "web-1"
    assert ferryctl("instances", "--output=json").document[0]["facts"]["vcpus"] == 2


def test_instances_of_one_host_are_asked_for_by_its_uuid(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.instances.append(fake.instance(str(uuid.uuid4()), "db-1", fake.XS2))

    ran = ferryctl("instances", "--host", "xs2")

    assert "db-1" in ran.out
    assert "web-1" not in ran.out


def test_migrate_names_the_instance_by_uuid_and_makes_a_request_id(
    controller: FakeController, ferryctl: Run
) -> None:
    ran = ferryctl("migrate", "web-1", "--to", "xs2", "--reason", "patch night")

    request = controller.asked[0]
    assert ran.code == exits.OK
    assert request.instance_id == fake.WEB_1
    assert request.dest == "xs2"
    assert request.reason == "patch night"
    assert uuid.UUID(request.request_id)
    assert not request.HasField("block_migration")


@pytest.mark.parametrize(("option", "wanted"), [("--block", True), ("--no-block", False)])
def test_block_migration_is_left_to_the_controller_unless_said(
    controller: FakeController, ferryctl: Run, option: str, wanted: bool
) -> None:
    ferryctl("migrate", "web-1", "--to", "xs2", option)

    assert controller.asked[0].HasField("block_migration")
    assert controller.asked[0].block_migration is wanted


def test_a_repeat_after_a_broken_connection_carries_the_same_request_id(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.failures = [grpc.StatusCode.UNAVAILABLE]

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    first, second = controller.asked
    assert ran.code == exits.OK
    assert first == second


def test_an_unknown_outcome_says_how_to_find_out(controller: FakeController, ferryctl: Run) -> None:
    controller.failures = [grpc.StatusCode.DEADLINE_EXCEEDED]
    wanted = str(uuid.uuid4())

    ran = ferryctl("migrate", "web-1", "--to", "xs2", "--request-id", wanted)

    assert ran.code == exits.OTHER
    assert f"--request-id {wanted}" in ran.err


def test_validate_only_shows_the_findings_and_starts_nothing(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.migrations[0].findings.append(PASSED)

    ran = ferryctl("migrate", "web-1", "--to", "xs2", "--validate-only")

    assert controller.asked[0].validate_only
    assert "web-1 would move from xs1 to xs2" in ran.out
    assert "4 GiB free, 1.5 GiB needed" in ran.out


def test_an_ambiguous_name_is_refused_with_the_uuids(
    controller: FakeController, ferryctl: Run
) -> None:
    other = str(uuid.uuid4())
    controller.instances.append(fake.instance(other, "web-1", fake.XS2))

    ran = ferryctl("migrate", "web-1", "--to", "xs2")

    assert ran.code == exits.USAGE
    assert f"{fake.WEB_1}  xs1" in ran.err
    assert f"{other}  xs2" in ran.err
    assert controller.asked == []


def test_an_unknown_name_is_not_found(ferryctl: Run) -> None:
    ran = ferryctl("migrate", "nobody", "--to", "xs2", "-o", "json")

    assert ran.code == exits.NOT_FOUND
    assert ran.complaint["reason"] == "INSTANCE_NOT_FOUND"


def test_check_without_destination_asks_about_all_and_shows_every_finding(
    controller: FakeController, ferryctl: Run
) -> None:
    shared = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
    controller.cells = [
        scheduler_pb2.CheckCell(
            instance_id=fake.WEB_1, dest_host_id=fake.XS1, findings=[PASSED, NOT_SHARED]
        ),
        scheduler_pb2.CheckCell(
            instance_id=fake.WEB_1,
            dest_host_id=fake.XS2,
            possible=True,
            kind=shared,
            findings=[PASSED],
        ),
    ]

    ran = ferryctl("check", "web-1")

    assert ran.code == exits.OK
    assert list(controller.asked[0].dests) == []
    assert "web-1 can't move to xs1" in ran.out
    assert "web-1 can move to xs2 (shared storage)" in ran.out
    assert "STORAGE_NOT_SHARED" in ran.out
    assert "VM_REQUIRES_SR" in ran.out


def test_check_with_no_possible_destination_exits_as_refused(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.cells = [scheduler_pb2.CheckCell(dest_host_id=fake.XS2, findings=[NOT_SHARED])]

    assert ferryctl("check", "web-1", "--to", "xs2").code == exits.REFUSED
    assert list(controller.asked[0].dests) == ["xs2"]


def test_list_filters_by_state_host_and_instance(controller: FakeController, ferryctl: Run) -> None:
    ferryctl(
        "list", "--state", "moving", "--state", "stuck", "--host", "xs2", "--instance", "web-1"
    )

    wanted = controller.asked[0].filter
    assert list(wanted.states) == [
        migration_pb2.MIGRATION_STATE_MOVING,
        migration_pb2.MIGRATION_STATE_STUCK,
    ]
    assert wanted.host_id == fake.XS2
    assert wanted.instance_id == fake.WEB_1


def test_list_reads_on_until_the_limit_or_the_end(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.migrations = [fake.migration(revision=number) for number in range(1, 1203)]

    assert len(ferryctl("list", "-o", "json").document) == 50
    assert len(ferryctl("list", "--limit", "1100", "-o", "json").document) == 1100
    assert len(ferryctl("list", "--all", "-o", "json").document) == 1202


def test_show_tells_request_findings_journal_cleanup_and_error(
    controller: FakeController, ferryctl: Run
) -> None:
    found = fake.migration(migration_pb2.MIGRATION_STATE_ROLLED_BACK)
    found.request_id = "req-1"
    found.findings.append(PASSED)
    found.error.CopyFrom(NOT_SHARED)
    found.journal.add(
        sequence=1, step="prepare_dest", event=migration_pb2.JOURNAL_EVENT_DONE, note="tagged"
    )
    found.cleanup.add(subject="tag on VM web-1", action=migration_pb2.CleanupItem.ACTION_REMOVED)
    controller.migrations = [found]

    out = ferryctl("show", fake.MIGRATION).out

    assert "web-1 stays on xs1: STORAGE_NOT_SHARED" in out
    for word in ("req-1", "4 GiB free", "prepare_dest", "tagged", "tag on VM web-1", "removed"):
        assert word in out


def test_show_of_an_unknown_migration_is_not_found(ferryctl: Run) -> None:
    assert ferryctl("show", str(uuid.uuid4())).code == exits.NOT_FOUND
