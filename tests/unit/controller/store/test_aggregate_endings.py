"""How operations on pools are stopped, and what is kept of those that left an agent down."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from controller.model.aggregates import Operation, Phase
from controller.ports.aggregates import Driven, OperationLost, OperationNotFound, TooLateToCancel
from controller.store.settings import StoreSettings
from tests.support import aggregate_store
from tests.support.aggregate_store import REMOVE, XS1, XS2, Kept
from tests.support.store_world import a_uuid


@pytest_asyncio.fixture
async def kept(where: StoreSettings) -> AsyncIterator[Kept]:
    """Return an empty store."""
    async with aggregate_store.opened(where) as kept:
        yield kept


async def test_only_what_dom0_was_not_told_to_begin_is_cancelled(kept: Kept) -> None:
    rack = await kept.rack()
    driven = await kept.admit(rack, XS1)
    joining = driven.operation.entered(Phase.JOINING, kept.clock.now())
    await kept.operations.advance(driven, replace(joining, asked=True))

    with pytest.raises(TooLateToCancel):
        await kept.operations.cancel(joining.operation_id)

    await kept.operations.advance(driven, joining)
    assert (await kept.operations.cancel(joining.operation_id)).phase is Phase.CANCELLED


async def test_a_cancelled_operation_is_its_drivers_no_more(kept: Kept) -> None:
    rack = await kept.rack()
    driven = await kept.admit(rack, XS1)
    await kept.operations.hold(driven)

    cancelled = await kept.operations.cancel(driven.operation.operation_id)
    again = await kept.operations.cancel(driven.operation.operation_id)

    assert cancelled == again
    assert (cancelled.phase, cancelled.end_time is None) == (Phase.CANCELLED, False)
    assert (await kept.aggregates.find("rack")).host_ids == ()
    with pytest.raises(OperationLost):
        await kept.operations.hold(driven)
    with pytest.raises(OperationLost):
        await kept.end(driven, Phase.SUCCEEDED)
    with pytest.raises(OperationNotFound):
        await kept.operations.cancel(a_uuid())


async def owing(kept: Kept) -> tuple[Driven, Operation]:
    """Let a join fail with the agent VM down; returns it as driven, and as it ended."""
    driven = await kept.admit(await kept.of(XS1), XS2)
    await kept.end(driven, Phase.FAILED, agent_state="failed")
    return driven, await kept.aggregates.operation(driven.operation.operation_id)


async def test_an_operation_that_left_an_agent_down_is_driven_on_and_shown(kept: Kept) -> None:
    driven, failed = await owing(kept)
    later = await kept.admit(await kept.aggregates.find("rack"), XS2)

    shown = await kept.aggregates.find("rack")
    (claimed, _) = sorted(
        await kept.operations.claim_open("you", ()), key=lambda each: not each.operation.agent_owed
    )

    assert (shown.operation, shown.owing) == (later.operation, (failed,))
    assert (claimed.operation, claimed.epoch) == (failed, 2)
    with pytest.raises(OperationLost):
        await kept.operations.advance(driven, failed)
    await kept.operations.advance(claimed, replace(failed, agent_owed=False))
    assert (await kept.aggregates.find("rack")).owing == ()
    assert (await kept.aggregates.find("rack")).host_ids == (XS1, XS2)
    with pytest.raises(OperationLost):
        await kept.operations.hold(claimed)


@pytest.mark.parametrize("way", ["cancel", "delete"])
async def test_an_agent_that_nobody_wants_is_let_go(kept: Kept, way: str) -> None:
    driven, failed = await owing(kept)
    if way == "cancel":
        await kept.operations.cancel(failed.operation_id)
    else:
        rack = await kept.aggregates.find("rack")
        await kept.end(await kept.admit(rack, XS1, REMOVE), Phase.SUCCEEDED)
        await kept.aggregates.delete("rack")

    known = await kept.aggregates.operation(failed.operation_id)
    assert (known.phase, known.agent_owed) == (Phase.FAILED, False)
    assert await kept.operations.claim_open("you", ()) == []
    with pytest.raises(OperationLost):
        await kept.operations.hold(driven)
