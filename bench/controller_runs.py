"""The runs of bench.controller, each on controllers and a fleet that are ready."""

import asyncio
import functools
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio

from bench.fleet import Fleet
from bench.measure import cpu_s, memory_mib
from chassis.channels import open_channel
from chassis.tls import TlsSettings
from controller.store.settings import StoreSettings
from deploy.demo.processes import Process
from xenferry.controller.v1 import migration_pb2, scheduler_pb2, scheduler_pb2_grpc

HEARTBEAT_S = 2.0
QUIET_S = 10.0
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
CALL_S = 120.0
WATCH = "/xenferry.controller.v1.Scheduler/WatchMigrations"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    hosts: int
    instances: int
    moves: tuple[int, ...]
    matrix: tuple[int, ...]
    watchers: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Bench:
    """Controllers, the fleet that reports to the last of them, and a channel to that one."""

    controllers: Sequence[Process]
    fleet: Fleet
    sizes: Sizes
    channel: grpc.aio.Channel

    @property
    def pid(self) -> int:
        """The last controller's process."""
        return self.controllers[-1].pid

    @property
    def scheduler(self) -> Any:
        """The last controller's Scheduler."""
        return scheduler_pb2_grpc.SchedulerStub(self.channel)

    def moves(self, count: int) -> list[scheduler_pb2.LiveMigrationRequest]:
        """Return requests that move different instances to the host next to theirs."""
        hosts = [host.host_id for host in self.fleet.hosts]
        after = dict(zip(hosts, [*hosts[1:], hosts[0]], strict=True))
        chosen = itertools.islice(self.fleet.places.items(), count)
        return [
            scheduler_pb2.LiveMigrationRequest(instance_id=instance, dest=after[host])
            for instance, host in chosen
        ]


async def throughput(bench: Bench) -> list[Figures]:
    """Return migrations a second and CPU a migration, with so many at once."""
    await _all(bench, 10, 5)
    found = []
    for at_once in bench.sizes.moves:
        count = max(2 * at_once, 100) if at_once > 1 else 50
        before, began = cpu_s(bench.pid), time.perf_counter()
        await _all(bench, count, at_once)
        wall, used = time.perf_counter() - began, cpu_s(bench.pid) - before
        found.append(
            {
                "at_once": at_once,
                "migrations": count,
                "per_second": round(count / wall, 1),
                "controller_cpu_ms": round(1000 * used / count, 1),
            }
        )
    return found


async def fleet(bench: Bench) -> list[Figures]:
    """Return what a fleet costs that only beats, and how long an admission takes meanwhile."""
    before = cpu_s(bench.pid)
    await asyncio.sleep(QUIET_S)
    beating = (cpu_s(bench.pid) - before) / QUIET_S
    waits = []
    for request in bench.moves(200):
        began = time.perf_counter()
        await bench.scheduler.LiveMigration(request, timeout=CALL_S)
        waits.append(time.perf_counter() - began)
    return [
        {
            "hosts": bench.sizes.hosts,
            "instances": bench.sizes.instances,
            "heartbeats_per_second": round(bench.sizes.hosts / HEARTBEAT_S),
            "cpu_of_a_core_percent": round(100 * beating, 1),
            "cpu_ms_a_heartbeat": round(1000 * beating / (bench.sizes.hosts / HEARTBEAT_S), 2),
            "admission_p50_ms": _percentile(waits, 50),
            "admission_p99_ms": _percentile(waits, 99),
            "rss_mib": round(memory_mib(bench.pid)),
        }
    ]


async def matrix(bench: Bench) -> list[Figures]:
    """Return what CheckLiveMigration of so many instances and every host of the fleet costs."""
    found = []
    for side in bench.sizes.matrix:
        request = scheduler_pb2.CheckLiveMigrationRequest(
            instance_ids=list(bench.fleet.places)[:side],
            dests=[host.host_id for host in bench.fleet.hosts[:side]],
        )
        before, began = cpu_s(bench.pid), time.perf_counter()
        answer = await bench.scheduler.CheckLiveMigration(request, timeout=CALL_S)
        wall, used = time.perf_counter() - began, cpu_s(bench.pid) - before
        found.append(
            {
                "instances": side,
                "dests": side,
                "possible": sum(cell.possible for cell in answer.cells),
                "answered_after_s": round(wall, 2),
                "controller_cpu_ms_a_cell": round(1000 * used / len(answer.cells), 2),
                "most_checks_at_once": bench.fleet.most_at_once,
                "answer_kib": round(answer.ByteSize() / 1024),
                "rss_mib": round(memory_mib(bench.pid)),
            }
        )
    return found


async def watchers(bench: Bench) -> list[Figures]:
    """Return how long after it was begun to be written a change is at every watcher."""
    lags: list[float] = []
    ready = asyncio.Semaphore(0)
    many = [asyncio.create_task(_watch(bench, ready, lags)) for _ in range(bench.sizes.watchers)]
    for _ in many:
        await ready.acquire()
    before = cpu_s(bench.pid)
    for move in bench.moves(10):
        await _one(bench, move)
        await asyncio.sleep(0.5)
    used = cpu_s(bench.pid) - before
    for watcher in many:
        watcher.cancel()
    await asyncio.gather(*many, return_exceptions=True)
    return [
        {
            "watchers": bench.sizes.watchers,
            "told": len(lags),
            "lag_p50_ms": _percentile(lags, 50),
            "lag_p99_ms": _percentile(lags, 99),
            "cpu_us_a_message": round(1e6 * used / max(len(lags), 1)),
            "rss_mib": round(memory_mib(bench.pid)),
        }
    ]


async def recovery(bench: Bench) -> list[Figures]:
    """Return how long after SIGKILL and a start at once everything that was moving is rejoined."""
    count = await _in_flight(bench)
    controller = bench.controllers[-1]
    controller.kill()
    began = time.perf_counter()
    await asyncio.to_thread(controller.start)
    ready = time.perf_counter() - began
    await asyncio.wait_for(bench.fleet.wait_for_moves(2, count), CALL_S)
    rejoined = time.perf_counter() - began
    bench.fleet.open_gate.set()
    return [
        {
            "in_flight": count,
            "ready_after_s": round(ready, 2),
            "all_rejoined_after_s": round(rejoined, 2),
        }
    ]


async def takeover(bench: Bench) -> list[Figures]:
    """Return how long after SIGKILL of one replica the other has rejoined what that one drove."""
    doomed = bench.controllers[0]
    await asyncio.sleep(HEARTBEAT_S)  # until it has heard of the agents
    async with open_channel(str(doomed.ready["grpc"]), TlsSettings()) as channel:
        count = await _in_flight(Bench(bench.controllers[:1], bench.fleet, bench.sizes, channel))
    doomed.kill()
    began = time.perf_counter()
    await asyncio.wait_for(_claimed_anew(bench, count), CALL_S)
    claimed = time.perf_counter() - began
    await asyncio.wait_for(bench.fleet.wait_for_moves(2, 1), CALL_S)
    first = time.perf_counter() - began
    await asyncio.wait_for(bench.fleet.wait_for_moves(2, count), CALL_S)
    every = time.perf_counter() - began
    bench.fleet.open_gate.set()
    return [
        {
            "in_flight": count,
            "claim_s": StoreSettings().claim_s,
            "all_claimed_after_s": round(claimed, 2),
            "first_rejoined_after_s": round(first, 2),
            "all_rejoined_after_s": round(every, 2),
        }
    ]


async def _claimed_anew(bench: Bench, count: int) -> None:
    """Watch until so many migrations have got a second claim."""
    found: set[str] = set()
    call = bench.scheduler.WatchMigrations(scheduler_pb2.WatchMigrationsRequest())
    async for change in call:
        if change.migration.epoch > 1:
            found.add(change.migration.migration_id)
        if len(found) >= count:
            return


async def _in_flight(bench: Bench) -> int:
    """Begin moves that the fleet holds, and return how many once all of them are held."""
    bench.fleet.open_gate.clear()
    requests = bench.moves(bench.sizes.in_flight)
    gate = asyncio.Semaphore(50)

    async def ask(request: scheduler_pb2.LiveMigrationRequest) -> None:
        async with gate:
            await bench.scheduler.LiveMigration(request, timeout=CALL_S)

    await asyncio.gather(*(ask(request) for request in requests))
    await asyncio.wait_for(bench.fleet.wait_for_moves(1, len(requests)), CALL_S)
    return len(requests)


async def _all(bench: Bench, count: int, at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(request: scheduler_pb2.LiveMigrationRequest) -> None:
        async with gate:
            await _one(bench, request)

    await asyncio.gather(*(one(request) for request in bench.moves(count)))


async def _one(bench: Bench, request: scheduler_pb2.LiveMigrationRequest) -> None:
    migration = await bench.scheduler.LiveMigration(request, timeout=CALL_S)
    which = scheduler_pb2.MigrationFilter(migration_id=migration.migration_id)
    watch = scheduler_pb2.WatchMigrationsRequest(filter=which)
    async for change in bench.scheduler.WatchMigrations(watch, timeout=CALL_S):
        if change.HasField("migration") and change.migration.HasField("end_time"):
            if change.migration.state != SUCCEEDED:
                raise SystemExit(f"it did not arrive: {change.migration}")
            return


async def _watch(
    bench: Bench,
    ready: asyncio.Semaphore,
    lags: list[float],
) -> None:
    call = bench.channel.unary_stream(
        WATCH,
        scheduler_pb2.WatchMigrationsRequest.SerializeToString,
        response_deserializer=_written,
    )
    listening, seen = False, 0
    async for revision, written in call(scheduler_pb2.WatchMigrationsRequest()):
        now = time.time()
        if listening:
            lags.extend(now - at for each, at in written if each > seen)
        elif not written:
            listening = True
            ready.release()
        seen = revision


@functools.lru_cache(256)
def _written(encoded: bytes) -> tuple[int, tuple[tuple[int, float], ...]]:
    """Return a response's revision, and which of its changes was written when; none in a bookmark.

    All watchers get the same bytes: read once, they cost this process no more than to receive.
    """
    response = scheduler_pb2.WatchMigrationsResponse.FromString(encoded)
    if not response.HasField("migration"):
        return response.revision, ()
    told = response.migration
    return response.revision, ((told.revision, told.update_time.ToNanoseconds() / 1e9),)


def _percentile(seconds: Sequence[float], percent: int) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) * percent // 100, len(ordered) - 1)], 1)
