"""What agents hand over that is worth stealing: receive tickets, and how volumes are reached.

It is kept in memory alone, for as long as its migration is open. A ticket goes back to the agent
that gave it, to be ended there, for that agent remembers none once it has been started again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.ports.agents import Order
from xenferry.hostagent.v1 import checks_pb2, move_pb2

REMEMBERED = 10_000


@dataclass(slots=True)
class Held:
    """Of one migration; `volumes` is None until its source has told them."""

    tickets: list[move_pb2.ReceiveTicket] = field(default_factory=list, repr=False)
    volumes: tuple[checks_pb2.Volume, ...] | None = field(default=None, repr=False)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Valuables:
    """By migration; the oldest is let go when there are too many."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Held] = OrderedDict()

    def asking(self, order: Order) -> asyncio.Lock:
        """Return what is held while a migration's source is asked for volumes."""
        return self._of(order).asking

    def keep_ticket(self, order: Order, ticket: move_pb2.ReceiveTicket) -> None:
        """Keep a ticket until the migration is over at its destination."""
        self._of(order).tickets.append(ticket)

    def keep_volumes(self, order: Order, volumes: Iterable[checks_pb2.Volume]) -> None:
        """Keep how the destination reaches the instance's volumes."""
        self._of(order).volumes = tuple(volumes)

    def tickets(self, order: Order) -> list[move_pb2.ReceiveTicket]:
        """Return the tickets of a migration, oldest first."""
        held = self._held.get(order.migration_id)
        return list(held.tickets) if held else []

    def volumes(self, order: Order) -> tuple[checks_pb2.Volume, ...]:
        """Return the volumes of a migration, as far as they are known."""
        held = self._held.get(order.migration_id)
        return (held.volumes if held else None) or ()

    def knows_volumes(self, order: Order) -> bool:
        """Tell whether the source has told this process of volumes, or that there are none."""
        held = self._held.get(order.migration_id)
        return held is not None and held.volumes is not None

    def forget(self, order: Order) -> None:
        """Let go what was held for a migration that is over at its destination."""
        self._held.pop(order.migration_id, None)

    def _of(self, order: Order) -> Held:
        held = self._held.setdefault(order.migration_id, Held())
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)
        return held
