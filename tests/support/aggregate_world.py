"""A controller with three fake agents, each in a pool of its own, and one dom0 behind them."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from chassis import answers
from controller.aggregates.settings import AggregateSettings
from controller.settings import InventorySettings, Settings
from tests.support.controller_world import CALL_S, Controller, running, settings_for
from tests.support.fake_dom0 import FakeDom0, PoolAgent
from tests.support.serving import serving
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.controller.v1 import aggregates_pb2, aggregates_pb2_grpc

IMPATIENT = AggregateSettings(poll_s=0.02, agent_wait_s=0.6, give_up_s=0.6, agent_retry_cap_s=0.1)
PATIENT = AggregateSettings(poll_s=0.02, agent_wait_s=8.0, give_up_s=8.0)
BEAT_S = 0.03
SUCCEEDED = aggregates_pb2.AGGREGATE_OPERATION_PHASE_SUCCEEDED
FAILED = aggregates_pb2.AGGREGATE_OPERATION_PHASE_FAILED
JOINING = aggregates_pb2.AGGREGATE_OPERATION_PHASE_JOINING


@dataclass(slots=True)
class Ring:
    """Three hosts and what happens to them; `silent` hosts send no heartbeats."""

    settings: Settings
    dom0: FakeDom0
    agents: dict[str, PoolAgent]
    addresses: dict[str, str]
    silent: set[str] = field(default_factory=set)

    def is_heard(self, name: str) -> bool:
        """Tell whether a host's agent says anything."""
        return name not in self.silent | self.dom0.down | self.dom0.wiped

    @asynccontextmanager
    async def service(self) -> AsyncIterator["Aggregates"]:
        """Run a controller that hears all agents but the silent ones."""
        async with running(self.settings) as controller:
            service = Aggregates(self, controller)
            self.dom0.comes_back = service.register
            for agent in self.agents.values():
                await service.register(agent)
            beating = asyncio.create_task(service.beat())
            try:
                yield service
            finally:
                beating.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await beating

    def share_pool(self, *names: str) -> None:
        """Have these hosts see each other's guests, as one pool's hosts do."""
        shared = self.agents[names[0]].pool
        for name in names:
            self.agents[name].pool = shared

    def host_id(self, name: str) -> str:
        """Return a host's uuid."""
        return self.agents[name].host_id


@dataclass(frozen=True, slots=True)
class Aggregates:
    """The service of one controller, with few words for what tests ask of it."""

    ring: Ring
    controller: Controller
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """An agent tells one thing after the other."""

    @property
    def stub(self) -> Any:
        """The Aggregates service."""
        return aggregates_pb2_grpc.AggregatesStub(self.controller.channel)

    async def register(self, agent: PoolAgent) -> None:
        """Let an agent register."""
        async with self._telling:
            await self._register(agent)

    async def _register(self, agent: PoolAgent) -> None:
        if self.ring.is_heard(agent.host.name):
            address = self.ring.addresses[agent.host.name]
            await agent.register(self.controller.channel, address)

    async def beat(self) -> None:
        """Send heartbeats for everybody who is not silent."""
        while True:
            await asyncio.sleep(BEAT_S)
            for name, agent in self.ring.agents.items():
                if self.ring.is_heard(name):
                    with contextlib.suppress(grpc.aio.AioRpcError):
                        await self._heartbeat(agent)

    async def _heartbeat(self, agent: PoolAgent) -> None:
        async with self._telling:
            if await agent.heartbeat(self.controller.channel):
                await self._register(agent)

    async def ask(self, call: str, **arguments: Any) -> Any:
        """Make a call of the service."""
        request = getattr(aggregates_pb2, f"{call}Request")(**arguments)
        return await getattr(self.stub, call)(request, timeout=CALL_S)

    async def refused(self, call: str, **arguments: Any) -> answers.Answer:
        """Make a call that must be refused, and return why."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.ask(call, **arguments)
        return answers.read(failed.value)

    async def get(self, aggregate: str = "rack") -> Any:
        """Return an aggregate."""
        return await self.ask("GetAggregate", aggregate=aggregate)

    async def add(self, host: str, aggregate: str = "rack", **more: Any) -> Any:
        """Begin to add a host."""
        return await self.ask("AddHost", aggregate=aggregate, host=host, **more)

    async def remove(self, host: str) -> Any:
        """Begin to remove a host."""
        return await self.ask("RemoveHost", aggregate="rack", host=host, confirm_wipe=True)

    async def cancel(self, begun: Any) -> Any:
        """Cancel an operation."""
        return await self.ask("CancelAggregateOperation", operation_id=begun.operation_id)

    async def added(self, *hosts: str, aggregate: str = "rack") -> None:
        """Make an aggregate of hosts."""
        await self.ask("CreateAggregate", name=aggregate)
        for host in hosts:
            ended = await self.ended(await self.add(host, aggregate))
            assert ended.phase == SUCCEEDED, ended

    async def operation(self, begun: Any) -> Any:
        """Return how far an operation is."""
        return await self.ask("GetAggregateOperation", operation_id=begun.operation_id)

    async def ended(self, begun: Any) -> Any:
        """Wait for an operation to end."""
        return await self.until(begun, lambda known: known.HasField("end_time"))

    async def until(self, begun: Any, so: Callable[[Any], bool]) -> Any:
        """Wait for an operation to be so, and return it."""
        call = self.stub.WatchAggregates(aggregates_pb2.WatchAggregatesRequest(), timeout=CALL_S)
        try:
            async for _ in call:
                known = await self.operation(begun)
                if so(known):
                    return known
        finally:
            call.cancel()
        raise TimeoutError

    async def shows(self, so: Callable[[Any], bool], aggregate: str = "rack") -> Any:
        """Wait for an aggregate to be so, and return it."""
        call = self.stub.WatchAggregates(aggregates_pb2.WatchAggregatesRequest(), timeout=CALL_S)
        try:
            async for told in call:
                if told.aggregate.name == aggregate and so(told.aggregate):
                    return told.aggregate
        finally:
            call.cancel()
        raise TimeoutError


def reasons(answer: answers.Answer) -> set[str]:
    """Return the reasons of all errors that a refusal tells."""
    told = answer.find(finding_pb2.Findings)
    assert told is not None
    return {name(one) for one in told.findings if one.severity == finding_pb2.SEVERITY_ERROR}


def name(finding: finding_pb2.Finding) -> str:
    """Return the reason of a finding."""
    return reason_pb2.Reason.Name(finding.reason).removeprefix("REASON_")


def a_uuid() -> str:
    """Return a new uuid."""
    return str(uuid.uuid4())


@asynccontextmanager
async def a_ring(directory: Path, alive_after_s: float = 10.0) -> AsyncIterator[Ring]:
    """Serve three agents until the block ends."""
    inventory = InventorySettings(heartbeat_s=alive_after_s / 5, alive_after_s=alive_after_s)
    settings = replace(settings_for(directory), aggregates=IMPATIENT, inventory=inventory)
    settings = replace(settings, agents=replace(settings.agents, step_timeout_s=1.0))
    dom0 = FakeDom0()
    agents = {f"xs{n}": PoolAgent(f"xs{n}", n, dom0) for n in (1, 2, 3)}
    async with AsyncExitStack() as stack:
        addresses = {
            name: await stack.enter_async_context(serving([agent.service()]))
            for name, agent in agents.items()
        }
        yield Ring(settings, dom0, agents, addresses)
