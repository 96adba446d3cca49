"""The agents of the course, and words for what they find."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import XenAPI
from prometheus_client import REGISTRY

from chassis.lifetime import Lifetime
from hostagent.assembly import assemble
from hostagent.model.settings import ControllerSettings, MigrationSettings, XapiSettings
from hostagent.settings import Settings
from tests.service.hostagent.fake_registry import FakeRegistry, serving_registry
from tests.service.hostagent.pool import DEADLINE_S, PATIENCE, RunningAgent, running_agent
from tests.support.sim import Simulator
from xenferry.common.v1 import fence_pb2, finding_pb2, reason_pb2
from xenferry.hostagent.v1 import checks_pb2

WARNING = finding_pb2.SEVERITY_WARNING
OK = finding_pb2.SEVERITY_OK
BLOCK = fence_pb2.MIGRATION_KIND_BLOCK
SHARED = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
GIB = 2**30


class Course:
    """The agents of the course, started when they are first asked for."""

    def __init__(self, simulator: Simulator, stack: AsyncExitStack) -> None:
        self.simulator = simulator
        self._stack = stack
        self._agents: dict[tuple[str, MigrationSettings], RunningAgent] = {}
        self.instances: dict[str, Any] = {}

    async def agent(self, host: str, **settings: Any) -> RunningAgent:
        """Return the agent of a host with these settings."""
        key = host, replace(PATIENCE, **settings)
        if key not in self._agents:
            running = running_agent(self.simulator, host, key[1])
            self._agents[key] = await self._stack.enter_async_context(running)
        return self._agents[key]

    async def instance(self, name: str, host: str = "home") -> Any:
        """Return what the controller knows of an instance: what its agent told."""
        if name not in self.instances:
            registry = FakeRegistry()
            async with serving_registry(registry) as address:
                await self._report(host, address, registry)
            self.instances |= {one.name: one for one in registry.instances.values()}
        return self.instances[name]

    async def _report(self, host: str, controller: str, registry: FakeRegistry) -> None:
        simulator = self.simulator
        xapi = XapiSettings(url=simulator.endpoints[host], password=simulator.password, host=host)
        settings = Settings(xapi=xapi, controller=ControllerSettings(address=controller))
        async with assemble(settings, Lifetime()) as application:
            await application.on_serving("127.0.0.1:7001")
            await registry.until(lambda: registry.registrations)

    async def at_dest(self, guest: str, host: str, source: str = "home", **more: Any) -> Any:
        """Ask a destination; settings of its agent are told from the request's fields."""
        asked = {name: more.pop(name) for name in tuple(more) if name in _ASKED}
        agent = await self.agent(host, **more)
        home = await self.agent(source)
        request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            instance=await self.instance(guest, source),
            source_pool_id=home.host.pool_id,
            dest_host_id=agent.host.host_id,
            **asked,
        )
        return await agent.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

    async def at_source(self, guest: str, data: Any, source: str = "home", **more: Any) -> Any:
        """Ask the source about the destination that these data describe."""
        agent = await self.agent(source)
        request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
            instance_id=(await self.instance(guest, source)).instance_id,
            source_host_id=agent.host.host_id,
            dest_check_data=data,
            **more,
        )
        return await agent.stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)

    async def both(self, guest: str, host: str, **more: Any) -> tuple[Any, Any]:
        """Ask the destination, then the source."""
        there = await self.at_dest(guest, host, **more)
        asked = {"block_migration": more["block_migration"]} if "block_migration" in more else {}
        source = more.get("source", "home")
        return there, await self.at_source(guest, there.dest_check_data, source, **asked)


_ASKED = frozenset({"block_migration", "disk_over_commit"})


def reasons(findings: Any, severity: int) -> set[str]:
    """Return the reasons of the findings of a severity."""
    return {
        reason_pb2.Reason.Name(one.reason).removeprefix("REASON_")
        for one in findings
        if one.severity == severity
    }


def tripping(findings: Any, severity: int = finding_pb2.SEVERITY_ERROR) -> Any:
    """Return the only finding of that severity."""
    (found,) = [one for one in findings if one.severity == severity]
    return found


def disagreements(reason: str, xapi: str) -> float:
    """Return how often XAPI's verdict differed so."""
    labels = {"reason": reason, "xapi": xapi}
    return REGISTRY.get_sample_value("xenferry_check_disagreements_total", labels) or 0.0


def operator(simulator: Simulator) -> Any:
    """Return an operator's own line to the near pool."""
    session = XenAPI.Session(simulator.endpoints["home"])
    session.xenapi.login_with_password(simulator.user, simulator.password, "1.0", "operator")
    return session.xenapi
