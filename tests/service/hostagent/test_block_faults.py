"""Whatever breaks at whatever call: one live copy, one start, and nothing of the migration left.

The steps are driven as the controller does it: a call that is not answered is made again, and what
became of a move is judged by what both sides show.
"""

from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import PATIENCE, TRIPS, Trip, Yard
from tests.service.hostagent.pool import ARRIVED, STAYED, running_agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = pytest.mark.parametrize("kind", TRIPS)
MOVES = frozenset({"pool_migrate", "migrate_send"})
ATTEMPTS = 6

# The calls that the three kinds make between the first step and the last. A read that is lost is
# made again below all this, so one of them stands for all.
READ = "VM.get_record"
CHANGES = (
    "VM.add_to_other_config",
    "VM.remove_from_other_config",
    "VDI.add_to_other_config",
    "VDI.remove_from_other_config",
    "host.add_to_other_config",
    "host.remove_from_other_config",
    "host.migrate_receive",
    "Async.VM.pool_migrate",
    "Async.VM.migrate_send",
    "task.add_to_other_config",
    "task.destroy",
    "session.logout",
)
# Where it matters whether a call without a reply was carried out.
NOT_DONE = frozenset(
    {
        "VM.add_to_other_config",
        "VM.remove_from_other_config",
        "host.migrate_receive",
        "Async.VM.pool_migrate",
        "Async.VM.migrate_send",
    }
)
BREAKS = ("drop_reply", "drop_call")


async def again(step: Any) -> Any:
    """Make a call until it is answered; raises what is no matter of time."""
    for _ in range(ATTEMPTS):
        try:
            return await step()
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
    raise TimeoutError("the agent does not answer")


async def moved(trip: Trip) -> int:
    """Move, and return the outcome; 0 where the call was not answered."""
    ticket = (await again(trip.prepare)).receive_ticket
    try:
        return int((await trip.follow_with(ticket).last()).outcome)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return 0


async def arrived(trip: Trip) -> bool:
    """Tell where the guest is by what both sides show, once nothing moves it."""
    while True:
        dest = await again(lambda: trip.observe(trip.dest))
        source = await again(lambda: trip.observe(trip.yard.source))
        if MOVES & {*dest.current_operations, *source.current_operations}:
            continue
        if dest.resident_host_id == trip.dest.host.host_id:
            return True
        if source.resident_host_id == trip.yard.source.host.host_id:
            return False


async def ended(trip: Trip, outcome: int) -> bool:
    """Do what follows from the outcome; tell whether the guest arrived."""
    if outcome == ARRIVED or (outcome != STAYED and await arrived(trip)):
        await again(trip.post_at_source)
        await again(trip.post_at_dest)
        return True
    await again(trip.roll_back_at_source)
    await again(trip.roll_back_at_dest)
    return False


def check(trip: Trip, *, there: bool) -> None:
    """Assert what must hold after everything."""
    assert trip.where() == [trip.host if there else "n1"]
    assert trip.residue() == set()
    assert trip.yard.starts(trip.guest) <= 1


@KINDS
@pytest.mark.parametrize("fault", BREAKS)
async def test_each_call_may_lose_its_reply_or_never_arrive(
    yard: Yard, kind: str, fault: str
) -> None:
    """One trip a call, for a table of its own would cost minutes."""
    for method in used_calls(kind, fault):
        trip = TRIPS[kind](yard)
        armed = yard.simulator.fault(fault=fault, method=method, nth=1)

        there = await ended(trip, await moved(trip))

        yard.simulator.lift(armed)
        check(trip, there=there)


def used_calls(kind: str, fault: str) -> list[str]:
    """Return the calls that this kind of move makes."""
    shared = kind == "shared storage"
    start = "Async.VM.pool_migrate" if shared else "Async.VM.migrate_send"
    only_block = ("VDI.", "host.", "session.")
    used = [
        call
        for call in CHANGES
        if (not call.startswith("Async.") or call == start)
        and not (shared and call.startswith(only_block))
    ]
    if fault == "drop_reply":
        return [READ, *used]
    return [call for call in used if call in NOT_DONE]


@KINDS
@pytest.mark.parametrize("when", ["prepared", "moving", "half finished"])
async def test_an_agent_may_be_replaced_at_any_step(yard: Yard, kind: str, when: str) -> None:
    trip = TRIPS[kind](yard)
    hold = yard.simulator.fault(fault="hold", phase="precopy", vm=trip.guest.name)
    async with AsyncExitStack() as stack:
        first = await with_new_agents(trip, stack)
        ticket = (await first.prepare()).receive_ticket
        if when != "prepared":
            move = first.follow_with(ticket)
            await move.next()
        if when == "half finished":
            yard.simulator.lift(hold)
            assert (await move.last()).outcome == ARRIVED
            await first.post_at_source()

    if when in ("prepared", "moving"):
        yard.simulator.lift(hold)
    async with AsyncExitStack() as stack:
        second = await with_new_agents(trip, stack)
        outcome = ARRIVED if when == "half finished" else await moved(second)

        there = await ended(second, outcome)

    assert there
    check(trip, there=True)


async def with_new_agents(trip: Trip, stack: AsyncExitStack) -> Trip:
    """Return the trip as agents carry it out that have just started."""
    simulator = trip.yard.simulator
    source = await stack.enter_async_context(running_agent(simulator, "n1", PATIENCE))
    dest = await stack.enter_async_context(running_agent(simulator, trip.host, PATIENCE))
    far = dest if trip.across else trip.yard.far
    return trip.at(yard=trip.yard.with_agents(source, far), dest=dest)


@KINDS
async def test_every_step_may_be_repeated(yard: Yard, kind: str) -> None:
    trip = TRIPS[kind](yard)
    await trip.verify()
    await trip.verify()
    await trip.prepare()

    assert (await trip.move())[-1].outcome == ARRIVED
    assert (await trip.move())[-1].outcome == ARRIVED
    for step in (trip.post_at_source, trip.post_at_dest):
        await step()
        await step()

    check(trip, there=True)


@KINDS
async def test_every_rollback_may_be_repeated(yard: Yard, kind: str) -> None:
    trip = TRIPS[kind](yard)
    await trip.prepare()

    first = await trip.roll_back()
    second = await trip.roll_back()

    assert not second
    assert [item.action for item in first] == [1] * len(first)
    check(trip, there=False)


@KINDS
async def test_every_step_of_a_lower_epoch_is_refused(yard: Yard, kind: str) -> None:
    trip = TRIPS[kind](yard)
    later = trip.taken_over(3)
    await later.prepare()
    hold = yard.simulator.fault(fault="hold", phase="precopy", vm=trip.guest.name)
    move = await later.follow()
    await move.next()
    steps = (
        trip.verify,
        trip.prepare,
        trip.follow_with(None).last,
        trip.abort,
        trip.post_at_source,
        trip.post_at_dest,
        trip.roll_back_at_source,
        trip.roll_back_at_dest,
    )

    for step in steps:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await step()
        assert failed.value.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.NOT_FOUND)
    yard.simulator.lift(hold)

    assert (await move.last()).outcome == ARRIVED
    await later.finish()
    check(trip, there=True)


@KINDS
@pytest.mark.parametrize("side", ["source", "destination"])
async def test_a_toolstack_may_be_restarted_in_the_middle(yard: Yard, kind: str, side: str) -> None:
    trip = TRIPS[kind](yard)
    hold = yard.simulator.fault(fault="hold", phase="precopy", vm=trip.guest.name)
    ticket = (await trip.prepare()).receive_ticket
    move = trip.follow_with(ticket)
    await move.next()

    host = "n1" if side == "source" else trip.host
    yard.simulator.fault(fault="restart_toolstack", host=host)
    yard.simulator.lift(hold)
    outcome = int((await move.last()).outcome)

    assert len(trip.where()) == 1
    assert (outcome == ARRIVED) <= (trip.where() == [trip.host])
    assert (outcome == STAYED) <= (trip.where() == ["n1"])
    if trip.where() == [trip.host] and outcome != ARRIVED:
        # The record says halted until the destination's toolstack looks at what it has (XAPI G).
        yard.simulator.fault(fault="restart_toolstack", host=trip.host)
    there = await ended(trip, outcome)
    check(trip, there=there)
