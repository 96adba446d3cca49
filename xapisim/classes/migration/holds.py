"""A fault can hold a migration in a phase until it is lifted or the caller cancels."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from xapisim.faults.registry import Faults


async def wait_while_held(
    faults: Faults, phase: str, names: frozenset[str], cancelled: asyncio.Event
) -> None:
    while faults.holds(phase, names) and not cancelled.is_set():
        await first_of(faults.changed(), cancelled.wait())


async def first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Waits for one of them and drops the others."""
    jobs = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for job in jobs:
            job.cancel()
