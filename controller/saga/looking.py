"""Asking both sides what XAPI shows; a side that does not answer is told as such."""

import asyncio
from collections.abc import Awaitable

from controller.model.migration import Migration
from controller.ports.agents import AgentUnavailable, MoveAgents, Observation, Order, StepRefused
from controller.saga.settle import View


async def look(agents: MoveAgents, order: Order) -> View:
    """Ask both sides at once."""
    source, dest = await asyncio.gather(
        _answer(agents.observe_source(order)), _answer(agents.observe_dest(order))
    )
    return View(source, dest)


def order_of(migration: Migration) -> Order:
    """Return on whose behalf a migration's calls are made."""
    plan = migration.plan
    return Order(
        migration_id=migration.migration_id,
        epoch=migration.epoch,
        instance_id=plan.instance_id,
        source_host_id=plan.source_host_id,
        dest_host_id=plan.dest_host_id,
        kind=plan.kind,
        dest_check_data=plan.dest_check_data,
    )


async def _answer(asked: Awaitable[Observation]) -> Observation | None:
    try:
        return await asked
    except (AgentUnavailable, StepRefused):
        return None
