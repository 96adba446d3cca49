"""Keeps the sessions of open receive tickets in use while the source's XAPI copies with them.

XAPI forgets a session that nobody used for 24 hours, and of more than 500 those that were not used
for longest; before 26.6 the source does not refresh the one that it was given (XAPI A11), and a
copy whose session is gone dies with SESSION_INVALID.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from hostagent.operations.agent import Agent
from hostagent.xapi import receiving
from hostagent.xapi.errors import XapiError, XapiRefused

log = structlog.get_logger()


@asynccontextmanager
async def keeping(agent: Agent) -> AsyncIterator[None]:
    """Use every open ticket's session from time to time; what is open at the end stays open."""
    task = asyncio.get_running_loop().create_task(_keep(agent))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep(agent: Agent) -> None:
    while True:
        await asyncio.sleep(agent.settings.ticket_use_s)
        for migration_id, session in agent.tickets.open():
            await _use(agent, migration_id, session)


async def _use(agent: Agent, migration_id: str, session: str) -> None:
    try:
        await receiving.touch(agent.client, session)
    except XapiRefused:
        agent.tickets.drop(migration_id, session)
        log.warning("ticket.died", migration_id=migration_id)
    except XapiError as error:
        log.debug("ticket.not_used", migration_id=migration_id, why=str(error))
