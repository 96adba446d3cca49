"""The inventory as the planner reads it.

Reads only: who keeps the inventory, and how fresh it is, is the store's affair.
"""

from collections.abc import Sequence
from typing import Protocol

from controller.model import inventory


class InventoryReader(Protocol):
    """Hosts and instances as last told by the agents."""

    async def instance(self, instance_id: str) -> inventory.Instance | None:
        """Return the instance with this uuid, or None."""

    async def host(self, host_id: str) -> inventory.Host | None:
        """Return the host with this uuid, or None."""

    async def hosts_named(self, name: str) -> Sequence[inventory.Host]:
        """Return every host with exactly this name_label; names need not be unique."""

    async def hosts(self) -> Sequence[inventory.Host]:
        """Return every known host."""
