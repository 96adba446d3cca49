"""JoinPool, LeavePool, ObservePoolOperation: what dom0's plug-in does for the coordinator."""

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Reason, refused
from hostagent.model.pools import PoolOperation, PoolOrder
from hostagent.operations import look
from hostagent.operations.agent import Agent
from hostagent.operations.pools import plugin


async def join(agent: Agent, order: PoolOrder) -> PoolOperation:
    """Begin to join a host, or tell how far that is; raises AgentError or XapiError."""
    look.meant_host(agent, order.coordinator_id)
    given = {
        "operation_id": order.operation_id,
        "host_id": order.host_id,
        "address": order.address,
        "agent_vm": order.agent_instance_id,
        "force": str(order.force).lower(),
    }
    return await plugin.call(agent, "join", given)


async def leave(agent: Agent, order: PoolOrder, *, confirm_wipe: bool) -> PoolOperation:
    """Begin to eject a host, or tell how far that is; raises AgentError or XapiError."""
    look.meant_host(agent, order.coordinator_id)
    if not confirm_wipe:
        raise MoveRefused(
            refused(
                Reason.WIPE_NOT_CONFIRMED,
                f"host/{order.host_id}",
                "ejecting wipes the host, its local disks and its agent, and that is not confirmed",
                "ask with confirm_wipe if that is meant",
            )
        )
    given = {
        "operation_id": order.operation_id,
        "host_id": order.host_id,
        "agent_vm": order.agent_instance_id,
        "confirm_wipe": "true",
    }
    return await plugin.call(agent, "leave", given)


async def observe(agent: Agent, coordinator_id: str, operation_id: str) -> PoolOperation:
    """Tell how far an operation is; raises AgentError or XapiError."""
    look.meant_host(agent, coordinator_id)
    return await plugin.call(agent, "status", {"operation_id": operation_id})
