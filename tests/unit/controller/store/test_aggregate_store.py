"""What the store keeps of aggregates and of the operations on their pools."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from controller.model.aggregates import Operation, Phase
from controller.ports.aggregates import (
    AggregateBusy,
    AggregateChanged,
    AggregateNotEmpty,
    AggregateNotFound,
    AggregateRequestReused,
    MembershipRefused,
    NameTaken,
    OperationLost,
    Request,
)
from controller.store.settings import StoreSettings
from tests.support import aggregate_store
from tests.support.aggregate_store import POOL, REMOVE, XS1, XS2, Kept, a_plan
from tests.support.store_world import a_uuid


@pytest_asyncio.fixture
async def kept(where: StoreSettings) -> AsyncIterator[Kept]:
    """Return an empty store."""
    async with aggregate_store.opened(where) as kept:
        yield kept


async def test_an_aggregate_is_found_by_uuid_and_by_name(kept: Kept) -> None:
    made = await kept.rack()

    assert await kept.aggregates.find("rack") == made
    assert await kept.aggregates.find(made.aggregate_id) == made
    assert len(kept.told) == 1
    with pytest.raises(AggregateNotFound):
        await kept.aggregates.find("other")


async def test_a_uuid_means_the_aggregate_of_that_uuid_also_if_another_is_called_so(
    kept: Kept,
) -> None:
    made = await kept.rack()
    await kept.aggregates.create(made.aggregate_id, "", Request())

    assert await kept.aggregates.find(made.aggregate_id) == made


async def test_a_name_is_taken_once(kept: Kept) -> None:
    await kept.rack()

    with pytest.raises(NameTaken):
        await kept.rack()


async def test_a_request_is_good_for_one_body(kept: Kept) -> None:
    request_id = a_uuid()
    first = await kept.aggregates.create("rack", "", Request(request_id, "digest"))
    plan, asked = a_plan(first, XS1), Request(a_uuid(), "digest")
    driven = await kept.operations.admit(plan, asked, "me")

    again = await kept.aggregates.create("rack", "", Request(request_id, "digest"))

    assert again.aggregate_id == first.aggregate_id
    assert await kept.operations.replayed(asked) == driven.operation
    assert (await kept.operations.admit(plan, asked, "me")).operation == driven.operation
    with pytest.raises(AggregateRequestReused):
        await kept.aggregates.create("other", "", Request(request_id, "another"))
    with pytest.raises(AggregateRequestReused):
        await kept.operations.replayed(replace(asked, digest="another"))


async def test_a_first_host_brings_its_pool(kept: Kept) -> None:
    rack = await kept.of(XS1, XS2)

    assert (rack.pool_id, rack.coordinator_id) == (POOL, XS1)
    assert rack.host_ids == (XS1, XS2)
    assert await kept.aggregates.home_of(XS2) == rack


async def test_a_host_that_did_not_join_is_wanted_no_more(kept: Kept) -> None:
    rack = await kept.of(XS1)
    joining = await kept.admit(rack, XS2)
    wanted = await kept.aggregates.find("rack")

    await kept.end(joining, Phase.FAILED)

    assert wanted.host_ids == (XS1, XS2)
    assert (await kept.aggregates.find("rack")).host_ids == (XS1,)


async def test_a_host_that_was_to_join_again_stays_wanted(kept: Kept) -> None:
    rack = await kept.of(XS1, XS2)
    plan = replace(a_plan(rack, XS2), again=True)
    await kept.operations.consider(plan)
    joining = await kept.operations.admit(plan, Request(), "me")

    await kept.end(joining, Phase.FAILED)

    assert (await kept.aggregates.find("rack")).host_ids == (XS1, XS2)


async def test_the_last_host_takes_its_pool_along(kept: Kept) -> None:
    rack = await kept.of(XS1)

    await kept.end(await kept.admit(rack, XS1, REMOVE), Phase.SUCCEEDED)

    empty = await kept.aggregates.find("rack")
    assert (empty.pool_id, empty.coordinator_id, empty.host_ids) == ("", "", ())
    await kept.aggregates.delete("rack")


async def test_a_host_whose_removal_failed_stays_wanted(kept: Kept) -> None:
    rack = await kept.of(XS1, XS2)

    await kept.end(await kept.admit(rack, XS2, REMOVE), Phase.FAILED)

    assert (await kept.aggregates.find("rack")).host_ids == (XS1, XS2)


async def test_what_stands_against_an_operation_is_refused_and_not_written(kept: Kept) -> None:
    rack = await kept.of(XS1)
    other = await kept.aggregates.create("other", "", Request())
    written = len(kept.told)

    for plan in (
        a_plan(rack, XS1),
        a_plan(other, XS1),
        a_plan(rack, XS2, REMOVE),
        a_plan(other, XS1, REMOVE),
        replace(a_plan(other, XS2), first=True),
        replace(a_plan(other, XS1), again=True),
    ):
        with pytest.raises(MembershipRefused):
            await kept.operations.consider(plan)
        with pytest.raises(MembershipRefused):
            await kept.operations.admit(plan, Request(), "me")
    assert len(kept.told) == written


async def test_while_an_operation_is_open_nothing_else_is_done(kept: Kept) -> None:
    rack = await kept.of(XS1)
    await kept.admit(rack, XS2)

    with pytest.raises(AggregateBusy):
        await kept.admit(rack, XS1, REMOVE)
    with pytest.raises(AggregateBusy):
        await kept.aggregates.delete("rack")
    with pytest.raises(AggregateBusy):
        await kept.aggregates.adopt(rack)


async def test_an_aggregate_with_hosts_is_not_deleted(kept: Kept) -> None:
    await kept.of(XS1)

    with pytest.raises(AggregateNotEmpty):
        await kept.aggregates.delete("rack")


async def test_adopting_takes_over_name_and_hosts_unless_they_are_taken(kept: Kept) -> None:
    rack = await kept.of(XS1)
    other = await kept.aggregates.create("other", "", Request())

    adopted = await kept.aggregates.adopt(replace(rack, name="shelf", host_ids=(XS1, XS2)))

    assert (adopted.name, adopted.host_ids) == ("shelf", (XS1, XS2))
    with pytest.raises(NameTaken):
        await kept.aggregates.adopt(replace(other, name="shelf"))
    with pytest.raises(MembershipRefused):
        await kept.aggregates.adopt(replace(other, host_ids=(XS2,)))


async def test_what_was_read_before_a_host_came_is_not_adopted(kept: Kept) -> None:
    read = await kept.of(XS1)
    await kept.end(await kept.admit(read, XS2), Phase.SUCCEEDED, in_pool=True)

    with pytest.raises(AggregateChanged):
        await kept.aggregates.adopt(read)

    assert (await kept.aggregates.find("rack")).host_ids == (XS1, XS2)


async def test_an_open_operation_is_claimed_as_it_was_left_and_its_old_driver_is_fenced(
    kept: Kept,
) -> None:
    begun = await kept.admit(await kept.rack(), XS1)
    known: Operation = begun.operation.entered(Phase.JOINING, kept.clock.now(), "half way")
    await kept.operations.advance(begun, known)

    (claimed,) = await kept.operations.claim_open("you", ())

    assert (claimed.operation, claimed.owner, claimed.epoch) == (known, "you", 2)
    assert await kept.operations.claim_open("you", {known.operation_id}) == []
    with pytest.raises(OperationLost):
        await kept.end(begun, Phase.SUCCEEDED)
    await kept.end(claimed, Phase.SUCCEEDED, in_pool=True)
    assert await kept.operations.claim_open("you", ()) == []
    assert (await kept.aggregates.operation(known.operation_id)).phase is Phase.SUCCEEDED


async def test_aggregates_come_in_pages_by_name(kept: Kept) -> None:
    for name in ("c", "a", "b"):
        await kept.aggregates.create(name, "", Request())

    first = await kept.aggregates.page(2, None)
    rest = await kept.aggregates.page(2, (first[-1].name, first[-1].aggregate_id))

    assert [each.name for each in (*first, *rest)] == ["a", "b", "c"]
