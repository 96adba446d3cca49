"""Admission: who gets in when many ask at once, and that nobody gets in twice."""

import asyncio

import pytest

from controller.model.migration import Migration, MigrationState
from controller.ports.admission import (
    InstanceBusy,
    InstanceElsewhere,
    NoRoom,
    RequestIdReused,
)
from controller.ports.ledger import Advance
from controller.store.settings import StoreSettings
from tests.support.ledger_conformance import claim_of
from tests.support.store_world import GIB, a_plan, a_uuid, an_agent, open_store


async def test_hundred_requests_into_room_for_seven_admit_seven(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2", free_bytes=7 * 4 * GIB + 1)
    guests = [source.runs(f"web-{number}") for number in range(100)]
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(*guests))

        answers = await asyncio.gather(
            *(store.admission.admit(a_plan(guest, source, dest), "one", "") for guest in guests),
            return_exceptions=True,
        )

        assert sum(isinstance(answer, Migration) for answer in answers) == 7
        refused = [answer for answer in answers if isinstance(answer, NoRoom)]
        assert len(refused) == 93
        assert (refused[0].free_bytes, refused[0].reserved_bytes) == (28 * GIB + 1, 28 * GIB)
        assert await store.reserved_bytes(dest.host_id) == 28 * GIB


async def test_exactly_enough_memory_is_not_enough(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2", free_bytes=4 * GIB)
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))

        with pytest.raises(NoRoom, match=r"4,096 MiB free .* needs more than 4,096 MiB"):
            await store.admission.admit(a_plan(guest, source, dest), "one", "")

        assert (await store.instance(guest.instance_id)).task_state == ""


async def test_one_instance_asked_for_fifty_times_is_admitted_once(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2", free_bytes=1_000 * GIB)
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))

        answers = await asyncio.gather(
            *(store.admission.admit(a_plan(guest, source, dest), "one", "") for _ in range(50)),
            return_exceptions=True,
        )

        (admitted,) = [answer for answer in answers if isinstance(answer, Migration)]
        busy = [answer for answer in answers if isinstance(answer, InstanceBusy)]
        assert {error.migration_id for error in busy} == {admitted.migration_id}
        assert len(busy) == 49


async def test_one_request_id_sent_twenty_times_at_once_begins_one_migration(
    where: StoreSettings,
) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        plan = a_plan(guest, source, dest, request_id=a_uuid())

        answers = await asyncio.gather(
            *(store.admission.admit(plan, "one", "digest") for _ in range(20))
        )

        assert len({answer.migration_id for answer in answers}) == 1


async def test_request_id_with_another_body_is_refused(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        plan = a_plan(guest, source, dest, request_id=a_uuid())
        first = await store.admission.admit(plan, "one", "digest")

        assert await store.admission.replay(plan.request.request_id, "digest") == first
        with pytest.raises(RequestIdReused):
            await store.admission.replay(plan.request.request_id, "another")
        with pytest.raises(RequestIdReused):
            await store.admission.admit(plan, "one", "another")


async def test_instance_that_left_its_source_is_not_admitted(where: StoreSettings) -> None:
    source, dest, third = an_agent("xs1"), an_agent("xs2"), an_agent("xs3")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))

        with pytest.raises(InstanceElsewhere):
            await store.admission.admit(a_plan(guest, third, dest), "one", "")


async def test_ended_migration_makes_room_for_the_next(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2", free_bytes=5 * GIB)
    one, two = source.runs("web-1"), source.runs("web-2")
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(one, two))
        first = await store.admission.admit(a_plan(one, source, dest), "me", "")
        with pytest.raises(NoRoom):
            await store.admission.admit(a_plan(two, source, dest), "me", "")

        end = Advance(state=MigrationState.ROLLED_BACK, close=True)
        await store.ledger.advance(claim_of(first, "me"), end)

        await store.admission.admit(a_plan(two, source, dest), "me", "")
        assert await store.reserved_bytes(dest.host_id) == 4 * GIB


async def test_admission_whose_caller_is_gone_is_known_all_the_same(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        caller = asyncio.create_task(store.admission.admit(a_plan(guest, source, dest), "me", ""))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)

        (open_one,) = await store.ledger.claim_open("me")

        assert caller.cancelled()
        assert store.live.find(open_one.migration_id) == open_one
        assert (await store.instance(guest.instance_id)).migration_id == open_one.migration_id
