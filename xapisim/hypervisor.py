"""What really runs where: the truth beside the database, so that a test can tell when the two
disagree.
"""

from dataclasses import dataclass
from enum import Enum


class DomainState(Enum):
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    RECEIVING = "receiving"
    """Being built by an incoming migration: not alive."""


@dataclass(slots=True, eq=False)
class Domain:
    vm_uuid: str
    host_uuid: str
    domid: int
    state: DomainState
    devices: tuple[tuple[str, str], ...] = ()
    """Class and ref of what was attached when its toolstack lost sight of it."""

    @property
    def alive(self) -> bool:
        return self.state in (DomainState.RUNNING, DomainState.PAUSED)


class Hypervisor:
    """The domains of one pool's hosts. Nothing but the simulated hypervisor changes them."""

    def __init__(self) -> None:
        self._domains: list[Domain] = []
        self._next_domid: dict[str, int] = {}

    def domains(self) -> list[Domain]:
        return list(self._domains)

    def create(self, vm_uuid: str, host_uuid: str, state: DomainState, domid: int = 0) -> Domain:
        """A domain with the host's next number, unless it has one already."""
        domid = domid or self._next_domid.get(host_uuid, 1)
        self._next_domid[host_uuid] = max(domid + 1, self._next_domid.get(host_uuid, 1))
        domain = Domain(vm_uuid, host_uuid, domid, state)
        self._domains.append(domain)
        return domain

    def destroy(self, domain: Domain) -> None:
        if domain in self._domains:
            self._domains.remove(domain)

    def has(self, domain: Domain) -> bool:
        return domain in self._domains

    def find(self, vm_uuid: str, host_uuid: str) -> Domain | None:
        for domain in self._domains:
            if domain.vm_uuid == vm_uuid and domain.host_uuid == host_uuid:
                return domain
        return None

    def of_vm(self, vm_uuid: str) -> list[Domain]:
        return [domain for domain in self._domains if domain.vm_uuid == vm_uuid]

    def on_host(self, host_uuid: str) -> list[Domain]:
        return [domain for domain in self._domains if domain.host_uuid == host_uuid]
