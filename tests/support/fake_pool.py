"""A pool of hypervisors in memory, for the fake agents: guests, where they run, moves under way."""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from xenferry.common.v1 import inventory_pb2
from xenferry.hostagent.v1 import checks_pb2, move_pb2

GIB = 1024**3


@dataclass(slots=True)
class Guest:
    """A VM: where it runs, what is being done to it, and which migrations marked it."""

    facts: inventory_pb2.InstanceFacts
    marks: set[str] = field(default_factory=set)
    percent: float = 0.0
    task_status: str = ""
    error: tuple[str, ...] = ()


class FakePool:
    """What XAPI would know; a move goes on whoever watches it."""

    def __init__(
        self, move_s: float = 0.0, pool_id: str = "5ea1ab1e-0000-4000-8000-000000000001"
    ) -> None:
        self.move_s = move_s
        self.pool_id = pool_id
        self.tickets: set[str] = set()
        self.issued: list[str] = []
        self.volumes: list[checks_pb2.Volume] = []
        self.attached: list[checks_pb2.Volume] = []
        self.others: list[FakePool] = []
        self.fail_moves_with: tuple[str, ...] = ()
        self.moves_begun = 0
        self.guests: dict[str, Guest] = {}
        self._moves: dict[str, asyncio.Task[None]] = {}

    def add(self, guest: inventory_pb2.InstanceFacts) -> None:
        """Put a guest where its facts say."""
        self.guests[guest.instance_id] = Guest(guest)

    def host_of(self, instance_id: str) -> str:
        """Return the host that a guest runs on."""
        return self.guests[instance_id].facts.host_id

    def is_moving(self, instance_id: str) -> bool:
        """Tell whether a guest is being moved."""
        return instance_id in self._moves

    def issue_ticket(self) -> str:
        """Return a ticket for one guest to come into this pool."""
        ticket = str(uuid.uuid4())
        self.tickets.add(ticket)
        self.issued.append(ticket)
        return ticket

    def end(self, tickets: Iterable[move_pb2.ReceiveTicket]) -> None:
        """End what is left of tickets that came back."""
        self.tickets -= {ticket.values["ticket"] for ticket in tickets}

    def redeem(self, ticket: str) -> "FakePool | None":
        """Return the pool that issued a ticket, which is used up."""
        for pool in self.others:
            if ticket in pool.tickets:
                pool.tickets.discard(ticket)
                return pool
        return None

    def abort(self, instance_id: str) -> bool:
        """Stop a move; return whether there was one."""
        move = self._moves.pop(instance_id, None)
        if move is None:
            return False
        move.cancel()
        guest = self.guests[instance_id]
        guest.task_status, guest.error = "CANCELLED", ("TASK_CANCELLED", "task")
        guest.facts.current_operations[:] = []
        return True

    def move(
        self,
        instance_id: str,
        dest_host_id: str,
        migration_id: str,
        into: "FakePool | None" = None,
    ) -> None:
        """Begin a move, within the pool or into another; a repeat joins it."""
        if instance_id not in self._moves and self.host_of(instance_id) != dest_host_id:
            self.moves_begun += 1
            guest = self.guests[instance_id]
            guest.marks.add(migration_id)
            guest.task_status, guest.percent, guest.error = "PENDING", 0.0, ()
            guest.facts.current_operations[:] = ["migrate_send" if into else "pool_migrate"]
            work = self._carry(guest, dest_host_id, into)
            self._moves[instance_id] = asyncio.create_task(work)

    async def _carry(self, guest: Guest, dest_host_id: str, into: "FakePool | None") -> None:
        for step in range(1, 11):
            await asyncio.sleep(self.move_s / 10)
            guest.percent = step * 10.0
        if self.fail_moves_with:
            guest.task_status, guest.error = "FAILURE", self.fail_moves_with
        else:
            guest.task_status, guest.facts.host_id = "SUCCESS", dest_host_id
        guest.facts.current_operations[:] = []
        del self._moves[guest.facts.instance_id]
        if into is not None and guest.task_status == "SUCCESS":
            into.guests[guest.facts.instance_id] = self.guests.pop(guest.facts.instance_id)
