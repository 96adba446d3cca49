"""Two pools of one host each in a simulator that runs the real plug-in, with an agent for each."""

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
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

AGENT_VM = "5d0c1b3e-7a52-4d0f-9c55-0000000000a2"
PLUGIN = f'[[plugin]]\nname = "xenferry-pool"\nprogram = "{ROOT}/deploy/dom0/xenferry-pool"\n'
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
SOUTH = f"""
[pool]
name = "south"
[[host]]
name = "s1"
[[network]]
name = "lan"
[[sr]]
name = "local-s1"
host = "s1"
[[vm]]
name = "agent-s1"
uuid = "{AGENT_VM}"
memory = "1 GiB"
host = "s1"
disks = [{{ sr = "local-s1", size = "8 GiB" }}]
"""
PASSWORD = "tide-and-anchor"
DONE = pools_pb2.POOL_OPERATION_OUTCOME_DONE
FAILED = pools_pb2.POOL_OPERATION_OUTCOME_FAILED


@dataclass(slots=True)
class Quays:
    """The two agents, and an operator's line to the coordinator's XAPI."""

    simulator: Simulator
    north: RunningAgent
    south: RunningAgent
    directory: Path

    async def ask(self, call: str, agent: RunningAgent | None = None, **given: Any) -> Any:
        """Make a call of an agent, by default the coordinator's."""
        request = getattr(pools_pb2, f"{call}Request")(**given)
        return await getattr((agent or self.north).stub, call)(request, timeout=DEADLINE_S)

    async def refused(self, call: str, agent: RunningAgent | None = None, **given: Any) -> Any:
        """Make a call that must be refused, and return why."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.ask(call, agent, **given)
        return answers.read(failed.value)

    def join_words(self, operation_id: str = "") -> dict[str, Any]:
        """Return what a JoinPool request says."""
        return {
            "operation_id": operation_id or str(uuid4()),
            "coordinator_id": self.north.host.host_id,
            "host_id": self.south.host.host_id,
            "address": self.south.host.address,
            "agent_instance_id": AGENT_VM,
        }

    def leave_words(self) -> dict[str, Any]:
        """Return what a LeavePool request says."""
        words = self.join_words()
        del words["address"]
        return {**words, "confirm_wipe": True}

    async def until(self, begun: Any, so: Callable[[Any], bool]) -> Any:
        """Ask how far an operation is until it is so."""
        words = {"operation_id": begun.operation_id, "coordinator_id": self.north.host.host_id}
        while not so(begun):
            try:
                begun = await self.ask("ObservePoolOperation", **words)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:  # XAPI restarts
                    raise
        return begun

    async def ended(self, begun: Any) -> Any:
        """Wait until an operation has ended and its agent VM is seen to."""
        return await self.until(begun, lambda known: known.phase == "ended")

    async def joined(self) -> Any:
        """Join the southern host."""
        return await self.ended(await self.ask("JoinPool", **self.join_words()))

    def agent_vm(self, host: str) -> str:
        """Return the power state of the agent VM as a host's XAPI shows it."""
        session = XenAPI.Session(self.simulator.endpoints[host])
        session.xenapi.login_with_password(
            self.simulator.user, self.simulator.password, "1.0", "operator"
        )
        ref = session.xenapi.VM.get_by_uuid(AGENT_VM)
        return str(session.xenapi.VM.get_power_state(ref))

    def kill_worker(self, operation_id: str) -> bool:
        """Kill the process that works on an operation; tell whether there was one."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--work" in words and operation_id.encode() in words:
                os.kill(int(entry.parent.name), signal.SIGKILL)
                return True
        return False


@asynccontextmanager
async def quays(
    directory: Path,
    environment: Callable[[str, str], None],
    south: str = SOUTH,
    plugin: str = PLUGIN,
    password: str = PASSWORD,
) -> AsyncIterator[Quays]:
    """Serve both; `password` is what dom0 believes, `environment` sets what the plug-in finds."""
    (directory / "pool.json").write_text(
        json.dumps({"user": "root", "password": password, "scheme": "http"})
    )
    environment("XENFERRY_POOL_SECRETS", str(directory / "pool.json"))
    environment("XENFERRY_POOL_STATE", str(directory / "state"))
    environment("XENFERRY_POOL_RETRY_S", "0.1")
    environment("XENFERRY_POOL_PATIENCE_S", "4")
    there = directory / "south.toml"
    there.write_text(south + plugin)
    own = replace(PATIENCE, own_vm=AGENT_VM)
    with Simulator(NORTH + plugin, there, time_factor=40, password=PASSWORD) as simulator:
        async with (
            running_agent(simulator, "n1") as north,
            running_agent(simulator, "s1", own) as agent,
        ):
            yield Quays(simulator, north, agent, directory)
