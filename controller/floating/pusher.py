"""Tells one host what it shall carry, once; who repeats it is the reconciler or the saga."""

import asyncio
import contextlib
from collections import defaultdict

from controller.model.findings import Finding, Reason, Severity
from controller.model.floating_ips import Load
from controller.ports.agents import AgentError, AgentUnavailable
from controller.ports.floating_ips import CarryingAgents, LoadStore


class Pusher:
    """One push a host at a time, so that the newest one is the last."""

    def __init__(
        self, loads: LoadStore, agents: CarryingAgents, release_first_s: float = 1.0
    ) -> None:
        self._loads = loads
        self._agents = agents
        self._release_first_s = release_first_s
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def push(self, host_id: str) -> None:
        """Tell a host what it shall carry unless it has said that it does; raises AgentError."""
        async with self._turns[host_id]:
            load = await self._loads.load(host_id)
            if not load.settled:
                await self._tell(load)

    async def push_anew(self, host_id: str) -> None:
        """Tell a host that may have forgotten, if there is anything to tell; raises AgentError."""
        async with self._turns[host_id]:
            if await self._loads.known(host_id):
                await self._tell(await self._loads.load(host_id))

    async def concerns(self, instance_id: str) -> bool:
        """Tell whether a floating IP leads to an instance."""
        return await self._loads.leads_to([instance_id])

    async def follow(self, source_host_id: str, dest_host_id: str) -> None:
        """Bring along what leads to instances that moved between two hosts; raises AgentError.

        The destination is told even when the source does not answer.
        """
        released = asyncio.Event()
        leaving = asyncio.create_task(self._leave(source_host_id, released))
        try:
            async with self._turns[dest_host_id]:
                load = await self._loads.load(dest_host_id)
                await _within(self._release_first_s, released)
                if not load.settled:
                    await self._tell(load)
            await leaving
        finally:
            leaving.cancel()

    async def _leave(self, host_id: str, released: asyncio.Event) -> None:
        """Tell the source; `released` is set once it has answered, or is known not to."""
        try:
            async with self._turns[host_id]:
                load = await self._loads.load(host_id)
                if not load.settled:
                    await self._tell(load, released)
        finally:
            released.set()

    async def _tell(self, load: Load, answered: asyncio.Event | None = None) -> None:
        try:
            carried = await self._agents.apply_floating_ips(load)
        except AgentError as error:
            await self._loads.silent(load.host_id, str(error))
            raise
        if answered is not None:
            answered.set()
        await self._loads.told(load, carried)
        if carried.problem:
            raise AgentUnavailable([_not_applied(load.host_id, carried.problem)])


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _not_applied(host_id: str, problem: str) -> Finding:
    return Finding(
        Reason.FLOATING_IP_NOT_APPLIED,
        Severity.ERROR,
        f"host/{host_id}",
        problem,
        "look at [floating_ips] of that host's agent, and at its log; it is tried again by itself",
    )
