"""Aggregates over real gRPC: what is refused, what is told, and how drift is settled."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.support import aggregate_world
from tests.support.aggregate_world import SUCCEEDED, Aggregates, a_uuid
from xenferry.controller.v1 import aggregates_pb2

NOWHERE = "00000000-0000-4000-8000-00000000dead"
ADOPT = aggregates_pb2.DRIFT_SETTLEMENT_ADOPT
WATCH = aggregates_pb2.WatchAggregatesRequest()
CREATE = ("CreateAggregate", {"name": "rack"})


@pytest_asyncio.fixture
async def rack(tmp_path: Path) -> AsyncIterator[Aggregates]:
    """Return the service of a controller that hears three hosts, of a pool each."""
    async with aggregate_world.a_ring(tmp_path) as ring, ring.service() as service:
        yield service


async def test_the_first_host_brings_its_pool_and_the_second_joins_it(rack: Aggregates) -> None:
    await rack.added("xs1", "xs2")

    known = await rack.get()

    assert known.pool_id == rack.ring.agents["xs1"].host.pool_id
    assert [(h.host_name, h.coordinator, h.in_pool, h.wanted) for h in known.hosts] == [
        ("xs1", True, True, True),
        ("xs2", False, True, True),
    ]
    assert rack.ring.agents["xs1"].host.pool_name == "rack"
    assert not known.HasField("operation")


@pytest.mark.parametrize(
    ("call", "given", "fields"),
    [
        ("CreateAggregate", {"name": "", "request_id": "x"}, {"name", "request_id"}),
        ("CreateAggregate", {"name": "a", "availability_zone": "z" * 256}, {"availability_zone"}),
        ("AddHost", {"request_id": "x"}, {"aggregate", "host", "request_id"}),
        ("RemoveHost", {"request_id": "x"}, {"aggregate", "host", "request_id"}),
        ("GetAggregate", {}, {"aggregate"}),
        ("DeleteAggregate", {}, {"aggregate"}),
        ("GetAggregateOperation", {"operation_id": "x"}, {"operation_id"}),
        ("CancelAggregateOperation", {}, {"operation_id"}),
        ("SettleDrift", {}, {"aggregate", "settlement"}),
        ("ListAggregates", {"page_size": -1, "page_token": "x"}, {"page_size", "page_token"}),
    ],
)  # fmt: skip
async def test_a_malformed_request_is_refused_with_every_field(
    rack: Aggregates, call: str, given: dict[str, Any], fields: set[str]
) -> None:
    answer = await rack.refused(call, **given)

    assert (answer.code, answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_ARGUMENT")
    assert all(field in answer.message for field in fields)


@pytest.mark.parametrize(
    ("call", "given", "reason"),
    [
        ("GetAggregate", {"aggregate": "none"}, "AGGREGATE_NOT_FOUND"),
        ("DeleteAggregate", {"aggregate": NOWHERE}, "AGGREGATE_NOT_FOUND"),
        ("AddHost", {"aggregate": "none", "host": "xs1"}, "AGGREGATE_NOT_FOUND"),
        ("AddHost", {"aggregate": "rack", "host": "none"}, "HOST_NOT_FOUND"),
        ("RemoveHost", {"aggregate": "rack", "host": NOWHERE}, "HOST_NOT_FOUND"),
        ("SettleDrift", {"aggregate": "none", "settlement": ADOPT}, "AGGREGATE_NOT_FOUND"),
        ("GetAggregateOperation", {"operation_id": NOWHERE}, "AGGREGATE_OPERATION_NOT_FOUND"),
        ("CancelAggregateOperation", {"operation_id": NOWHERE}, "AGGREGATE_OPERATION_NOT_FOUND"),
    ],
)
async def test_what_nobody_knows_is_not_found(
    rack: Aggregates, call: str, given: dict[str, Any], reason: str
) -> None:
    await rack.ask(*CREATE[:1], **CREATE[1])

    answer = await rack.refused(call, **given)

    assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, reason)


async def test_a_name_is_taken_once(rack: Aggregates) -> None:
    await rack.ask("CreateAggregate", name="rack")

    answer = await rack.refused("CreateAggregate", name="rack")

    assert answer.reason == "AGGREGATE_NAME_TAKEN"
    assert len((await rack.ask("ListAggregates")).aggregates) == 1


async def test_a_repeat_with_the_same_request_id_makes_nothing_new(rack: Aggregates) -> None:
    request_id = a_uuid()
    made = await rack.ask("CreateAggregate", name="rack", request_id=request_id)
    again = await rack.ask("CreateAggregate", name="rack", request_id=request_id)
    joining = await rack.add("xs1", request_id=a_uuid())
    await rack.ended(joining)

    repeated = await rack.add("xs1", request_id=joining.request_id)

    assert again.aggregate_id == made.aggregate_id
    assert (repeated.operation_id, repeated.phase) == (joining.operation_id, SUCCEEDED)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CREATE, ("CreateAggregate", {"name": "other"})),
        (CREATE, ("CreateAggregate", {"name": "rack", "availability_zone": "north"})),
        (("AddHost", {"aggregate": "base", "host": "xs1"}),
         ("AddHost", {"aggregate": "base", "host": "xs2"})),
        (("AddHost", {"aggregate": "base", "host": "xs1"}),
         ("AddHost", {"aggregate": "base", "host": "xs1", "force": True})),
        (("AddHost", {"aggregate": "base", "host": "xs1"}),
         ("RemoveHost", {"aggregate": "base", "host": "xs1"})),
    ],
)  # fmt: skip
async def test_a_request_id_is_good_for_one_body(rack: Aggregates, first: Any, second: Any) -> None:
    request_id = a_uuid()
    await rack.ask("CreateAggregate", name="base")
    await rack.ask(first[0], **first[1], request_id=request_id)

    answer = await rack.refused(second[0], **second[1], request_id=request_id)

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("validate_only", [False, True])
async def test_a_host_is_in_one_aggregate_only(rack: Aggregates, validate_only: bool) -> None:
    await rack.added("xs1")
    await rack.ask("CreateAggregate", name="other")

    elsewhere = await rack.refused(
        "AddHost", aggregate="other", host="xs1", validate_only=validate_only
    )
    twice = await rack.refused("AddHost", aggregate="rack", host="xs1", validate_only=validate_only)
    never = await rack.refused(
        "RemoveHost", aggregate="rack", host="xs2", validate_only=validate_only
    )

    assert {elsewhere.reason, twice.reason, never.reason} == {"AGGREGATE_MEMBERSHIP"}
    assert len((await rack.get("other")).hosts) == 0


async def test_a_pool_belongs_to_one_aggregate_only(rack: Aggregates) -> None:
    await rack.added("xs1")
    await rack.ask("CreateAggregate", name="other")
    stranger = rack.ring.agents["xs2"]
    stranger.belong_to(rack.ring.agents["xs1"])
    stranger.host.coordinator = True
    await rack.register(stranger)

    answer = await rack.refused("AddHost", aggregate="other", host="xs2")

    assert answer.reason == "AGGREGATE_MEMBERSHIP"


async def test_an_aggregate_with_hosts_is_not_deleted(rack: Aggregates) -> None:
    await rack.added("xs1")

    refused = await rack.refused("DeleteAggregate", aggregate="rack")
    ended = await rack.ended(await rack.ask("RemoveHost", aggregate="rack", host="xs1"))
    await rack.ask("DeleteAggregate", aggregate="rack")

    assert refused.reason == "AGGREGATE_NOT_EMPTY"
    assert ended.phase == SUCCEEDED
    assert len((await rack.ask("ListAggregates")).aggregates) == 0


async def test_validation_alone_writes_nothing(rack: Aggregates) -> None:
    await rack.added("xs1")

    told = await rack.add("xs2", validate_only=True)

    assert told.operation_id == ""
    assert len(told.findings) > 0
    assert [host.host_name for host in (await rack.get()).hosts] == ["xs1"]
    assert rack.ring.agents["xs1"].calls["JoinPool"] == 0


async def test_one_operation_at_a_time(rack: Aggregates) -> None:
    await rack.added("xs1")
    rack.ring.dom0.held = "stopping_agent"
    joining = await rack.add("xs2")

    answer = await rack.refused("AddHost", aggregate="rack", host="xs3")
    deleting = await rack.refused("DeleteAggregate", aggregate="rack")
    unwritten = await rack.refused("AddHost", aggregate="rack", host="xs3", validate_only=True)

    assert (answer.code, answer.reason) == (grpc.StatusCode.ABORTED, "AGGREGATE_BUSY")
    assert unwritten.reason == deleting.reason == "AGGREGATE_BUSY"
    assert answer.metadata["operation_id"] == joining.operation_id


async def test_a_cancel_that_comes_too_late_is_told_so(rack: Aggregates) -> None:
    await rack.added("xs1")
    rack.ring.dom0.held = "stopping_agent"
    joining = await rack.add("xs2")
    await rack.until(joining, lambda known: known.agent_state == "stopped")

    begun = await rack.refused("CancelAggregateOperation", operation_id=joining.operation_id)
    rack.ring.dom0.held = ""
    await rack.ended(joining)
    ended = await rack.refused("CancelAggregateOperation", operation_id=joining.operation_id)

    assert {begun.reason, ended.reason} == {"TOO_LATE_TO_CANCEL"}


async def test_a_watch_shows_what_is_there_and_each_change(rack: Aggregates) -> None:
    await rack.added("xs1")
    call = rack.stub.WatchAggregates(WATCH, timeout=10)
    told = aiter(call)

    present = await anext(told)
    made = await rack.ask("CreateAggregate", name="other")
    appeared = await anext(told)
    await rack.ask("DeleteAggregate", aggregate="other")
    gone = await anext(told)
    call.cancel()

    assert present.aggregate.name == "rack"
    assert (appeared.aggregate, appeared.deleted) == (made, False)
    assert (gone.aggregate.name, gone.deleted) == ("other", True)


async def test_each_of_many_watchers_is_told_everything(rack: Aggregates) -> None:
    await rack.ask("CreateAggregate", name="base")
    calls = [rack.stub.WatchAggregates(WATCH, timeout=10) for _ in range(20)]
    watches = [aiter(call) for call in calls]

    present = {(await anext(told)).aggregate.name for told in watches}
    await rack.ask("CreateAggregate", name="other")
    calls[0].cancel()
    appeared = {(await anext(told)).aggregate.name for told in watches[1:]}
    late = aiter(rack.stub.WatchAggregates(WATCH, timeout=10))
    both = [(await anext(late)).aggregate.name for _ in range(2)]
    for call in calls:
        call.cancel()

    assert (present, appeared) == ({"base"}, {"other"})
    assert both == ["base", "other"]


async def test_aggregates_are_listed_in_pages_by_name(rack: Aggregates) -> None:
    for each in ("c", "a", "b"):
        await rack.ask("CreateAggregate", name=each)

    first = await rack.ask("ListAggregates", page_size=2)
    rest = await rack.ask("ListAggregates", page_size=2, page_token=first.next_page_token)

    assert [known.name for known in first.aggregates] == ["a", "b"]
    assert [known.name for known in rest.aggregates] == ["c"]
    assert rest.next_page_token == ""


async def test_two_joins_at_once_are_one_and_a_refusal(rack: Aggregates) -> None:
    await rack.added("xs1")

    answers = await asyncio.gather(rack.add("xs2"), rack.add("xs3"), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert [answer.code() for answer in refused] == [grpc.StatusCode.ABORTED]


@pytest.mark.parametrize("first", [False, True])
async def test_a_host_that_two_aggregates_want_at_once_goes_to_one(
    rack: Aggregates, first: bool
) -> None:
    await rack.added(*([] if first else ["xs1"]))
    await rack.added(*([] if first else ["xs3"]), aggregate="other")

    answers = await asyncio.gather(
        rack.add("xs2"), rack.add("xs2", "other"), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    (begun,) = [answer for answer in answers if answer not in refused]
    assert [answer.code() for answer in refused] == [grpc.StatusCode.FAILED_PRECONDITION]
    assert (await rack.ended(begun)).phase == SUCCEEDED
    wanting = [await rack.get(name) for name in ("rack", "other")]
    assert sum(host.host_name == "xs2" for one in wanting for host in one.hosts) == 1
