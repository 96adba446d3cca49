"""One unary call: a deadline always, and again while the agent can't be reached.

Every call of the contract is safe to repeat, so an UNAVAILABLE that may hide a lost answer is no
reason not to.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from controller.clients import failures
from controller.clients.patience import Patience
from controller.clients.settings import AgentSettings
from controller.ports.clock import Clock

PauseOf = Callable[[grpc.aio.AioRpcError], float | None]
"""How long to wait before the next attempt after an error, None to make none."""


async def call(
    method: Callable[..., Any],
    request: Any,
    host_id: str,
    timeout_s: float,
    settings: AgentSettings,
    clock: Clock,
) -> Any:
    """Return the answer, waiting also for an agent that is busy; raises AgentError."""
    patience = Patience(settings, failures.is_transient)
    return await attempt(method, request, host_id, timeout_s, patience.pause_s, clock)


async def attempt(
    method: Callable[..., Any],
    request: Any,
    host_id: str,
    timeout_s: float,
    pause_of: PauseOf,
    clock: Clock,
) -> Any:
    """Return the answer; raises AgentError."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        remaining_s = deadline - asyncio.get_running_loop().time()
        try:
            return await method(request, timeout=max(remaining_s, 0.001))
        except grpc.aio.AioRpcError as error:
            pause_s = pause_of(error)
            if pause_s is None or pause_s >= remaining_s:
                raise failures.classify(error, host_id) from error
        await clock.sleep(pause_s)
