"""What moves met on real hosts, by the numbers of XAPI (c): what the agent says and does then.

The classes of their errors have a table of their own (tests/unit/hostagent/xapi_catalogue.py).
"""

from pathlib import Path

import pytest

from tests.service.hostagent.misfortunes import Way, breaks, failed, gone_home, refused
from tests.service.hostagent.quayside import (
    DEST,
    SOURCE,
    Quay,
    Staged,
    quayside,
    running_quayside,
    told,
)
from tests.service.hostagent.rpc_rows import CAME, IN_DOUBT, LOST, move, prepare
from tests.unit.hostagent.xapi_catalogue import COPY_DIED, MIRROR_GONE

pytestmark = pytest.mark.asyncio(loop_scope="session")

XENOPSD = "Xenops_interface.Xenopsd_error"
INSIDE, ACROSS, SHARED = Quay.inside, Quay.across, Quay.sharing
REFUSED = "FAILED_PRECONDITION"


async def test_case_01_a_failure_after_the_suspend_is_a_lost_guest_and_no_rollback(
    quay: Quay,
) -> None:
    error = "xenopsd internal error: VM.migrate: Failed during Synchronisation point 4. msg: x"

    assert await breaks(quay, SHARED, "sync4", ["INTERNAL_ERROR", error], "halted") == LOST


async def test_case_02_when_xenguest_gives_up_the_guest_is_looked_at(quay: Quay) -> None:
    error = ["INTERNAL_ERROR", 'xenopsd internal error: Domain.Emu_manager_failure("x")']

    assert await breaks(quay, SHARED, "precopy", error) == "stayed MIGRATION_FAILED"
    assert await breaks(quay, SHARED, "suspend", error, "halted") == LOST


@pytest.mark.parametrize("code", ["VM_SUSPEND_TIMEOUT", "VM_FAILED_SUSPEND_ACKNOWLEDGMENT"])
async def test_case_03_a_guest_that_does_not_suspend_stays(quay: Quay, code: str) -> None:
    error = [code, "OpaqueRef:vm", "1200."]

    assert await breaks(quay, SHARED, "suspend", error) == "stayed GUEST_NOT_SUSPENDABLE"


async def test_case_04_memory_that_is_missing_after_the_disks_were_copied_is_told_as_such(
    quay: Quay,
) -> None:
    cause = f"{XENOPSD}([S(Cannot_free_this_much_memory);[I(8663330816);I(4300062720)]])"
    said = await breaks(quay, ACROSS, "prepare", ["INTERNAL_ERROR", cause])

    assert said == "stayed INSUFFICIENT_MEMORY"


@pytest.mark.parametrize(
    ("way", "error"),
    [
        (ACROSS, ["INTERNAL_ERROR", f"{XENOPSD}([S(Vms_failed_to_cooperate);[S(a);S(b)]])"]),
        (SHARED, ["VMS_FAILED_TO_COOPERATE", "OpaqueRef:a"]),
    ],
)
async def test_case_05_neighbours_that_give_no_memory_are_a_lack_of_memory(
    quay: Quay, way: Way, error: list[str]
) -> None:
    assert await breaks(quay, way, "prepare", error) == "stayed INSUFFICIENT_MEMORY"


async def test_case_06_no_disk_is_moved_alone_for_that_would_need_the_memory_twice(
    quay: Quay,
) -> None:
    since = quay.simulator.trace()[-1]["number"]
    error = ["HOST_NOT_ENOUGH_FREE_MEMORY", "17320378368", "2319851520"]

    assert await breaks(quay, INSIDE, "prepare", error) == "stayed INSUFFICIENT_MEMORY"
    sent = {call["method"] for call in quay.simulator.trace(since)}
    assert not sent & {"VDI.pool_migrate", "Async.VDI.pool_migrate"}


async def test_case_07_a_guest_that_is_left_suspended_is_lost_and_nothing_of_it_is_removed(
    quay: Quay,
) -> None:
    error = ["INTERNAL_ERROR", MIRROR_GONE]
    fault = {"fault": "fail_migration", "phase": "complete", "error": error, "end": "suspended"}
    staged, word = await failed(quay, INSIDE, fault)

    assert word == LOST
    disks = quay.near_pool.all("VDI")
    await staged.trip.roll_back_at_dest()
    assert {one["uuid"] for one in disks.values() if one["VBDs"]} <= {
        one["uuid"] for one in quay.near_pool.all("VDI").values()
    }


async def test_case_08_of_two_live_copies_none_is_touched(quay: Quay) -> None:
    fault = {"fault": "fail_migration", "phase": "sync4", "end": "duplicated"}
    staged, word = await failed(quay, SHARED, fault)
    assert sorted(staged.trip.where()) == [SOURCE, DEST]

    await staged.trip.roll_back()

    assert word.partition(" ")[0] in ("unknown", "stayed")
    assert sorted(staged.trip.where()) == [SOURCE, DEST]


async def test_case_09_a_start_without_a_reply_is_not_sent_again(quay: Quay) -> None:
    staged = Staged(quay.inside())
    await prepare(staged)
    quay.simulator.fault(fault="drop_reply", method="Async.VM.migrate_send", nth=1)

    assert await told(move(staged)) == CAME
    assert await told(move(staged)) == CAME
    assert quay.starts(staged.trip.guest) == 1


async def test_case_10_the_limit_of_storage_moves_is_a_wait(quay: Quay) -> None:
    said = await refused(quay, INSIDE, ["TOO_MANY_STORAGE_MIGRATES", "3"])

    assert said == "RESOURCE_EXHAUSTED TOO_MANY_MIGRATIONS"


@pytest.mark.parametrize(
    ("way", "error", "reason"),
    [
        pytest.param(INSIDE, ["VDI_NOT_IN_MAP", "x"], "DEVICES_CHANGED", id="11"),
        pytest.param(SHARED, ["VM_LACKS_FEATURE", "x"], "GUEST_NOT_SUSPENDABLE", id="13"),
        pytest.param(SHARED, ["VM_NON_SUSPENDABLE", "x", "y"], "GUEST_NOT_SUSPENDABLE", id="13b"),
        pytest.param(ACROSS, ["DUPLICATE_MAC_SEED", "x"], "MAC_IN_USE", id="21"),
        pytest.param(SHARED, ["NOT_SUPPORTED_DURING_UPGRADE"], "DEST_OLDER", id="25"),
        pytest.param(
            SHARED, ["VM_INCOMPATIBLE_WITH_THIS_HOST", "x", "y", "z"], "CPU_INCOMPATIBLE", id="25b"
        ),
        pytest.param(
            ACROSS,
            ["VM_TO_IMPORT_IS_NOT_NEWER_VERSION", "x", "0", "0"],
            "INSTANCE_EXISTS_AT_DEST",
            id="21b",
        ),
    ],
)
async def test_cases_11_13_21_25_what_xapi_refuses_is_a_refusal_and_leaves_nothing(
    quay: Quay, way: Way, error: list[str], reason: str
) -> None:
    assert await refused(quay, way, error) == f"{REFUSED} {reason}"


async def test_case_14_a_mirror_that_breaks_leaves_disks_and_the_rollback_takes_them(
    quay: Quay,
) -> None:
    fault = {"fault": "mirror_fail", "at_progress": 0.5, "leftovers": True}
    staged, word = await failed(quay, INSIDE, fault)

    assert word == "stayed STORAGE_FAILED"
    await gone_home(staged)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (["SR_BACKEND_FAILURE_40", "", "The SR scan failed", ""], "STORAGE_FAILED"),
        (
            ["SR_BACKEND_FAILURE_109", "", "The snapshot chain is too long", ""],
            "DISK_NOT_MIGRATABLE",
        ),
        (
            ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""],
            "INSUFFICIENT_DISK_SPACE",
        ),
    ],
)
async def test_case_15_what_a_storage_driver_says_has_a_reason(
    quay: Quay, error: list[str], reason: str
) -> None:
    fault = {"fault": "mirror_fail", "at_progress": 0.1, "error": error}
    staged, word = await failed(quay, INSIDE, fault)

    assert word == f"stayed {reason}"
    await gone_home(staged)


async def test_case_17_a_copy_that_dies_stays_and_a_broken_line_is_looked_behind(
    quay: Quay,
) -> None:
    reset = f'{XENOPSD}([S(Internal_error);S(Sys_error("Connection reset by peer"))])'

    assert await breaks(quay, INSIDE, "mirror", ["INTERNAL_ERROR", COPY_DIED]) == (
        "stayed STORAGE_FAILED"
    )
    said = await breaks(quay, INSIDE, "sync4", ["INTERNAL_ERROR", reset], "dest_running")
    assert said in (CAME, IN_DOUBT)


async def test_case_23_while_the_source_is_dead_nothing_is_released_at_the_destination(
    tmp_path: Path,
) -> None:
    # XAPI gives the source up after 116 s of the simulator's time: that must not pass meanwhile.
    with quayside(tmp_path, time_factor=10) as simulator:
        async with running_quayside(simulator) as quay:
            staged = Staged(quay.inside())
            await prepare(staged)
            simulator.fault(fault="hold", phase="precopy", vm=staged.trip.guest.name)
            following = staged.trip.follow_with(staged.ticket)
            await quay.watched(
                lambda: staged.trip.observe(staged.trip.dest),
                lambda _: "receiving" in {one["state"] for one in simulator.domains()},
            )
            simulator.fault(fault="host_death", host=SOURCE)

            seen = await staged.trip.observe(staged.trip.dest)

            assert seen.resident_host_id == quay.source.host.host_id
            assert "migrate_send" in seen.current_operations
            assert (await told(staged.trip.roll_back_at_dest())).endswith("OPERATION_IN_PROGRESS")
            following.leave()
            simulator.fault(fault="session_evict")  # wakes what waits for a host that is dead
