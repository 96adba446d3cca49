"""Each check says what is, what was needed, and what to do."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.findings import Finding, Reason, Severity, errors
from controller.model.inventory import Host, PowerState
from controller.model.migration import MigrationKind
from controller.planning import checks, host_checks
from controller.planning.snapshot import Snapshot
from tests.support.planning_world import MIB, SOFTWARE, XS1, XS2, a_snapshot, with_host


def found(snapshot: Snapshot) -> tuple[Finding, ...]:
    return checks.run(snapshot)


def only_error(snapshot: Snapshot) -> Finding:
    (error,) = errors(found(snapshot))
    return error


def with_dest(facts: dict[str, Any] | None = None, **added: Any) -> Snapshot:
    snapshot = a_snapshot()
    return replace(snapshot, dest=with_host(snapshot.dest, facts or {}, **added))


def with_source(facts: dict[str, Any] | None = None, **added: Any) -> Snapshot:
    snapshot = a_snapshot()
    source = snapshot.source
    assert source is not None
    return replace(snapshot, source=with_host(source, facts or {}, **added))


def with_instance(facts: dict[str, Any] | None = None, **added: Any) -> Snapshot:
    snapshot = a_snapshot()
    changed = replace(snapshot.instance.facts, **(facts or {}))
    return replace(snapshot, instance=replace(snapshot.instance, facts=changed, **added))


def test_a_move_with_nothing_against_it_passes_every_check() -> None:
    passes = found(a_snapshot())

    assert {finding.severity for finding in passes} == {Severity.OK}
    assert len(passes) == len(checks.CHECKS)


def test_the_checks_are_made_in_the_order_of_the_design() -> None:
    passes = [finding.reason for finding in found(a_snapshot())]

    assert passes == [
        Reason.SOURCE_NOT_ALIVE,
        Reason.DEST_NOT_ALIVE,
        Reason.DEST_IS_SOURCE,
        Reason.DEST_DISABLED,
        Reason.INSUFFICIENT_MEMORY,
        Reason.HYPERVISOR_MISMATCH,
        Reason.DEST_OLDER,
        Reason.INSTANCE_NOT_RUNNING,
        Reason.INSTANCE_BUSY,
        Reason.POOLS_DIFFER,
    ]


def without_disks(snapshot: Snapshot) -> Snapshot:
    """Return the same for a move that must leave the disks where they are."""
    return replace(snapshot, request=replace(snapshot.request, block_migration=False))


OLD = replace(SOFTWARE, xen="4.13.5")
REFUSALS = [
    (with_source(alive=False), Reason.SOURCE_NOT_ALIVE, "the agent of xs1 is not heard"),
    (with_source({"live": False}), Reason.SOURCE_NOT_ALIVE, "XAPI says that xs1 is not live"),
    (replace(a_snapshot(), source=None), Reason.SOURCE_NOT_ALIVE, "whose agent never registered"),
    (with_dest(alive=False), Reason.DEST_NOT_ALIVE, "last heartbeat: 2026-01-01T00:00:00"),
    (with_dest({"live": False}), Reason.DEST_NOT_ALIVE, "XAPI says that xs2 is not live"),
    (with_dest({"host_id": XS1}), Reason.DEST_IS_SOURCE, "web-1 is on xs2 already"),
    (with_dest({"enabled": False}), Reason.DEST_DISABLED, "xs2 is disabled in XAPI"),
    (with_dest(maintenance=True), Reason.DEST_DISABLED, "xs2 is in maintenance"),
    (
        with_dest({"memory_free_bytes": 1024 * MIB}),
        Reason.INSUFFICIENT_MEMORY,
        "xs2 has 1,024 MiB free, web-1 needs 4,230 MiB",
    ),
    (
        with_dest(reserved_memory_bytes=6144 * MIB),
        Reason.INSUFFICIENT_MEMORY,
        "xs2 has 2,048 MiB free, besides 6,144 MiB held for other migrations",
    ),
    (
        with_dest({"hypervisor_type": "kvm"}),
        Reason.HYPERVISOR_MISMATCH,
        "xs2 runs kvm, xs1 runs xen",
    ),
    (
        with_dest({"software": OLD}),
        Reason.DEST_OLDER,
        "xs2 is older: xen 4.13.5 where xs1 has 4.17.5-13",
    ),
    (
        with_instance({"power_state": PowerState.PAUSED}),
        Reason.INSTANCE_NOT_RUNNING,
        "web-1 is paused",
    ),
    (
        with_instance(task_state="migrating", migration_id="m-1"),
        Reason.INSTANCE_BUSY,
        "web-1 is migrating in migration m-1",
    ),
    (
        without_disks(with_dest({"pool_id": "pool-2", "pool_name": "pool two"})),
        Reason.POOLS_DIFFER,
        "xs2 is in pool pool two, xs1 in pool pool one",
    ),
]


@pytest.mark.parametrize(
    ("snapshot", "reason", "message"), REFUSALS, ids=[reason.value for _, reason, _ in REFUSALS]
)
def test_a_refusal_names_the_reason_the_figures_and_the_remedy(
    snapshot: Snapshot, reason: Reason, message: str
) -> None:
    error = only_error(snapshot)

    assert error.reason is reason
    assert message in error.message
    assert error.remedy
    assert error.subject.startswith(("host/", "instance/"))


def test_every_check_refuses_something() -> None:
    passes = {finding.reason for finding in found(a_snapshot())}

    assert {reason for _, reason, _ in REFUSALS} == passes


def test_pools_may_differ_where_the_disks_may_move() -> None:
    snapshot = with_dest({"pool_id": "pool-2"})

    assert Reason.POOLS_DIFFER not in {finding.reason for finding in found(snapshot)}
    assert checks.asked_kind(snapshot) is MigrationKind.BLOCK
    assert checks.asked_kind(without_disks(snapshot)) is MigrationKind.SHARED_STORAGE
    assert checks.asked_kind(a_snapshot()) is MigrationKind.SHARED_STORAGE


@given(free=st.integers(0, 10**12), needed=st.integers(0, 10**12), held=st.integers(0, 10**12))
def test_memory_is_enough_only_when_strictly_more_is_free(
    free: int, needed: int, held: int
) -> None:
    snapshot = with_dest({"memory_free_bytes": free}, reserved_memory_bytes=held)
    facts = replace(snapshot.instance.facts, memory_needed_bytes=needed)
    snapshot = replace(snapshot, instance=replace(snapshot.instance, facts=facts))

    finding = host_checks.enough_memory(snapshot)

    assert (finding.severity is Severity.OK) == (free - held > needed)
    assert finding.measured["free_bytes"] == str(free - held)


def test_exactly_enough_memory_is_too_little() -> None:
    error = only_error(with_dest({"memory_free_bytes": 4230 * MIB}))

    assert error.measured["free_bytes"] == error.measured["needed_bytes"]


def test_a_part_that_is_not_told_is_said_not_to_be_compared() -> None:
    snapshot = with_source({"software": replace(SOFTWARE, xapi_build="")})

    (finding,) = [found for found in found(snapshot) if "not compared" in found.message]

    assert finding.severity is Severity.OK
    assert "xapi_build not compared" in finding.message


def test_a_halted_instance_is_judged_by_what_can_be_known() -> None:
    halted = with_instance({"power_state": PowerState.HALTED, "host_id": ""})

    error = only_error(replace(halted, source=None))

    assert error.reason is Reason.INSTANCE_NOT_RUNNING


def test_everything_wrong_is_told_at_once() -> None:
    snapshot = with_dest({"enabled": False, "memory_free_bytes": 0, "software": OLD}, alive=False)

    reasons = [finding.reason for finding in errors(found(snapshot))]

    assert reasons == [
        Reason.DEST_NOT_ALIVE,
        Reason.DEST_DISABLED,
        Reason.INSUFFICIENT_MEMORY,
        Reason.DEST_OLDER,
    ]


def test_a_never_heard_agent_is_said_to_be_never_heard() -> None:
    never: Host = with_dest(alive=False, heartbeat_time=None).dest

    assert "never" in only_error(replace(a_snapshot(), dest=never)).message
    assert never.host_id == XS2
