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
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import XenAPI
from prometheus_client import REGISTRY
from rich.console import Console
from rich.table import Table

from bench import bare
from bench.simulator import LOGIN, simulator, write_world
from chassis.channels import open_channel
from chassis.lifetime import Lifetime
from chassis.server import Server
from chassis.tls import TlsSettings
from deploy.demo.stack import ROOT
from hostagent.assembly import assemble
from hostagent.model.settings import MigrationSettings, XapiSettings
from hostagent.settings import Settings
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import checks_pb2, host_agent_pb2, host_agent_pb2_grpc, move_pb2

SIZES = (10, 100, 1_000)
HOSTS = 4
SOURCE, DEST = "xs01", "xs02"
INSTANT_WORLD = ROOT / "deploy" / "worlds" / "bench.toml"
GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one pool; milliseconds, and XAPI's calls per check."""

    vms: int
    p50_ms: float
    p99_ms: float
    xapi_calls: float


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves one by one, per move."""

    bare_ms: float
    agent_ms: float
    xapi_calls: float


@asynccontextmanager
async def agent(url: str, host: str) -> AsyncIterator[tuple[Any, Any]]:
    """Serve an agent; yields its stub and what it tells of its host."""
    user, password = LOGIN
    xapi = XapiSettings(url=url, user=user, password=password, host=host)
    settings = Settings(xapi=xapi, migration=MigrationSettings(max_concurrent_moves=8))
    async with assemble(settings, Lifetime()) as application:
        server = Server(application.services, Lifetime(), application.translate)
        address = await server.start("127.0.0.1:0", TlsSettings())
        async with open_channel(address, TlsSettings()) as channel:
            stub: Any = host_agent_pb2_grpc.HostAgentStub(channel)
            info = await stub.GetAgentInfo(host_agent_pb2.GetAgentInfoRequest(), timeout=20)
            yield stub, info.host
        await server.stop(GRACE_S)


def xapi_calls() -> float:
    """Return how many calls the agents have made so far."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "xenferry_xapi_calls_total" and sample.labels["method"] != "event.from"
    )


def operator(url: str) -> Any:
    """Return a line of our own to XAPI."""
    session = XenAPI.Session(url)
    session.xenapi.login_with_password(*LOGIN, "1.0", "bench")
    return session.xenapi


def guests(url: str, host: str) -> list[str]:
    """Return the uuids of the guests of a host."""
    api = operator(url)
    (ref,) = api.host.get_by_name_label(host)
    records = api.VM.get_all_records().values()
    return [
        str(one["uuid"])
        for one in records
        if one["resident_on"] == ref and not one["is_control_domain"]
    ]


async def check(url: str, vms: int, count: int) -> Checks:
    """Ask a destination so many times about one guest of another host."""
    async with agent(url, DEST) as (stub, host):
        request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            source_pool_id=host.pool_id, dest_host_id=host.host_id
        )
        request.instance.instance_id = guests(url, SOURCE)[0]
        await stub.CheckCanLiveMigrateOnDest(request, timeout=20)
        before, took = xapi_calls(), []
        for _ in range(count):
            began = time.perf_counter()
            await stub.CheckCanLiveMigrateOnDest(request, timeout=20)
            took.append(1000 * (time.perf_counter() - began))
        calls = (xapi_calls() - before) / count
    cuts = statistics.quantiles(took, n=100)
    return Checks(vms, round(cuts[49], 2), round(cuts[98], 2), calls)


async def checks(folder: Path, sizes: Sequence[int], count: int) -> list[Checks]:
    """Return the figures of a pool of each size."""
    found = []
    for vms in sizes:
        with simulator(write_world(folder, HOSTS, vms)) as (_, url):
            found.append(await check(url, vms, count))
    return found


async def moves(count: int) -> Moves:
    """Move guests there by an agent and back by bare calls, where moves take no time."""
    with simulator(INSTANT_WORLD) as (_, url):
        api = operator(url)
        first, second = (api.host.get_record(ref) for ref in api.host.get_all()[:2])
        moved = guests(url, first["name_label"])[:count]
        async with agent(url, first["name_label"]) as (stub, host):
            before, began = xapi_calls(), time.perf_counter()
            for instance in moved:
                await _move(stub, instance, host.host_id, second["uuid"])
            ours, calls = time.perf_counter() - began, xapi_calls() - before
            began = time.perf_counter()
            for instance in moved:
                await asyncio.to_thread(bare.move, api, instance, first["uuid"])
            floor = time.perf_counter() - began
    each = 1000 / len(moved)
    return Moves(round(floor * each, 2), round(ours * each, 2), round(calls / len(moved), 1))


async def _move(stub: Any, instance: str, source: str, dest: str) -> None:
    request = move_pb2.LiveMigrationRequest(
        fence=fence_pb2.Fence(migration_id=instance, epoch=1),
        instance_id=instance,
        source_host_id=source,
        dest_host_id=dest,
        kind=fence_pb2.MIGRATION_KIND_SHARED_STORAGE,
    )
    reports = [report async for report in stub.LiveMigration(request, timeout=60)]
    if reports[-1].outcome != move_pb2.MOVE_OUTCOME_ARRIVED:
        raise SystemExit(f"{instance} did not arrive: {reports[-1]}")


def report(found: Sequence[Checks], moved: Moves) -> None:
    """Print a table for people and a line of JSON for machines."""
    table = Table(title="CheckCanLiveMigrateOnDest")
    for name in asdict(found[0]):
        table.add_column(name.replace("_", " "), justify="right")
    for row in found:
        table.add_row(*(str(value) for value in asdict(row).values()))
    Console(width=100).print(table)
    Console(width=100).print(
        f"a move: bare calls {moved.bare_ms} ms, agent {moved.agent_ms} ms,"
        f" {moved.xapi_calls} XAPI calls"
    )
    print(json.dumps({"checks": [asdict(row) for row in found], "moves": asdict(moved)}))


def main() -> None:
    """Run the benchmark on simulators of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checks", type=int, default=200)
    options.add_argument("--moves", type=int, default=30)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(checks(Path(folder), SIZES, chosen.checks))
    report(found, asyncio.run(moves(chosen.moves)))


if __name__ == "__main__":
    main()
