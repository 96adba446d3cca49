"""How many guests leave a host at once: more share its wire, and XAPI refuses a fourth with disks.

What is counted is what XAPI shows, not only what this agent began: its predecessor's moves count,
and an operator's.
"""

from hostagent.model.checks import Kind
from hostagent.model.move import MoveOrder
from hostagent.operations import situation
from hostagent.operations.agent import Agent
from hostagent.operations.trips import Trip

TOO_MANY = "TOO_MANY_STORAGE_MIGRATES"


def admit(agent: Agent, order: MoveOrder, trip: Trip) -> None:
    """Take a place; raises TooManyMoves."""
    agent.moves.admit(order, _others(agent, order.kind, trip))


def _others(agent: Agent, kind: Kind, trip: Trip) -> set[str]:
    name = situation.MIGRATE_SEND if kind is Kind.BLOCK else situation.POOL_MIGRATE
    return {
        vm.uuid
        for vm in agent.mirror.vms.values()
        if vm.resident_on == trip.here.ref
        and any(
            operation == name and not agent.moves.follows(task)
            for task, operation in vm.current_operations.items()
        )
    }
