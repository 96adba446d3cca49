"""What a migration costs above the XAPI calls that it can't do without.

    python -m bench.migration [--sequential 30] [--concurrent 50]

The real stack as processes on a simulator whose moves take no time, against a plain XenAPI script
that makes the same moves in the same run. The yardstick is an empty gRPC call between two idle
processes of the same run: it tells how fast the machine is. Prints a table and, as its last line,
JSON.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from bench.measure import Usage, counter
from chassis.channels import open_channel
from chassis.tls import TlsSettings
from deploy.demo.stack import LOGIN, ROOT, Stack
from xenferry.controller.v1 import (
    inventory_pb2,
    inventory_pb2_grpc,
    migration_pb2,
    scheduler_pb2,
    scheduler_pb2_grpc,
)

WORLD = ROOT / "deploy" / "worlds" / "bench.toml"
AGENT_TABLES = "[migration]\nmax_concurrent_moves = 64\n"
# One pair of hosts carries all of them.
CONTROLLER_TABLES = "[queue]\nshared_storage_per_source = 64\nshared_storage_per_dest = 64\n"
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
OPEN = (
    migration_pb2.MIGRATION_STATE_QUEUED,
    migration_pb2.MIGRATION_STATE_PREPARING,
    migration_pb2.MIGRATION_STATE_MOVING,
    migration_pb2.MIGRATION_STATE_FINISHING,
    migration_pb2.MIGRATION_STATE_ROLLING_BACK,
)


@dataclass(frozen=True, slots=True)
class Figures:
    """A run's figures, per migration but for `count`."""

    run: str
    count: int
    wall_ms: float
    controller_cpu_ms: float = 0.0
    agents_cpu_ms: float = 0.0
    simulator_cpu_ms: float = 0.0
    commits: float = 0.0
    statements: float = 0.0


class Bench:
    """The stack, what moves on it, and where to."""

    def __init__(self, stack: Stack, channel: grpc.aio.Channel) -> None:
        self._stack = stack
        self._scheduler = scheduler_pb2_grpc.SchedulerStub(channel)
        self._inventory = inventory_pb2_grpc.InventoryStub(channel)
        self._health: Any = health_pb2_grpc.HealthStub(channel)
        processes = (stack.simulator, stack.controller, *stack.agents.values())
        self._pids = {process.name: process.pid for process in processes}

    async def instances(self) -> list[str]:
        """Return the ids of all instances."""
        request = inventory_pb2.ListInstancesRequest(page_size=1000)
        listed = await self._inventory.ListInstances(request, timeout=20)
        return [instance.facts.instance_id for instance in listed.instances]

    async def ours(
        self, run: str, instances: Sequence[str], dest: str, concurrency: int
    ) -> Figures:
        """Move them through the controller, so many at a time."""
        gate = asyncio.Semaphore(concurrency)

        async def one(instance: str) -> None:
            async with gate:
                await self._move(instance, dest)

        commits, statements = self._store()
        before, began = Usage.of(self._pids), time.perf_counter()
        await asyncio.gather(*(one(instance) for instance in instances))
        wall = time.perf_counter() - began
        used = Usage.of(self._pids).since(before)
        commits_now, statements_now = self._store()
        return self._figures(
            run, len(instances), wall, used, commits_now - commits, statements_now - statements
        )

    async def bare(
        self, run: str, instances: Sequence[str], dest: str, concurrency: int
    ) -> Figures:
        """Make the same moves by a plain script, so many at a time."""
        url = next(iter(self._stack.endpoints.values()))
        hosts = await self._inventory.ListHosts(inventory_pb2.ListHostsRequest(), timeout=20)
        dest_id = next(h.facts.host_id for h in hosts.hosts if h.facts.name == dest)
        command = ["-m", "bench.bare", url, *LOGIN, dest_id, str(concurrency)]
        before = Usage.of(self._pids)
        script = await asyncio.create_subprocess_exec(
            sys.executable, *command, *instances, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await script.communicate()
        used = Usage.of(self._pids).since(before)
        await self._adopted(instances, dest_id)
        return self._figures(run, len(instances), json.loads(out)["wall_s"], used, 0.0, 0.0)

    async def empty_call(self, count: int = 200) -> float:
        """Return the CPU ms of an empty call, both ends together, a hundredth of a second apart."""
        request = health_pb2.HealthCheckRequest()
        before = Usage.of(self._pids), time.process_time()
        for _ in range(count):
            await self._health.Check(request, timeout=5)
            await asyncio.sleep(0.01)
        served = Usage.of(self._pids).since(before[0]).total([self._stack.controller.name])
        return round(1000 * (served + time.process_time() - before[1]) / count, 2)

    async def _adopted(self, instances: Sequence[str], host_id: str) -> None:
        """Wait until the controller has learnt of moves that it did not make."""
        request = inventory_pb2.ListInstancesRequest(host_id=host_id, page_size=1000)
        there: set[str] = set()
        while not there >= set(instances):
            listed = await self._inventory.ListInstances(request, timeout=20)
            there = {instance.facts.instance_id for instance in listed.instances}
            await asyncio.sleep(0.05)

    async def _move(self, instance: str, dest: str) -> None:
        request = scheduler_pb2.LiveMigrationRequest(instance_id=instance, dest=dest)
        migration = await self._scheduler.LiveMigration(request, timeout=60)
        watch = scheduler_pb2.WatchMigrationsRequest(
            filter=scheduler_pb2.MigrationFilter(migration_id=migration.migration_id)
        )
        async for change in self._scheduler.WatchMigrations(watch, timeout=120):
            if change.HasField("migration") and change.migration.state not in OPEN:
                if change.migration.state != SUCCEEDED:
                    raise SystemExit(f"{instance} did not arrive: {change.migration}")
                return

    def _store(self) -> tuple[float, float]:
        http = str(self._stack.controller.ready["http"])
        return (
            counter(http, "xenferry_store_commits_total"),
            counter(http, "xenferry_store_statements_total"),
        )

    def _figures(
        self, run: str, count: int, wall_s: float, used: Usage, commits: float, statements: float
    ) -> Figures:
        def each(names: Sequence[str]) -> float:
            return round(1000 * used.total(names) / count, 2)

        return Figures(
            run,
            count,
            round(1000 * wall_s / count, 2),
            each([self._stack.controller.name]),
            each([agent.name for agent in self._stack.agents.values()]),
            each([self._stack.simulator.name]),
            round(commits / count, 2),
            round(statements / count, 2),
        )


async def run(stack: Stack, sequential: int, concurrent: int) -> tuple[list[Figures], float]:
    """Warm up, then measure there and back: bare and ours, one by one and all at once.

    Returns the figures and the CPU ms of an empty call.
    """
    async with open_channel(stack.address, TlsSettings()) as channel:
        bench = Bench(stack, channel)
        instances = await bench.instances()
        few, many = instances[:sequential], instances[:concurrent]
        first, second = list(stack.endpoints)[:2]
        await bench.ours("warm-up", few[:5], second, 1)
        await bench.ours("warm-up", few[:5], first, 1)
        figures = [
            await bench.bare("bare calls, one by one", few, second, 1),
            await bench.ours("xenferry, one by one", few, first, 1),
            await bench.bare(f"bare calls, {len(many)} at once", many, second, len(many)),
            await bench.ours(f"xenferry, {len(many)} at once", many, first, len(many)),
        ]
        return figures, await bench.empty_call()


def report(figures: Sequence[Figures], empty_call_ms: float) -> None:
    """Print a table for people and a line of JSON for machines."""
    table = Table(title="a migration with zero move time (ms each)")
    for name in asdict(figures[0]):
        table.add_column(name.replace("_", " "), justify="left" if name == "run" else "right")
    for row in figures:
        table.add_row(*(str(value) for value in asdict(row).values()))
    Console(width=130).print(table)
    bare, ours = figures[0], figures[1]
    cpu_ms = ours.controller_cpu_ms + ours.agents_cpu_ms
    summary = {
        "runs": [asdict(row) for row in figures],
        "wall_ms_over_bare": round(ours.wall_ms - bare.wall_ms, 2),
        "cpu_ms_controller_and_agents": round(cpu_ms, 2),
        "cpu_ms_of_an_empty_grpc_call": empty_call_ms,
        "in_empty_grpc_calls": round(cpu_ms / empty_call_ms, 1),
    }
    print(json.dumps(summary))


def main() -> None:
    """Run the benchmark on a stack of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sequential", type=int, default=30)
    options.add_argument("--concurrent", type=int, default=50)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(
            Path(folder),
            WORLD,
            controller_tables=CONTROLLER_TABLES,
            agent_tables=AGENT_TABLES,
        )
        with stack:
            measured = asyncio.run(run(stack, chosen.sequential, chosen.concurrent))
    report(*measured)


if __name__ == "__main__":
    main()
