"""What agents report and operators set; the reading side is ports/inventory.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.inventory import Host, HostFacts, Instance, InstanceFacts
from controller.ports.inventory import InventoryReader


@dataclass(frozen=True, slots=True)
class Registration:
    """A host with all it has, as its agent tells at its start."""

    host: HostFacts
    instances: Sequence[InstanceFacts]
    agent_address: str
    agent_session_id: str


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed on a host since the last heartbeat."""

    host_id: str
    agent_session_id: str
    sequence: int
    host: HostFacts | None = None
    changed: Sequence[InstanceFacts] = ()
    gone: Sequence[str] = ()


class Registry(InventoryReader, Protocol):
    """The inventory, with its writing side."""

    async def register(self, registration: Registration) -> None:
        """Make a host known with all it has; replaces what its agent told before."""

    async def heartbeat(self, delta: Delta) -> bool:
        """Take a heartbeat; False asks the agent to register again."""

    async def set_maintenance(self, host_id: str, maintenance: bool) -> Host | None:
        """Open or close a host as a destination and return it; None if there is none."""

    async def instances_named(self, name: str) -> Sequence[Instance]:
        """Return every instance with exactly this name_label."""

    async def instances(self) -> Sequence[Instance]:
        """Return every known instance."""


class AgentDirectory(Protocol):
    """Where agents listen."""

    def agent_address(self, host_id: str) -> str:
        """Return host:port of a host's agent, empty if the host never registered."""
