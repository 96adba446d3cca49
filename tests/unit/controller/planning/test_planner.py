"""A request becomes a plan, or a refusal with every finding that can be had."""

from dataclasses import replace
from typing import Any

import pytest

from controller.model.findings import Finding, Reason, Severity, errors
from controller.model.inventory import PowerState
from controller.model.migration import MigrationKind, MigrationRequest
from controller.planning import refusals
from controller.planning.planner import Planner
from controller.ports.agents import AgentUnavailable, StepRefused
from tests.support.planning_world import (
    MIB,
    WEB1,
    XS1,
    XS2,
    XS3,
    Held,
    Oracle,
    Settled,
    Shelf,
    StillClock,
    a_host,
    an_instance,
    with_host,
)

ASKED = MigrationRequest(WEB1, XS2)


def shelf(**instance: Any) -> Shelf:
    one = an_instance()
    facts = replace(one.facts, **instance)
    return Shelf({WEB1: replace(one, facts=facts)}, [a_host(XS1, "xs1"), a_host(XS2, "xs2")])


def planner(stock: Shelf, oracle: Oracle | None = None, held: Held | None = None) -> Planner:
    return Planner(stock, oracle or Oracle(), StillClock(), held or Held(), Settled())


def objection(reason: Reason, subject: str = "host/xs2", *xapi_error: str) -> Finding:
    return Finding(reason, Severity.ERROR, subject, "no", xapi_error=xapi_error)


def a_pass(message: str) -> Finding:
    return Finding(Reason.CPU_INCOMPATIBLE, Severity.OK, "host/xs2", message)


async def refused(stock: Shelf, oracle: Oracle, request: MigrationRequest = ASKED) -> Any:
    with pytest.raises(refusals.MoveRefused) as refusal:
        await planner(stock, oracle).plan(request)
    return refusal.value.findings


async def test_a_plan_says_what_moves_from_where_to_where_and_how() -> None:
    plan = await planner(shelf()).plan(ASKED)

    assert (plan.instance_id, plan.instance_name) == (WEB1, "web-1")
    assert (plan.source_host_id, plan.source_host_name) == (XS1, "xs1")
    assert (plan.dest_host_id, plan.dest_host_name) == (XS2, "xs2")
    assert plan.kind is MigrationKind.SHARED_STORAGE
    assert plan.memory_needed_bytes == an_instance().facts.memory_needed_bytes
    assert plan.request == ASKED
    assert plan.findings
    assert not errors(plan.findings)


async def test_the_destination_may_be_named() -> None:
    plan = await planner(shelf()).plan(MigrationRequest(WEB1, "xs2"))

    assert plan.dest_host_id == XS2


async def test_a_host_may_bear_a_uuid_as_its_name() -> None:
    stock = shelf()
    stock.known[1] = with_host(stock.known[1], {"name": XS3})

    assert (await planner(stock).plan(MigrationRequest(WEB1, XS3))).dest_host_id == XS2


async def test_a_name_that_two_hosts_bear_names_neither() -> None:
    stock = shelf()
    stock.known.append(a_host(XS3, "xs2"))

    with pytest.raises(refusals.AmbiguousName) as refusal:
        await planner(stock).plan(MigrationRequest(WEB1, "xs2"))

    assert refusal.value.host_ids == (XS2, XS3)


@pytest.mark.parametrize("dest", [XS3, "xs9"])
async def test_an_unknown_destination_is_not_found(dest: str) -> None:
    with pytest.raises(refusals.HostNotFound):
        await planner(shelf()).plan(MigrationRequest(WEB1, dest))


async def test_an_unknown_instance_is_not_found() -> None:
    with pytest.raises(refusals.InstanceNotFound):
        await planner(shelf()).plan(MigrationRequest(XS3, XS2))


async def test_what_the_destination_told_is_carried_to_the_source() -> None:
    oracle = Oracle()

    await planner(shelf(), oracle).plan(ASKED)

    assert oracle.asked == ["dest xs2", "source xs1"]
    assert oracle.carried == b"sealed"


async def test_the_findings_of_both_agents_come_after_ours_passes_included() -> None:
    oracle = Oracle([a_pass("room")], [objection(Reason.OPERATION_BLOCKED, "instance/web-1")])

    findings = await refused(shelf(power_state=PowerState.PAUSED), oracle)

    assert [finding.reason for finding in errors(findings)] == [
        Reason.INSTANCE_NOT_RUNNING,
        Reason.OPERATION_BLOCKED,
    ]
    assert findings[-2] == a_pass("room")


async def test_a_thing_that_several_tell_of_is_told_once_by_who_knows_best() -> None:
    enabled = Finding(Reason.DEST_DISABLED, Severity.OK, "host/xs2", "xs2 is enabled, says XAPI")
    no_disk = objection(Reason.STORAGE_NOT_SHARED, "sr/local", "VM_REQUIRES_SR")
    oracle = Oracle([enabled, no_disk], [objection(Reason.STORAGE_NOT_SHARED, "sr/local")])

    findings = await refused(shelf(), oracle)

    assert [f for f in findings if f.reason is Reason.DEST_DISABLED] == [enabled]
    assert errors(findings) == (no_disk,)


async def test_an_agents_objection_takes_the_place_of_our_pass_and_of_our_objection() -> None:
    fresher = objection(Reason.INSUFFICIENT_MEMORY, "host/xs2", "HOST_NOT_ENOUGH_FREE_MEMORY")
    full = shelf()
    full.known[1] = with_host(full.known[1], {"memory_free_bytes": 0})

    for stock in (shelf(), full):
        findings = await refused(stock, Oracle([fresher]))

        assert findings.count(fresher) == 1
        assert errors(findings) == (fresher,)
        assert not [finding for finding in findings if "MiB free" in finding.message]


async def test_a_destination_that_refuses_to_answer_is_told_and_the_source_not_asked() -> None:
    oracle = Oracle(dest=StepRefused([objection(Reason.WRONG_HOST)]))

    findings = await refused(shelf(), oracle)

    assert errors(findings) == (objection(Reason.WRONG_HOST),)
    assert oracle.asked == ["dest xs2"]


async def test_a_source_that_refuses_to_answer_is_told() -> None:
    findings = await refused(shelf(), Oracle(source=StepRefused([objection(Reason.WRONG_HOST)])))

    assert errors(findings) == (objection(Reason.WRONG_HOST),)


async def test_an_agent_that_does_not_answer_makes_its_host_not_alive() -> None:
    silence = AgentUnavailable([objection(Reason.AGENT_UNAVAILABLE, "host/xs2", "X")])

    (dest,) = errors(await refused(shelf(), Oracle(dest=silence)))
    (source,) = errors(await refused(shelf(), Oracle(source=silence)))

    assert (dest.reason, dest.subject) == (Reason.DEST_NOT_ALIVE, "host/xs2")
    assert (source.reason, source.subject) == (Reason.SOURCE_NOT_ALIVE, "host/xs1")
    assert "does not answer" in dest.message
    assert dest.xapi_error == ("X",)


async def test_nobody_is_asked_about_a_move_to_where_the_instance_is() -> None:
    oracle = Oracle()

    (error,) = errors(await refused(shelf(), oracle, MigrationRequest(WEB1, XS1)))

    assert error.reason is Reason.DEST_IS_SOURCE
    assert oracle.asked == []


async def test_a_dead_destination_is_not_asked_and_neither_is_the_source() -> None:
    stock, oracle = shelf(), Oracle()
    stock.known[1] = with_host(stock.known[1], {}, alive=False)

    await refused(stock, oracle)

    assert oracle.asked == []


async def test_with_a_dead_source_the_destination_is_still_asked() -> None:
    stock, oracle = shelf(), Oracle([objection(Reason.NETWORK_NOT_AVAILABLE, "network/a")])
    stock.known[0] = with_host(stock.known[0], {}, alive=False)

    findings = await refused(stock, oracle)

    assert oracle.asked == ["dest xs2"]
    assert [finding.reason for finding in errors(findings)] == [
        Reason.SOURCE_NOT_ALIVE,
        Reason.NETWORK_NOT_AVAILABLE,
    ]


async def test_a_halted_instance_is_refused_without_asking() -> None:
    oracle = Oracle()

    stock = shelf(host_id="", power_state=PowerState.HALTED)
    (error,) = errors(await refused(stock, oracle))

    assert error.reason is Reason.INSTANCE_NOT_RUNNING
    assert oracle.asked == []


async def test_disks_that_have_to_be_copied_are_planned_with_the_room_they_take() -> None:
    oracle = Oracle(kind=MigrationKind.BLOCK)

    plan = await planner(shelf(), oracle).plan(ASKED)

    assert plan.kind is MigrationKind.BLOCK
    assert plan.disk == oracle.disk
    assert plan.dest_check_data == b"sealed"
    assert plan.estimate == oracle.estimate


async def test_a_cell_says_whether_and_how_and_never_raises() -> None:
    planning = planner(shelf(), Oracle())

    yes = await planning.check(ASKED)
    no = await planning.check(MigrationRequest(WEB1, XS1))
    nowhere = await planning.check(MigrationRequest(WEB1, "xs9"))
    nothing = await planning.check(MigrationRequest(XS3, XS2))

    assert (yes.possible, yes.dest_host_id) == (True, XS2)
    assert yes.kind is MigrationKind.SHARED_STORAGE
    assert (no.possible, no.dest_host_id) == (False, XS1)
    assert [finding.reason for finding in nowhere.findings] == [Reason.HOST_NOT_FOUND]
    assert [finding.reason for finding in nothing.findings] == [Reason.INSTANCE_NOT_FOUND]


@pytest.mark.parametrize(("held_mib", "fits"), [(0, True), (80, True), (81, False)])
async def test_room_on_the_sr_that_is_held_for_others_is_not_free(
    held_mib: int, fits: bool
) -> None:
    oracle = Oracle(kind=MigrationKind.BLOCK)
    judge = planner(shelf(), oracle, Held({"sr-1": held_mib * MIB}))

    cell = await judge.check(replace(ASKED, block_migration=True))

    assert cell.possible is fits
    found = [each for each in cell.findings if each.reason is Reason.INSUFFICIENT_DISK_SPACE]
    assert [each.subject for each in found] == (["sr/local"] if held_mib else [])
    assert all(each.measured["reserved_bytes"] == str(held_mib * MIB) for each in found)


async def test_room_on_the_sr_does_not_matter_to_who_leaves_the_disks() -> None:
    judge = planner(shelf(), Oracle(), Held({"sr-1": 1_000 * MIB}))

    assert (await judge.check(ASKED)).possible
