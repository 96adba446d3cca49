"""From where to where a VM is to go, in references of this pool."""

from dataclasses import dataclass

from hostagent.model.checks import Kind
from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Reason, refused
from hostagent.model.move import MoveOrder
from hostagent.model.records import HostRecord
from hostagent.operations import look
from hostagent.operations.agent import Agent


@dataclass(frozen=True, slots=True)
class Trip:
    """`here` is this agent's host; `there` is empty for a host of another pool."""

    here: HostRecord
    there: str

    @property
    def across(self) -> bool:
        """Whether it leads to another pool, of which nothing is seen from here."""
        return not self.there


def of(agent: Agent, order: MoveOrder) -> Trip:
    """Return the trip of an order; raises MoveRefused if it can't lead there."""
    here = look.own_host(agent)
    there = look.host_by_id(agent.mirror, order.dest_host_id)
    if there is None and order.kind is Kind.SHARED_STORAGE:
        raise MoveRefused(
            refused(
                Reason.POOLS_DIFFER,
                f"host/{order.dest_host_id}",
                f"the pool of this host has no host {order.dest_host_id}",
                "choose a destination in the source's pool",
            )
        )
    return Trip(here, there.ref if there else "")
