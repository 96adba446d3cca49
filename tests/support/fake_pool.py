"""A pool of hypervisors in memory, for the fake agents: guests, where they run, moves under way."""

import asyncio
from dataclasses import dataclass, field

from xenferry.common.v1 import inventory_pb2

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

    def __init__(self, move_s: float = 0.0) -> None:
        self.move_s = move_s
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

    def move(self, instance_id: str, dest_host_id: str, migration_id: str) -> None:
        """Begin a move; a repeat joins it."""
        if instance_id not in self._moves and self.host_of(instance_id) != dest_host_id:
            self.moves_begun += 1
            guest = self.guests[instance_id]
            guest.marks.add(migration_id)
            guest.task_status, guest.percent, guest.error = "PENDING", 0.0, ()
            guest.facts.current_operations[:] = ["pool_migrate"]
            work = self._carry(guest, dest_host_id)
            self._moves[instance_id] = asyncio.create_task(work)

    async def _carry(self, guest: Guest, dest_host_id: str) -> None:
        for step in range(1, 11):
            await asyncio.sleep(self.move_s / 10)
            guest.percent = step * 10.0
        if self.fail_moves_with:
            guest.task_status, guest.error = "FAILURE", self.fail_moves_with
        else:
            guest.task_status, guest.facts.host_id = "SUCCESS", dest_host_id
        guest.facts.current_operations[:] = []
        del self._moves[guest.facts.instance_id]
