"""Ends the sessions of a migration's receive tickets."""

from collections.abc import Iterable

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.operations.agent import Agent
from hostagent.xapi import receiving


async def end(agent: Agent, fence: Fence, returned: Iterable[str] = ()) -> list[Item]:
    """Log each out, those that the caller `returned` too; what can't be ended now is kept for a
    repeat.
    """
    items = []
    for number, session in enumerate(agent.tickets.take(fence.migration_id, returned), 1):
        subject = f"receive-ticket/{number}"
        if await receiving.end(agent.client, session):
            items.append(Item(subject, Action.REMOVED))
        else:
            agent.tickets.keep(fence.migration_id, session)
            items.append(Item(subject, Action.FAILED, "XAPI did not end its session"))
    return items
