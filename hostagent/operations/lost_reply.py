"""Finds a move whose starting call was sent and got no reply. It is never sent again."""

import asyncio

from hostagent.model.records import VmRecord
from hostagent.operations import look, situation
from hostagent.operations.agent import Agent
from hostagent.xapi.errors import XapiTransient, XapiUnavailable

PAUSE_S = 0.1


async def find(agent: Agent, vm: VmRecord, there: str) -> str:
    """Return the reference of the task that moves the VM; empty if none shows for a while.

    That none shows proves nothing: the call may wait inside XAPI. Nor does a task that failed, for
    it can't be told from one of an earlier attempt.
    """
    clock = asyncio.get_running_loop()
    stop = clock.time() + agent.settings.lost_reply_s
    while clock.time() < stop:
        try:
            now = await look.vm_or_none(agent, vm.uuid)
        except (XapiUnavailable, XapiTransient):
            now = None
        if now is not None and situation.moving_task(now):
            return situation.moving_task(now)
        if now is not None and there and now.resident_on == there:
            return ""
        await asyncio.sleep(PAUSE_S)
    return ""
