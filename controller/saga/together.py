"""Several calls at once, none of them left behind."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def all_of(calls: Iterable[Coroutine[Any, Any, ResultT]]) -> list[ResultT]:
    """Return the results in order; when some raise, wait for all and raise the first's error."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]
