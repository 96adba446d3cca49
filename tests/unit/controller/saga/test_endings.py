"""How migrations end, and what their journals say of it."""

import pytest

from controller.model.findings import Reason
from controller.model.migration import (
    JournalEvent,
    Migration,
    MigrationState,
    Whereabouts,
)
from tests.support.saga_failures import Fault
from tests.support.saga_trip import Crash, Trip


def journal(migration: Migration) -> list[str]:
    return [f"{row.step} {row.event.value}" for row in migration.journal]


async def gone(
    story: str = "arrives", faults: list[Fault] | None = None, crashes: list[Crash] | None = None
) -> Trip:
    trip = Trip(story, faults or [], crashes or [])
    await trip.go()
    await trip.assert_sound()
    return trip


async def test_a_guest_that_arrives_is_seen_off_and_welcomed() -> None:
    trip = await gone()

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.migration.whereabouts is Whereabouts.DEST
    assert journal(trip.migration) == [
        "prepare_dest STARTED",
        "verify_exports DONE",
        "prepare_dest DONE",
        "move STARTED",
        "move DONE",
        "rehome_instance DONE",
        "move_floating_ips STARTED",
        "move_floating_ips DONE",
        "post_at_source STARTED",
        "post_at_source DONE",
        "post_at_dest STARTED",
        "post_at_dest DONE",
    ]


async def test_a_guest_that_stays_leaves_nothing_at_the_destination() -> None:
    trip = await gone("stays")

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.whereabouts is Whereabouts.SOURCE
    assert trip.migration.error is not None
    assert trip.migration.error.xapi_error == ("INTERNAL_ERROR", "no luck")
    assert trip.migration.error in trip.migration.plan.findings
    assert journal(trip.migration)[3:] == [
        "move STARTED",
        "move FAILED",
        "rollback_at_source STARTED",
        "rollback_at_source DONE",
        "rollback_at_dest STARTED",
        "rollback_at_dest DONE",
        "prepare_dest UNDONE",
    ]


async def test_a_lost_export_ends_it_before_the_move() -> None:
    trip = await gone(faults=[Fault("verify_exports", "refused")])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert journal(trip.migration) == [
        "prepare_dest STARTED",
        "verify_exports FAILED",
        "prepare_dest DONE",
        "rollback_at_dest STARTED",
        "rollback_at_dest DONE",
        "prepare_dest UNDONE",
    ]
    assert "move" not in trip.agents.calls
    assert trip.migration.journal[1].note == "XAPI says no"


async def test_both_preparations_are_told_of_when_both_are_refused() -> None:
    faults = [Fault("verify_exports", "refused"), Fault("prepare_dest", "refused")]

    trip = await gone(faults=faults)

    failed = [row.step for row in trip.migration.journal if row.event is JournalEvent.FAILED]
    assert failed == ["verify_exports", "prepare_dest"]


async def test_what_the_destination_verified_is_kept() -> None:
    trip = await gone()

    assert [finding.message for finding in trip.migration.verification] == ["all is well"]


async def test_a_source_with_too_many_moves_is_waited_for_however_long() -> None:
    busy = [Fault("move", "busy", nth) for nth in range(1, 40)]

    trip = await gone(faults=busy)

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert journal(trip.migration).count("move STARTED") == 1
    assert "waiting for xs1" in {progress.phase for progress in trip.watcher.seen}


async def test_a_destination_with_too_many_migrations_is_waited_for_however_long() -> None:
    busy = [Fault("prepare_dest", "busy", nth) for nth in range(1, 40)]

    trip = await gone(faults=busy)

    assert trip.migration.state is MigrationState.SUCCEEDED


async def test_a_rollback_ends_when_both_sides_show_it() -> None:
    trip = await gone("stays")

    assert trip.agents.calls[-2:] == ["observe_source", "observe_dest"]


async def test_a_rollback_that_nobody_can_see_waits() -> None:
    trip = await gone("stays", [Fault("observe_dest", "unavailable before", nth) for nth in (1, 2)])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.agents.calls.count("observe_dest") == 3


async def test_only_what_began_is_undone() -> None:
    trip = await gone(faults=[Fault("prepare_dest", "refused")])

    assert "rollback_at_dest" in trip.agents.calls
    assert "rollback_at_source" not in trip.agents.calls
    assert "move" not in trip.agents.calls


async def test_an_agent_that_stays_silent_before_the_move_turns_it_back_in_time() -> None:
    trip = await gone(faults=[Fault("prepare_dest", "unavailable before", nth=0)])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.AGENT_UNAVAILABLE
    took = trip.migration.update_time - trip.migration.create_time
    assert 120 <= took.total_seconds() < 180


async def test_an_agent_that_answers_again_in_time_is_forgiven() -> None:
    silences = [Fault("prepare_dest", "unavailable before", nth) for nth in (1, 2, 3)]

    trip = await gone(faults=silences)

    assert trip.migration.state is MigrationState.SUCCEEDED


async def test_a_refused_move_turns_back_at_once_with_the_reason() -> None:
    trip = await gone(faults=[Fault("move", "refused")])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.XAPI_REFUSED
    assert trip.migration.update_time == trip.migration.create_time


async def test_a_move_that_the_source_never_hears_of_turns_back_in_time() -> None:
    trip = await gone(faults=[Fault("move", "unavailable before", nth=0)])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.AGENT_UNAVAILABLE


async def test_a_move_refused_after_a_crash_is_looked_into_before_it_is_believed() -> None:
    trip = await gone(faults=[Fault("move", "refused")], crashes=[Crash(2, durable=True)])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    took = trip.migration.update_time - trip.migration.create_time
    assert took.total_seconds() > 15


async def test_a_broken_stream_is_joined_again_and_the_percentage_never_falls() -> None:
    trip = await gone(faults=[Fault("move", "broken")])

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.agents.calls.count("move") == 2
    assert len({progress.percent for progress in trip.watcher.seen}) > 2
    await trip.assert_progress_never_falls()


async def test_after_a_crash_before_the_move_was_sent_it_is_sent() -> None:
    trip = await gone(crashes=[Crash(2, durable=True)])

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.agents.calls[2:4] == ["observe_source", "observe_dest"]
    assert journal(trip.migration).count("move STARTED") == 2


async def test_after_a_crash_past_the_commit_point_nobody_is_asked_where_the_guest_is() -> None:
    trip = await gone(crashes=[Crash(3, durable=True)])

    assert "observe_source" not in trip.agents.calls
    assert trip.agents.calls.count("move") == 1


async def test_after_a_crash_on_the_way_back_it_goes_on_back() -> None:
    trip = await gone("stays", crashes=[Crash(3, durable=True)])

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.agents.calls.count("verify_exports") == 1
    assert trip.agents.calls.count("move") == 1


@pytest.mark.parametrize("kind", ["refused", "fenced"])
async def test_the_epoch_of_a_row_is_that_of_the_life_that_wrote_it(kind: str) -> None:
    trip = await gone(faults=[Fault("post_at_source", kind)], crashes=[Crash(2, durable=True)])

    epochs = [row.epoch for row in trip.migration.journal]

    assert epochs == sorted(epochs)
    assert epochs[0] == 1
    assert epochs[-1] >= 2


async def test_a_refused_finish_is_told_once_and_done_all_the_same() -> None:
    trip = await gone(faults=[Fault("post_at_source", "refused", nth) for nth in (1, 2, 3)])

    assert trip.migration.state is MigrationState.SUCCEEDED
    events = [row.event for row in trip.migration.journal if row.step == "post_at_source"]
    assert events == [JournalEvent.STARTED, JournalEvent.FAILED, JournalEvent.DONE]


async def test_the_cleanup_report_keeps_the_last_word_on_each_thing() -> None:
    trip = await gone("stays")

    subjects = [item.subject for item in trip.migration.cleanup]

    assert subjects == ["mark/web-1", "sr/iscsi-1"]
