"""What a check and a move cost at one agent, whatever the size of its pool.

    python -m bench.agent [--checks 200] [--moves 30]

Agents of two hosts in this process, over real gRPC, on a simulator of its own. XAPI's calls are
counted by the agent's own metric, without event.from. Prints a table and, as its last line, JSON.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import agent_moves
from bench.agent_moves import Moves
from bench.agents import agent, guests, xapi_calls
from bench.simulator import simulator, write_world
from xenferry.hostagent.v1 import checks_pb2

SIZES = (10, 100, 1_000)
HOSTS = 4
SOURCE, DEST = "xs01", "xs02"


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one pool: latency, CPU of both ends and XAPI's calls, per check."""

    vms: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    xapi_calls: float


async def check(url: str, vms: int, count: int) -> Checks:
    """Ask a destination so many times about one guest of another host."""
    async with agent(url, DEST) as (stub, host):
        request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            source_pool_id=host.pool_id, dest_host_id=host.host_id
        )
        request.instance.instance_id = guests(url, SOURCE)[0]
        await stub.CheckCanLiveMigrateOnDest(request, timeout=20)
        before, cpu, took = xapi_calls(), time.process_time(), []
        for _ in range(count):
            began = time.perf_counter()
            await stub.CheckCanLiveMigrateOnDest(request, timeout=20)
            took.append(1000 * (time.perf_counter() - began))
        cpu_ms = round(1000 * (time.process_time() - cpu) / count, 2)
        calls = (xapi_calls() - before) / count
    cuts = statistics.quantiles(took, n=100)
    return Checks(vms, round(cuts[49], 2), round(cuts[98], 2), cpu_ms, calls)


async def checks(folder: Path, sizes: Sequence[int], count: int) -> list[Checks]:
    """Return the figures of a pool of each size."""
    found = []
    for vms in sizes:
        with simulator(write_world(folder, HOSTS, vms)) as (_, url):
            found.append(await check(url, vms, count))
    return found


def report(found: Sequence[Checks], moved: Sequence[Moves]) -> None:
    """Print tables for people and a line of JSON for machines."""
    for title, rows in (("CheckCanLiveMigrateOnDest", found), ("Moves one by one", moved)):
        table = Table(title=title)
        records = [asdict(row) for row in rows]
        for name in records[0]:
            table.add_column(name.replace("_", " "), justify="right")
        for record in records:
            table.add_row(*(str(value) for value in record.values()))
        Console(width=100).print(table)
    told = {"checks": [asdict(row) for row in found], "moves": [asdict(row) for row in moved]}
    print(json.dumps(told))


def main() -> None:
    """Run the benchmark on simulators of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checks", type=int, default=200)
    options.add_argument("--moves", type=int, default=30)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(checks(Path(folder), SIZES, chosen.checks))
    report(found, asyncio.run(agent_moves.both_kinds(chosen.moves)))


if __name__ == "__main__":
    main()
