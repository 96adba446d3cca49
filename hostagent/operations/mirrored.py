"""Waits until the mirror tells of what was just written.

XAPI tells of changes in their order, so then it tells of all that was done before, too: who looks
for what a migration left looks in a picture that is not behind.
"""

import asyncio
from collections.abc import Callable

from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import endings
from hostagent.operations.agent import Agent
from hostagent.operations.leases import book
from hostagent.xapi.errors import XapiUnavailable

# XAPI tells of changes within some 100 ms; later only while it, or its coordinator, is away.
LONGEST_S = 10.0


async def until_host(agent: Agent, ref: str, fence: Fence) -> None:
    """Wait for an ending on a host; raises XapiUnavailable when XAPI's events do not bring it."""
    await _until(agent, ref, lambda: _ended(agent.mirror.hosts.get(ref), fence))


async def until_vm(agent: Agent, ref: str, fence: Fence) -> None:
    """Wait for an ending on a VM; raises XapiUnavailable when XAPI's events do not bring it."""
    await _until(agent, ref, lambda: _ended(agent.mirror.vms.get(ref), fence))


async def until_closed(agent: Agent, ref: str, fence: Fence) -> None:
    """Wait until a host has no entry of the migration; raises XapiUnavailable like the others."""

    def closed() -> bool:
        known = agent.mirror.hosts.get(ref)
        return known is not None and book.entry_of(known.other_config, fence.migration_id) is None

    await _until(agent, ref, closed)


async def _until(agent: Agent, ref: str, told: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(LONGEST_S):
            with agent.mirror.watching(ref) as changed:
                while not told():
                    await changed.wait()
                    changed.clear()
    except TimeoutError as error:
        text = f"its events did not tell within {LONGEST_S:g} s of what was done here"
        raise XapiUnavailable("event.from", text) from error


def _ended(known: HostRecord | VmRecord | None, fence: Fence) -> bool:
    written = known.other_config if known else {}
    return endings.epoch_of(written, fence.migration_id) is not None
