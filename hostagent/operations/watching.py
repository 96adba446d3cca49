"""Follows XAPI's task of a move to its end."""

import asyncio

from hostagent.model.records import TaskRecord
from hostagent.operations import progress
from hostagent.operations.agent import Agent
from hostagent.operations.moves import Move
from hostagent.xapi import tasks
from hostagent.xapi.errors import XapiError, XapiGone

# Looking costs CPU on both sides: at most this share of the time that the move has taken, and
# never so seldom that its end would be noticed late.
PAUSE_SHARE = 0.05
LONGEST_PAUSE_S = 0.25
RETRY_S = 0.5


async def until_end(agent: Agent, move: Move) -> TaskRecord | None:
    """Return the task once it has ended, or None when its row is gone, which proves nothing.

    Raises XapiError when XAPI was away for too long.
    """
    loop = asyncio.get_running_loop()
    began = heard = loop.time()
    token = ""
    while True:
        try:
            seen = await _look(agent, move.task_ref, token)
        except XapiGone:
            return None
        except XapiError:
            if loop.time() - heard > agent.settings.lost_xapi_s:
                raise
            token = ""
            await asyncio.sleep(RETRY_S)
            continue
        heard, token = loop.time(), seen.token
        if seen.gone:
            return None
        if seen.task is not None:
            move.publish(progress.advance(move.report, seen.task, move.sizes))
            if seen.task.ended:
                return seen.task
        await asyncio.sleep(min(LONGEST_PAUSE_S, PAUSE_SHARE * (heard - began)))


async def _look(agent: Agent, task_ref: str, token: str) -> tasks.Seen:
    """Wait for a change; when none comes, look, lest a task that XAPI forgot be waited for."""
    seen = await tasks.change_of(agent.client, task_ref, token, agent.settings.poll_s)
    if seen.task is not None or seen.gone:
        return seen
    return tasks.Seen(seen.token, await tasks.record(agent.client, task_ref))
