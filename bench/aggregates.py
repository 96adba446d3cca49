"""What adding a host to an aggregate, and removing one, costs above the XAPI calls for it.

    python -m bench.aggregates [--pairs 2] [--time-factor 1] [--watchers 1,100]

The real stack as processes with the plug-in that ships in dom0: half of the hosts join and leave by
the controller, the others by a plain XenAPI script in the same run. The agents are processes beside
the simulator and not in its VMs: an agent is killed when its VM is shut down for good, and the boot
of a VM takes no time. CPU of the plug-in's own process is not counted, since nobody waits for it.
Prints tables and, as its last line, JSON.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from rich.console import Console
from rich.table import Table

from bench.aggregate_stack import a_stack, agent_vm
from bench.measure import Usage, counter
from chassis.channels import open_channel
from chassis.tls import TlsSettings
from deploy.demo import simulator
from deploy.demo.stack import LOGIN, ROOT, Stack
from xenferry.controller.v1 import aggregates_pb2, aggregates_pb2_grpc

CALL_S, WITHIN_S = 20.0, 600.0
SUCCEEDED = aggregates_pb2.AGGREGATE_OPERATION_PHASE_SUCCEEDED
WAITING_AGENT = "WAITING_AGENT"
CHANGES = 50
# Changes that come alone: after one, watchers are told nothing for a moment.
APART_S = 0.15
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One kind of change, per host; `in_xapi_s` is until XAPI shows it, `wall_s` until all is."""

    run: str
    count: int
    wall_s: float
    in_xapi_s: float
    xapi_calls: float
    controller_cpu_ms: float = 0.0
    agents_cpu_ms: float = 0.0
    simulator_cpu_ms: float = 0.0
    script_cpu_ms: float = 0.0
    calls_to_coordinator: float = 0.0
    commits: float = 0.0


@dataclass(frozen=True, slots=True)
class Lag:
    """From the answer to a change until watchers are told of it, milliseconds."""

    watchers: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Took:
    """One change of one host, by the clock."""

    wall_s: float
    in_xapi_s: float
    script_cpu_s: float = 0.0


class Bench:
    """The stack, and what is asked of it."""

    def __init__(self, stack: Stack, channel: grpc.aio.Channel) -> None:
        self._stack = stack
        self._service: Any = aggregates_pb2_grpc.AggregatesStub(channel)

    async def first(self) -> None:
        """Make the aggregate of the northern host."""
        await self._ask("CreateAggregate", name="rack")
        await self._added("n1")

    async def ours(self, what: str, numbers: Sequence[int]) -> Figures:
        """Add or remove hosts by the controller, one after the other."""
        act = self._added if what == "join" else self._removed
        return await self._measured(f"xenferry, {what}", [(act, f"s{n}") for n in numbers])

    async def bare(self, what: str, numbers: Sequence[int]) -> Figures:
        """Let hosts join or eject them by a plain script, one after the other."""

        async def act(number: str) -> Took:
            return await asyncio.to_thread(self._script, what, int(number))

        return await self._measured(f"bare calls, {what}", [(act, str(n)) for n in numbers])

    async def idle(self) -> Figures:
        """Do nothing for a while: what heartbeats and questions cost beside."""

        async def act(_: str) -> Took:
            await asyncio.sleep(IDLE_S)
            return Took(IDLE_S, IDLE_S)

        return await self._measured("nothing", [(act, "")])

    async def lag(self, watchers: int) -> Lag:
        """Make aggregates while so many watch, and forget them."""
        watch = aggregates_pb2.WatchAggregatesRequest()
        calls = [self._service.WatchAggregates(watch, timeout=WITHIN_S) for _ in range(watchers)]
        told = [aiter(call) for call in calls]
        for stream in told:
            await anext(stream)
        lags: list[float] = []
        for number in range(CHANGES):
            await asyncio.sleep(APART_S)
            await self._ask("CreateAggregate", name=f"lag-{watchers}-{number}")
            since = time.perf_counter()
            lags += await asyncio.gather(*(_told(stream, number, since) for stream in told))
        for call in calls:
            call.cancel()
        for number in range(CHANGES):
            await self._ask("DeleteAggregate", aggregate=f"lag-{watchers}-{number}")
        cuts = statistics.quantiles([1000 * one for one in lags], n=100)
        return Lag(watchers, round(cuts[49], 1), round(cuts[98], 1))

    async def _added(self, host: str) -> Took:
        return await self._followed(await self._ask("AddHost", aggregate="rack", host=host))

    async def _removed(self, host: str) -> Took:
        given = {"aggregate": "rack", "host": host, "confirm_wipe": True}
        return await self._followed(await self._ask("RemoveHost", **given))

    async def _followed(self, begun: Any) -> Took:
        """Wait for the end; the agent dies with its VM, where that goes with its host."""
        began = time.perf_counter()
        watch = aggregates_pb2.WatchAggregatesRequest()
        known = begun
        async for _ in self._service.WatchAggregates(watch, timeout=WITHIN_S):
            known = await self._ask("GetAggregateOperation", operation_id=begun.operation_id)
            agent = self._stack.agents[known.host_name]
            if known.agent_state == "gone" and agent.running:
                await asyncio.to_thread(agent.kill)
            if known.HasField("end_time"):
                break
        if known.phase != SUCCEEDED:
            raise SystemExit(f"{known.host_name}: {known}")
        return Took(time.perf_counter() - began, _in_xapi_s(known))

    def _script(self, what: str, number: int) -> Took:
        urls = self._stack.endpoints["n1"], self._stack.endpoints[f"s{number}"]
        command = [sys.executable, "-m", "bench.bare_pools", what, *LOGIN, *urls, agent_vm(number)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        took = json.loads(ran.stdout)
        return Took(took["wall_s"], took["wall_s"], took["cpu_s"])

    async def _measured(self, run: str, acts: Sequence[tuple[Any, str]]) -> Figures:
        before, counted = self._usage(), self._counted()
        seen = simulator.calls_since(self._stack.control)[-1]["number"]
        took = [await act(host) for act, host in acts]
        used = self._usage().since(before)
        calls = simulator.calls_since(self._stack.control, seen)
        counts = [now - then for now, then in zip(self._counted(), counted, strict=True)]
        agents = [name for name in used.by_name if name.startswith("agent-")]
        count = len(acts)

        def cpu_ms(names: Sequence[str]) -> float:
            return round(1000 * used.total(names) / count, 1)

        return Figures(
            run,
            count,
            round(statistics.mean(one.wall_s for one in took), 2),
            round(statistics.mean(one.in_xapi_s for one in took), 2),
            round(sum(call["method"] != "event.from" for call in calls) / count, 1),
            cpu_ms([self._stack.controller.name]),
            cpu_ms(agents),
            cpu_ms([self._stack.simulator.name]),
            round(1000 * statistics.mean(one.script_cpu_s for one in took), 1),
            round(counts[0] / count, 1),
            round(counts[1] / count, 1),
        )

    def _usage(self) -> Usage:
        """Read the clocks of what runs; an agent that was killed used nothing any more."""
        found = [self._stack.simulator, self._stack.controller, *self._stack.agents.values()]
        return Usage.of({one.name: one.pid for one in found if one.running})

    def _counted(self) -> tuple[float, float]:
        coordinator, controller = self._stack.agents["n1"], self._stack.controller
        return (
            counter(str(coordinator.ready["http"]), "grpc_server_handled_total"),
            counter(str(controller.ready["http"]), "xenferry_store_commits_total"),
        )

    async def _ask(self, call: str, **given: Any) -> Any:
        request = getattr(aggregates_pb2, f"{call}Request")(**given)
        return await getattr(self._service, call)(request, timeout=CALL_S)


def _in_xapi_s(known: Any) -> float:
    """Return the seconds until dom0 had done it: until nothing but the agent was waited for."""
    began = known.create_time.ToDatetime()
    rows = [row for row in known.journal if row.phase == WAITING_AGENT]
    done = (rows[0].time if rows else known.end_time).ToDatetime()
    return float((done - began).total_seconds())


async def _told(stream: Any, number: int, since: float) -> float:
    """Wait until a watcher is told of an aggregate, and return how late that is."""
    async for change in stream:
        if change.aggregate.name.endswith(f"-{number}"):
            break
    return time.perf_counter() - since


async def run(stack: Stack, pairs: int, watchers: Sequence[int]) -> dict[str, list[Any]]:
    """Return the figures of every change, and of the watches."""
    async with open_channel(stack.address, TlsSettings()) as channel:
        bench = Bench(stack, channel)
        await bench.first()
        scripted, managed = range(1, pairs + 1), range(pairs + 1, 2 * pairs + 1)
        changes = [
            await bench.idle(),
            await bench.bare("join", scripted),
            await bench.ours("join", managed),
            await bench.bare("eject", scripted),
            await bench.ours("eject", managed),
        ]
        return {"changes": changes, "lags": [await bench.lag(many) for many in watchers]}


def report(found: dict[str, list[Any]]) -> None:
    """Print a table for each kind of figures, and a line of JSON for machines."""
    for title, rows in found.items():
        records = [asdict(row) for row in rows]
        table = Table(title=title)
        for name in records[0]:
            table.add_column(name.replace("_", " "), justify="left" if name == "run" else "right")
        for record in records:
            table.add_row(*(str(value) for value in record.values()))
        Console(width=150).print(table)
    print(json.dumps({title: [asdict(row) for row in rows] for title, rows in found.items()}))


def main() -> None:
    """Run the benchmark on a stack of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=2, help="hosts by each way")
    options.add_argument("--time-factor", type=float, default=1.0)
    options.add_argument("--watchers", default="1,100")
    chosen = options.parse_args()
    watchers = [int(text) for text in chosen.watchers.split(",")]
    with (
        tempfile.TemporaryDirectory() as folder,
        a_stack(Path(folder), chosen.pairs, chosen.time_factor) as stack,
    ):
        found = asyncio.run(run(stack, chosen.pairs, watchers))
    report(found)


if __name__ == "__main__":
    main()
