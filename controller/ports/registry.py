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


class Following(Protocol):
    """One watcher of hosts or of instances; what it holds is bounded by how many there are."""

    async def next(self) -> Sequence[str]:
        """Wait until something changed, and return the uuids of what did, each once."""

    def close(self) -> None:
        """Follow no more."""


class Registry(InventoryReader, Protocol):
    """The inventory, with its writing side."""

    async def register(self, registration: Registration) -> None:
        """Make a host known with all it has; replaces what its agent told before."""

    async def heartbeat(self, delta: Delta) -> bool:
        """Take a heartbeat; False asks the agent to register again."""

    async def set_maintenance(self, host_id: str, maintenance: bool, reason: str) -> Host | None:
        """Open or close a host as a destination and return it; None if there is none."""

    def follow_hosts(self) -> Following:
        """Return what tells of hosts that change from now on."""

    def follow_instances(self) -> Following:
        """Return what tells of instances that change from now on."""

    async def instances_named(self, name: str) -> Sequence[Instance]:
        """Return every instance with exactly this name_label."""

    async def instances(self) -> Sequence[Instance]:
        """Return every known instance."""


class AgentDirectory(Protocol):
    """Where agents listen."""

    def agent_address(self, host_id: str) -> str:
        """Return host:port of a host's agent, empty if the host never registered."""
