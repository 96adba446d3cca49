"""Room on the SR that takes the disks of a block migration is held, counted and given back."""

import asyncio
from dataclasses import replace

import pytest

from controller.model.migration import (
    DiskRoom,
    Migration,
    MigrationKind,
    MigrationPlan,
    MigrationState,
)
from controller.ports.admission import NoDiskRoom
from controller.ports.ledger import Advance
from controller.store.settings import StoreSettings
from tests.support.ledger_conformance import claim_of
from tests.support.store_world import GIB, Agent, Store, a_plan, a_uuid, an_agent, open_store

SR = a_uuid()


def block_plan(source: Agent, dest: Agent, name: str, free_bytes: int) -> MigrationPlan:
    """Return the plan of a move whose disks take 10 GiB of an SR."""
    disk = DiskRoom(SR, "local", needed_bytes=10 * GIB, free_bytes=free_bytes)
    plan = a_plan(source.runs(name), source, dest)
    return replace(plan, kind=MigrationKind.BLOCK, disk=disk, dest_check_data=b"\x00sealed")


async def register(store: Store, plans: list[MigrationPlan], source: Agent, *dests: Agent) -> None:
    for dest in dests:
        await store.inventory.register(dest.registration())
    guests = [source.runs(plan.instance_name, plan.instance_id) for plan in plans]
    await store.inventory.register(source.registration(*guests))


async def test_disks_are_admitted_as_long_as_the_sr_has_room(where: StoreSettings) -> None:
    source, dest, other = an_agent("xs1"), an_agent("xs2"), an_agent("xs3")
    dests = [dest, other] * 5
    plans = [block_plan(source, dests[n], f"web-{n}", 30 * GIB) for n in range(10)]
    async with open_store(where) as store:
        await register(store, plans, source, dest, other)

        answers = await asyncio.gather(
            *(store.admission.admit(plan, "one", "") for plan in plans), return_exceptions=True
        )

        admitted = [answer for answer in answers if isinstance(answer, Migration)]
        refused = [answer for answer in answers if isinstance(answer, NoDiskRoom)]
        assert (len(admitted), len(refused)) == (3, 7)
        assert refused[0].reserved_bytes == 30 * GIB
        assert "0 MiB free" in str(refused[0])
        assert "10,240 MiB" in str(refused[0])


async def test_an_ending_gives_the_room_back(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    plans = [block_plan(source, dest, f"web-{n}", 10 * GIB) for n in range(2)]
    async with open_store(where) as store:
        await register(store, plans, source, dest)
        first = await store.admission.admit(plans[0], "one", "")
        with pytest.raises(NoDiskRoom):
            await store.admission.admit(plans[1], "one", "")
        assert (await store.instance(plans[1].instance_id)).task_state == ""

        end = Advance(state=MigrationState.ROLLED_BACK, close=True)
        ended = await store.ledger.advance(claim_of(first, "one"), end)

        assert (first.reserved_disk_bytes, ended.reserved_disk_bytes) == (10 * GIB, 0)
        await store.admission.admit(plans[1], "one", "")


async def test_what_the_destination_told_is_kept_as_it_came(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    plan = block_plan(source, dest, "web-1", 10 * GIB)
    async with open_store(where) as store:
        await register(store, [plan], source, dest)
        admitted = await store.admission.admit(plan, "one", "")

        known = await store.ledger.load(admitted.migration_id)

        assert known.plan == plan
        assert known.plan.dest_check_data == b"\x00sealed"
