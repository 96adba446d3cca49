"""A receive ticket is a session at the destination's XAPI: used while it is needed, and ended
however the migration ends.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import ARRIVED, STAYED, UNKNOWN, RunningAgent, running_agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = pytest.mark.parametrize("way", [Yard.inside, Yard.across], ids=["inside", "across"])
OFTEN = replace(PATIENCE, ticket_use_s=0.05)


def served_by(trip: Trip, dest: RunningAgent) -> Trip:
    """Return the trip with another agent of its destination."""
    far = dest if trip.across else trip.yard.far
    return trip.at(yard=trip.yard.with_agents(trip.yard.source, far), dest=dest)


def uses(yard: Yard, session: str, since: int) -> int:
    """Return how often a session was used for its own sake."""
    calls = yard.simulator.trace(since)
    return sum(one["method"] == "session.get_uuid" and one["session"] == session for one in calls)


@TWO_WAYS
async def test_a_ticket_is_kept_in_use_until_its_migration_ends(yard: Yard, way: Any) -> None:
    since = yard.simulator.trace()[-1]["number"]
    async with running_agent(yard.simulator, way(yard).host, OFTEN) as dest:
        trip = served_by(way(yard), dest)
        session = (await trip.prepare()).receive_ticket.values["session_id"]
        await yard.watched(
            lambda: asyncio.to_thread(uses, yard, session, since), lambda count: count > 1
        )

        await trip.roll_back_at_dest()

        assert not trip.pool.session_lives(session)


@TWO_WAYS
@pytest.mark.parametrize("end", [ARRIVED, STAYED], ids=["arrived", "stayed"])
async def test_an_agent_that_was_started_since_ends_the_tickets_that_come_back(
    yard: Yard, way: Any, end: int
) -> None:
    trip: Trip = way(yard)
    async with running_agent(yard.simulator, trip.host, PATIENCE) as first:
        tickets = [(await served_by(trip, first).prepare()).receive_ticket for _ in range(2)]
    if end == STAYED:
        yard.simulator.fault(fault="mirror_fail", vm=trip.guest.name, at_progress=0.5)
    assert (await trip.follow_with(tickets[-1]).last()).outcome == end

    async with running_agent(yard.simulator, trip.host, PATIENCE) as second:
        later = served_by(trip, second)
        finish = later.post_at_dest if end == ARRIVED else later.roll_back_at_dest
        items = (await finish(*tickets)).items
        await (trip.roll_back_at_source() if end == STAYED else trip.post_at_source())

    sessions = [ticket.values["session_id"] for ticket in tickets]
    assert [trip.pool.session_lives(one) for one in sessions] == [False, False]
    assert [one.subject for one in items if one.subject.startswith("receive-ticket")] == [
        "receive-ticket/1",
        "receive-ticket/2",
    ]
    assert not [session for session in sessions if session in str(items)]
    assert trip.residue() == set()


async def test_a_ticket_that_dies_while_the_disks_are_copied_ends_the_move(yard: Yard) -> None:
    trip = yard.across()
    hold = yard.simulator.fault(fault="hold", phase="mirror", vm=trip.guest.name)
    ticket = (await trip.prepare()).receive_ticket
    move = trip.follow_with(ticket)
    await move.next()
    yard.simulator.fault(fault="session_evict", originator="xapi")
    yard.simulator.lift(hold)

    last = await move.last()

    assert last.outcome == UNKNOWN
    assert last.error.xapi_error[0] == "SESSION_INVALID"
    assert ticket.values["session_id"] not in str(last)
    assert trip.where() == ["n1"]
    await trip.roll_back()
    assert trip.residue() == set()
