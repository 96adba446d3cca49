"""A pool in a simulator that runs the real plug-in, and hosts that may join it."""

import asyncio
import json
import os
import select
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
import XenAPI

from chassis import answers
from deploy.demo.stack import ROOT
from tests.service.hostagent.pool import DEADLINE_S, PATIENCE, RunningAgent, running_agent
from tests.support.sim import Simulator
from xenferry.hostagent.v1 import pools_pb2

PROGRAM = ROOT / "deploy/dom0/xenferry-pool"
PLUGIN = f'[[plugin]]\nname = "xenferry-pool"\nprogram = "{PROGRAM}"\n'
NORTH = """
[pool]
name = "north"
[[host]]
name = "n1"
[[network]]
name = "lan"
[[sr]]
name = "nfs-1"
"""
HOSTS = 32
"""More than the tests join; the last one is unfit to."""
PASSWORD = "tide-and-anchor"
PATIENCE_S = 30.0
DONE = pools_pb2.POOL_OPERATION_OUTCOME_DONE
FAILED = pools_pb2.POOL_OPERATION_OUTCOME_FAILED


def agent_vm_of(number: int) -> str:
    """Return the uuid of the VM that the agent of a southern host runs in."""
    return f"5d0c1b3e-7a52-4d0f-9c55-{number:012x}"


def south(number: int, host: str = "") -> str:
    """Return the world of a pool of one host."""
    name = f"s{number}"
    return f"""
[pool]
name = "south-{number}"
[[host]]
name = "{name}"
{host}
[[network]]
name = "lan"
[[sr]]
name = "local-{name}"
host = "{name}"
[[vm]]
name = "agent-{name}"
uuid = "{agent_vm_of(number)}"
memory = "1 GiB"
host = "{name}"
disks = [{{ sr = "local-{name}", size = "8 GiB" }}]
"""


def unfit(number: int) -> str:
    """Return the world of a pool of one host that no pool would take."""
    return f"""{south(number, 'version = "8.2"')}
[[sr]]
name = "nfs-of-its-own"
[[vm]]
name = "web-1"
memory = "1 GiB"
host = "s{number}"
"""


AGENT_VM = agent_vm_of(1)
SOUTH = south(1)


@dataclass(slots=True)
class Dom0:
    """What the plug-in finds in dom0; the same for all hosts."""

    directory: Path

    @property
    def program(self) -> Path:
        """What XAPI runs."""
        return self.directory / "xenferry-pool"

    def set_up(self, password: str = PASSWORD, patience_s: float = PATIENCE_S) -> None:
        """Have the plug-in there; `password` is what it believes, it tries for `patience_s`."""
        secrets = {"user": "root", "password": password, "scheme": "http"}
        (self.directory / "pool.json").write_text(json.dumps(secrets))
        given = {
            "XENFERRY_POOL_SECRETS": self.directory / "pool.json",
            "XENFERRY_POOL_STATE": self.directory / "state",
            "XENFERRY_POOL_RETRY_S": "0.05",
            "XENFERRY_POOL_PATIENCE_S": patience_s,
        }
        words = " ".join(f"{name}='{value}'" for name, value in given.items())
        self.program.write_text(f'#!/bin/sh\n{words} exec "{PROGRAM}" "$@"\n')
        self.program.chmod(0o755)

    def take_away(self) -> None:
        """Have no plug-in there."""
        self.program.chmod(0o644)

    def worker(self, operation_id: str) -> int:
        """Return the process that works on an operation; 0 when none does."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--work" in words and operation_id.encode() in words:
                return int(entry.parent.name)
        return 0

    def kill_worker(self, operation_id: str) -> bool:
        """Kill the process that works on an operation; tell whether there was one."""
        process = self.worker(operation_id)
        if process:
            os.kill(process, signal.SIGKILL)
        return bool(process)

    async def idle(self, operation_id: str) -> None:
        """Wait until no process works on an operation."""
        process = self.worker(operation_id)
        if process:
            await asyncio.to_thread(_until_gone, process)


def _until_gone(process: int) -> None:
    try:
        life = os.pidfd_open(process)
    except ProcessLookupError:
        return
    with os.fdopen(life):
        select.select([life], [], [], DEADLINE_S)


@dataclass(slots=True)
class Quays:
    """The coordinator's agent, and a host that no test has touched, with an operator's line."""

    simulator: Simulator
    dom0: Dom0
    north: RunningAgent
    number: int
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def home(self) -> str:
        """The name of the southern host."""
        return f"s{self.number}"

    @property
    def agent_vm_id(self) -> str:
        """The VM of its agent, by uuid."""
        return agent_vm_of(self.number)

    async def south(self) -> RunningAgent:
        """Start the southern host's agent, and return it."""
        own = replace(PATIENCE, own_vm=self.agent_vm_id)
        return await self.stack.enter_async_context(running_agent(self.simulator, self.home, own))

    async def ask(self, call: str, agent: RunningAgent | None = None, **given: Any) -> Any:
        """Make a call of an agent, by default the coordinator's."""
        request = getattr(pools_pb2, f"{call}Request")(**given)
        return await getattr((agent or self.north).stub, call)(request, timeout=DEADLINE_S)

    async def refused(self, call: str, agent: RunningAgent | None = None, **given: Any) -> Any:
        """Make a call that must be refused, and return why."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.ask(call, agent, **given)
        return answers.read(failed.value)

    def join_words(self) -> dict[str, Any]:
        """Return what a JoinPool request says."""
        with self.line(self.home) as xapi:
            host = xapi.host.get_record(xapi.host.get_all()[0])
        return {**self.leave_words(host["uuid"], confirm_wipe=None), "address": host["address"]}

    def leave_words(self, host_id: str, **more: Any) -> dict[str, Any]:
        """Return what a LeavePool request says."""
        words = {
            "operation_id": str(uuid4()),
            "coordinator_id": self.north.host.host_id,
            "host_id": host_id,
            "agent_instance_id": self.agent_vm_id,
            "confirm_wipe": True,
        }
        return {name: value for name, value in (words | more).items() if value is not None}

    async def observed(self, begun: Any) -> Any:
        """Ask how far an operation is, again while XAPI restarts."""
        words = {"operation_id": begun.operation_id, "coordinator_id": self.north.host.host_id}
        while True:
            try:
                return await self.ask("ObservePoolOperation", **words)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise

    async def until(self, begun: Any, so: Callable[[Any], bool]) -> Any:
        """Ask how far an operation is until it is so."""
        while not so(begun):
            begun = await self.observed(begun)
        return begun

    async def worked(self, begun: Any) -> Any:
        """Ask how far an operation is as soon as no process works on it."""
        await self.dom0.idle(begun.operation_id)
        return await self.observed(begun)

    async def ended(self, begun: Any) -> Any:
        """Wait until an operation has ended and its agent VM is seen to."""
        while begun.phase != "ended":
            begun = await self.worked(begun)
        return begun

    async def joined(self) -> Any:
        """Join the southern host."""
        return await self.ended(await self.ask("JoinPool", **self.join_words()))

    @contextmanager
    def line(self, host: str) -> Iterator[Any]:
        """Give an operator's line to a host's XAPI."""
        session = XenAPI.Session(self.simulator.endpoints[host])
        session.xenapi.login_with_password("root", PASSWORD, "1.0", "operator")
        yield session.xenapi
        session.xenapi.session.logout()

    def agent_vm(self, host: str) -> str:
        """Return the power state of the agent VM as a host's XAPI shows it."""
        with self.line(host) as xapi:
            return str(xapi.VM.get_power_state(xapi.VM.get_by_uuid(self.agent_vm_id)))


@asynccontextmanager
async def serving_quays(directory: Path) -> AsyncIterator[Quays]:
    """Serve the coordinator, with pools of one host beside."""
    dom0 = Dom0(directory)
    dom0.set_up()
    plugin = f'[[plugin]]\nname = "xenferry-pool"\nprogram = "{dom0.program}"\n'
    worlds = [directory / f"south-{number}.toml" for number in range(1, HOSTS + 1)]
    for number, world in enumerate(worlds, 1):
        world.write_text(unfit(number) if number == HOSTS else south(number))
    with Simulator(NORTH + plugin, *worlds, time_factor=100, password=PASSWORD) as simulator:
        async with running_agent(simulator, "n1") as north:
            yield Quays(simulator, dom0, north, 0)
