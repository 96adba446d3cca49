"""The calls behind the steps, in one shape, so that tables can name them."""

from controller.ports.agents import MoveAgents, Order
from controller.saga.steps import Report


async def verify_exports(agents: MoveAgents, order: Order) -> Report:
    """Make the source look at the instance's storage."""
    return Report(findings=await agents.verify_exports(order))


async def prepare_dest(agents: MoveAgents, order: Order) -> Report:
    """Make the destination ready."""
    await agents.prepare_dest(order)
    return Report()


async def has_floating_ips(agents: MoveAgents, order: Order) -> bool:
    """Tell whether a floating IP leads to the instance."""
    return await agents.has_floating_ips(order)


async def move_floating_ips(agents: MoveAgents, order: Order) -> Report:
    """Take the instance's floating IPs down at the source and put them up at the destination."""
    await agents.move_floating_ips(order)
    return Report()


async def post_at_source(agents: MoveAgents, order: Order) -> Report:
    """Detach at the source what only the moved guest used."""
    return Report(items=await agents.post_at_source(order))


async def post_at_dest(agents: MoveAgents, order: Order) -> Report:
    """Verify at the destination, and clear the marks."""
    answer = await agents.post_at_dest(order)
    return Report(findings=answer.findings, items=answer.items)


async def rollback_at_source(agents: MoveAgents, order: Order) -> Report:
    """Clear the marks at the source."""
    return Report(items=await agents.rollback_at_source(order))


async def rollback_at_dest(agents: MoveAgents, order: Order) -> Report:
    """Release at the destination what is leased to the migration."""
    return Report(items=await agents.rollback_at_dest(order))
