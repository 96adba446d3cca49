"""What floating IPs need: where they are kept, who carries them, and how each can be refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.findings import Reason
from controller.model.floating_ips import Address, Carried, FloatingIp, Load, Pool, Range


class FloatingIpRefused(Exception):
    """It can't be done; `subject` is what is in the way, and nothing was written."""

    reason = Reason.INTERNAL
    remedy = ""

    def __init__(self, subject: str, message: str) -> None:
        super().__init__(message)
        self.subject = subject


class PoolNotFound(FloatingIpRefused):
    """No pool has this uuid or name."""

    reason = Reason.FLOATING_IP_POOL_NOT_FOUND


class PoolExists(FloatingIpRefused):
    """A pool of that name exists, with other addresses."""

    reason = Reason.FLOATING_IP_POOL_EXISTS
    remedy = "choose another name, or use the pool that exists"


class PoolOverlaps(FloatingIpRefused):
    """Another pool has some of the addresses."""

    reason = Reason.FLOATING_IP_POOL_OVERLAPS
    remedy = "choose addresses that no pool has (ferryctl floating-ip pool-list)"


class PoolInUse(FloatingIpRefused):
    """Addresses of the pool are allocated."""

    reason = Reason.FLOATING_IP_POOL_IN_USE
    remedy = "release its addresses first (ferryctl floating-ip list --pool)"


class PoolExhausted(FloatingIpRefused):
    """Every address of the pool is allocated."""

    reason = Reason.FLOATING_IP_POOL_EXHAUSTED
    remedy = "release an address of it, or make another pool"


class FloatingIpNotFound(FloatingIpRefused):
    """No floating IP has this uuid or address."""

    reason = Reason.FLOATING_IP_NOT_FOUND


class AddressOutsidePool(FloatingIpRefused):
    """The address is not one of the pool's."""

    reason = Reason.ADDRESS_OUTSIDE_POOL
    remedy = "ask for one of the pool, or for none in particular"


class AddressTaken(FloatingIpRefused):
    """The address is allocated already."""

    reason = Reason.ADDRESS_TAKEN
    remedy = "ask for another, or for none in particular"


class FloatingIpAssociated(FloatingIpRefused):
    """The floating IP is associated with an instance."""

    reason = Reason.FLOATING_IP_ASSOCIATED
    remedy = "disassociate it first"


class FixedAddressInUse(FloatingIpRefused):
    """Another floating IP leads to the fixed address."""

    reason = Reason.FIXED_ADDRESS_IN_USE
    remedy = "disassociate the other first, or name another address of the instance"


class FixedAddressNotFound(FloatingIpRefused):
    """The instance tells of no such address."""

    reason = Reason.FIXED_ADDRESS_NOT_FOUND
    remedy = (
        "name one that it tells of, "
        "or add --unverified (unverified) to one that you know to be its own"
    )


class RequestReused(FloatingIpRefused):
    """The request_id was used before with another body."""

    reason = Reason.REQUEST_ID_REUSED
    remedy = "use a new request_id for another request"


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which address to take from which pool, and on whose request; `address` None: any."""

    pool: str
    address: Address | None = None
    request_id: str = ""


class FloatingIpStore(Protocol):
    """Pools and floating IPs; every method that refuses raises a FloatingIpRefused."""

    async def create_pool(self, name: str, addresses: Range) -> Pool:
        """Make a pool, or return the one that is just so; raises PoolExists, PoolOverlaps."""

    async def pool(self, pool: str) -> Pool:
        """Return a pool by uuid or name; raises PoolNotFound."""

    async def pools(self, size: int, after: tuple[str, str] | None) -> Sequence[Pool]:
        """Return at most `size` pools by name and id, from behind `after`."""

    async def delete_pool(self, pool: str) -> None:
        """Delete a pool; raises PoolNotFound, PoolInUse."""

    async def allocate(self, allocation: Allocation) -> FloatingIp:
        """Take an address; the same request_id and body return the first answer.

        Raises PoolNotFound, AddressOutsidePool, AddressTaken, PoolExhausted, RequestReused.
        """

    async def find(self, floating_ip: str) -> FloatingIp:
        """Return a floating IP by uuid or address; raises FloatingIpNotFound."""

    async def page(
        self, pool: str, instance_id: str, size: int, after: tuple[str, str] | None
    ) -> Sequence[FloatingIp]:
        """Return at most `size` floating IPs by address, from behind `after`'s sort key.

        Raises PoolNotFound.
        """

    async def associate(
        self, floating_ip_id: str, instance_id: str, fixed_address: str
    ) -> FloatingIp:
        """Lead it there; raises FloatingIpNotFound, FloatingIpAssociated, FixedAddressInUse."""

    async def disassociate(self, floating_ip_id: str) -> FloatingIp:
        """Lead it nowhere; raises FloatingIpNotFound."""

    async def release(self, floating_ip_id: str) -> None:
        """Give it back; raises FloatingIpNotFound, FloatingIpAssociated."""


class LoadStore(Protocol):
    """What each host shall carry and what it has said."""

    async def load(self, host_id: str) -> Load:
        """Return what a host shall carry now; a new set gets a higher revision, durably."""

    async def told(self, load: Load, carried: Carried) -> None:
        """Take what a host said of a load; with a problem it is not settled."""

    async def silent(self, host_id: str, problem: str) -> None:
        """Take that a host does not do what it is told, and why."""

    async def unsettled(self) -> Collection[str]:
        """Return the hosts that shall carry something else than they have said."""

    async def known(self, host_id: str) -> bool:
        """Tell whether a host carries, carried or shall carry anything."""

    async def leads_to(self, instance_ids: Collection[str]) -> bool:
        """Tell whether a floating IP leads to any of these instances."""


class CarryingAgents(Protocol):
    """The agents that carry floating IPs."""

    async def apply_floating_ips(self, load: Load) -> Carried:
        """Make a host carry exactly this; safe to repeat. Raises AgentError."""


class InventoryListener(Protocol):
    """Hears where hosts and instances are; neither call waits or raises."""

    def registered(self, host_id: str) -> None:
        """Take that a host's agent is there, and may have forgotten what it carried."""

    def seen(self, hosts: Mapping[str, str]) -> None:
        """Take on which host each instance was seen; empty: it is gone from where it was."""
