"""Cancelling, settling, the matrix of checks, and what an operator sees of queue and progress."""

import pytest

from chassis.errors import Refused, Violation
from ferryctl import exits
from tests.unit.ferryctl import fake_controller as fake
from tests.unit.ferryctl.conftest import Run
from tests.unit.ferryctl.fake_controller import FakeController
from xenferry.common.v1 import fence_pb2, finding_pb2, reason_pb2
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

WEB_2 = "22222222-0000-4000-8000-000000000002"
CANCELLED = migration_pb2.MIGRATION_STATE_CANCELLED
NO_ROOM = finding_pb2.Finding(
    reason=reason_pb2.REASON_INSUFFICIENT_MEMORY, severity=finding_pb2.SEVERITY_ERROR
)


def test_cancel_says_where_the_instance_stays(controller: FakeController, ferryctl: Run) -> None:
    controller.migrations = [fake.migration(CANCELLED)]

    ran = ferryctl("cancel", fake.MIGRATION, "--reason", "backup")

    assert ran.code == exits.OK
    assert "web-1 stays on xs1" in ran.out
    assert (controller.asked[0].migration_id, controller.asked[0].reason) == (
        fake.MIGRATION,
        "backup",
    )


def test_cancel_of_what_is_still_being_stopped_says_how_to_watch_it(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.migrations = [fake.migration(migration_pb2.MIGRATION_STATE_MOVING, 40)]

    assert f"ferryctl watch {fake.MIGRATION}" in ferryctl("cancel", fake.MIGRATION).out


def test_cancel_that_comes_too_late_exits_as_refused(
    controller: FakeController, ferryctl: Run
) -> None:
    violation = Violation("migration/x", "web-1 runs on xs2 already", "TOO_LATE_TO_CANCEL")
    controller.error = Refused("TOO_LATE_TO_CANCEL", "web-1 runs on xs2 already", [violation])

    ran = ferryctl("cancel", fake.MIGRATION)

    assert ran.code == exits.REFUSED
    assert "web-1 runs on xs2 already" in ran.err


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("roll-forward", migration_pb2.RESOLUTION_ROLL_FORWARD),
        ("roll-back", migration_pb2.RESOLUTION_ROLL_BACK),
        ("adopt-reality", migration_pb2.RESOLUTION_ADOPT_REALITY),
    ],
)
def test_resolve_carries_the_decision_and_its_reason(
    word: str, number: int, controller: FakeController, ferryctl: Run
) -> None:
    ran = ferryctl("resolve", fake.MIGRATION, "--as", word, "--reason", "xl list shows it")

    assert ran.code == exits.OK
    assert controller.asked[0].resolution == number
    assert controller.asked[0].reason == "xl list shows it"


def test_resolve_without_a_reason_is_no_command(ferryctl: Run) -> None:
    assert ferryctl("resolve", fake.MIGRATION, "--as", "roll-back").code == exits.USAGE


def test_check_of_several_instances_is_a_grid(controller: FakeController, ferryctl: Run) -> None:
    controller.instances = [fake.instance(fake.WEB_1, "web-1"), fake.instance(WEB_2, "web-2")]
    good = scheduler_pb2.CheckCell(
        instance_id=fake.WEB_1,
        dest_host_id=fake.XS2,
        possible=True,
        kind=fence_pb2.MIGRATION_KIND_BLOCK,
    )
    good.estimate.duration_p50.FromSeconds(40)
    good.estimate.duration_p90.FromSeconds(90)
    bad = scheduler_pb2.CheckCell(
        instance_id=WEB_2, dest_host_id=fake.XS2, findings=[NO_ROOM, NO_ROOM]
    )
    controller.cells = [good, bad]

    ran = ferryctl("check", "web-1", "web-2", "--to", "xs2")

    assert ran.code == exits.REFUSED
    assert list(controller.asked[0].instance_ids) == [fake.WEB_1, WEB_2]
    lines = ran.out.splitlines()
    assert lines[0].split() == ["instance", "xs2"]
    assert "web-1" in lines[1]
    assert "yes, block" in lines[1]
    assert "about 40.0 s, at most 1 min 30 s" in ran.out
    assert ran.out.count("INSUFFICIENT_MEMORY") == 1


def test_check_of_one_instance_tells_what_the_move_costs(
    controller: FakeController, ferryctl: Run
) -> None:
    cell = scheduler_pb2.CheckCell(dest_host_id=fake.XS2, possible=True)
    cell.estimate.total_bytes = 4 << 30
    cell.estimate.duration_p50.FromSeconds(40)
    cell.estimate.duration_p90.FromSeconds(60)
    cell.estimate.downtime.FromMilliseconds(200)
    controller.cells = [cell]

    ran = ferryctl("check", "web-1", "--to", "xs2")

    assert ran.code == exits.OK
    assert "4 GiB to send, about 40.0 s, at most 1 min 00 s, a pause of about 0.2 s" in ran.out


def test_show_tells_place_decision_and_time_left(controller: FakeController, ferryctl: Run) -> None:
    found = fake.migration(migration_pb2.MIGRATION_STATE_MOVING, 40)
    found.queue_position, found.priority, found.requested_by = 3, 7, "operator@example"
    found.resolution = migration_pb2.RESOLUTION_ROLL_BACK
    found.resolution_reason = "it runs there"
    found.progress.remaining_p50.FromSeconds(12)
    found.progress.remaining_p90.FromSeconds(20)
    controller.migrations = [found]

    out = ferryctl("show", fake.MIGRATION).out

    for told in ("operator@example", "roll back", "it runs there", "at most 20.0 s left"):
        assert told in out


def test_priority_goes_with_the_request(controller: FakeController, ferryctl: Run) -> None:
    ferryctl("migrate", "web-1", "--to", "xs2", "--priority", "-5")

    assert controller.asked[0].priority == -5
