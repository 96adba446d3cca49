"""Moves one by one: there by an agent, back by the bare calls, where XAPI needs no time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import bare
from bench.agents import agent, guests, operator, xapi_calls
from bench.simulator import simulator
from deploy.demo.stack import ROOT
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2

WORLDS = ROOT / "deploy" / "worlds"
SHARED_STORAGE = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
BLOCK = fence_pb2.MIGRATION_KIND_BLOCK
LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves of a kind, per move; CPU without the simulator's, with both ends of each call."""

    kind: str
    bare_ms: float
    agent_ms: float
    bare_cpu_ms: float
    agent_cpu_ms: float
    xapi_calls: float


@dataclass(frozen=True, slots=True)
class Side:
    """An agent's stub, and what it tells of its host."""

    stub: Any
    host: Any


async def both_kinds(count: int) -> list[Moves]:
    """Return the figures of moves on shared storage and of moves with their disks."""
    return [
        await _moves("SHARED_STORAGE", "bench.toml", count, _shared, bare.move),
        await _moves("BLOCK", "bench-block.toml", count, _block, bare.send),
    ]


async def _moves(
    kind: str,
    world: str,
    count: int,
    there: Callable[[Side, Side, str], Awaitable[None]],
    back: Callable[[Any, str, str], None],
) -> Moves:
    with simulator(WORLDS / world) as (_, url):
        moved, api = guests(url, "bench1")[:count], operator(url)
        for repository in api.SR.get_all():
            api.SR.add_to_other_config(repository, "bench", "disks")
        async with agent(url, "bench1") as first, agent(url, "bench2") as second:
            source, dest, calls = Side(*first), Side(*second), xapi_calls()
            ours = await _timed(moved, lambda instance: there(source, dest, instance))
            calls = xapi_calls() - calls
        home = source.host.host_id
        floor = await _timed(moved, lambda each: asyncio.to_thread(back, api, each, home))
    return Moves(kind, floor[0], ours[0], floor[1], ours[1], round(calls / len(moved), 1))


async def _timed(
    instances: Sequence[str], move: Callable[[str], Awaitable[None]]
) -> tuple[float, float]:
    """Return the milliseconds and the CPU milliseconds of this process for each."""
    began, cpu = time.perf_counter(), time.process_time()
    for instance in instances:
        await move(instance)
    each = 1000 / len(instances)
    took = time.perf_counter() - began, time.process_time() - cpu
    return round(took[0] * each, 2), round(took[1] * each, 2)


async def _shared(source: Side, dest: Side, instance: str) -> None:
    await _carry(source, dest, _order(source, dest, instance, SHARED_STORAGE))


async def _block(source: Side, dest: Side, instance: str) -> None:
    asked = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=source.host.pool_id, dest_host_id=dest.host.host_id, block_migration=True
    )
    asked.instance.instance_id = instance
    told = await dest.stub.CheckCanLiveMigrateOnDest(asked, timeout=LIMIT_S)
    order = _order(source, dest, instance, BLOCK)
    order.dest_check_data.CopyFrom(told.dest_check_data)
    prepared = await dest.stub.PreLiveMigration(
        move_pb2.PreLiveMigrationRequest(
            fence=order.fence,
            instance_id=instance,
            kind=BLOCK,
            dest_check_data=told.dest_check_data,
            dest_host_id=dest.host.host_id,
        ),
        timeout=LIMIT_S,
    )
    order.receive_ticket.CopyFrom(prepared.receive_ticket)
    await _carry(source, dest, order)


def _order(source: Side, dest: Side, instance: str, kind: Any) -> move_pb2.LiveMigrationRequest:
    return move_pb2.LiveMigrationRequest(
        fence=fence_pb2.Fence(migration_id=instance, epoch=1),
        instance_id=instance,
        source_host_id=source.host.host_id,
        dest_host_id=dest.host.host_id,
        kind=kind,
    )


async def _carry(source: Side, dest: Side, order: move_pb2.LiveMigrationRequest) -> None:
    """Move it, and clean up on both sides, as the controller has it done."""
    reports = [report async for report in source.stub.LiveMigration(order, timeout=LIMIT_S)]
    if reports[-1].outcome != move_pb2.MOVE_OUTCOME_ARRIVED:
        raise SystemExit(f"{order.instance_id} did not arrive: {reports[-1]}")
    left = cleanup_pb2.PostAtSourceRequest(
        fence=order.fence, instance_id=order.instance_id, source_host_id=order.source_host_id
    )
    await source.stub.PostAtSource(left, timeout=LIMIT_S)
    come = cleanup_pb2.PostAtDestinationRequest(
        fence=order.fence, instance_id=order.instance_id, dest_host_id=order.dest_host_id
    )
    await dest.stub.PostAtDestination(come, timeout=LIMIT_S)
