"""Carries floating IPs on this machine: addresses, one table of translations, told neighbours.

All of it is netlink and blocks, so it happens on a thread of its own, one set after the other.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pyroute2 import netns
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.nftables.main import NFTables

from hostagent.dataplane import flows, neighbours, rules
from hostagent.dataplane.addresses import PublicInterface, public_interface
from hostagent.dataplane.carrier import Unusable
from hostagent.dataplane.neighbours import Arrival
from hostagent.model.errors import NotApplied, StaleRevision
from hostagent.model.floating_ips import Action, Applied, Binding, FloatingIpSettings, Item

ResultT = TypeVar("ResultT")

_INET = 1
_NEVER_CREATE = 0
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Nftables:
    """Implements dataplane.carrier.Carrier on this machine's network."""

    def __init__(self, settings: FloatingIpSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, "floating-ips")
        # Where each address led when a set was last applied; None: before this agent began.
        self._led: dict[str, str] | None = None
        # Addresses that are up and of which the neighbours may not have been told.
        self._untold: set[str] = set()

    async def open(self) -> None:
        """Enter the namespace; raises Unusable unless interface, kernel and rights are there."""
        await self._run(self._open)

    async def apply(self, revision: int, bindings: Sequence[Binding]) -> Applied:
        """Carry exactly these; raises StaleRevision and NotApplied."""
        return await self._run(lambda: self._apply(revision, tuple(bindings)))

    async def carried(self) -> tuple[str, ...]:
        """Return the addresses of ours that are on the public interface; raises NotApplied."""
        return await self._run(self._carried)

    async def announce(self, arrivals: Sequence[Arrival]) -> None:
        """Tell the neighbours on the instances' network of arrivals; raises OSError."""
        interface = self._settings.instance_interface
        if interface:
            await self._run(lambda: neighbours.announce(interface, arrivals))

    async def close(self) -> None:
        """End the thread; what is carried stays, so that a restart interrupts nobody."""
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        try:
            if self._settings.namespace:
                netns.setns(self._settings.namespace, flags=_NEVER_CREATE)
            with public_interface(self._settings.public_interface) as public:
                public.check()
            _revisions()
            flows.check()
            forwarding = _FORWARDING.read_text().strip()
        except (OSError, NetlinkError) as refused:
            raise Unusable(f"floating_ip_driver nftables can't be used: {refused}") from refused
        if forwarding != "1":
            raise Unusable("floating IPs need forwarding: sysctl -w net.ipv4.ip_forward=1")

    def _carried(self) -> tuple[str, ...]:
        try:
            with public_interface(self._settings.public_interface) as public:
                return tuple(public.ours())
        except OSError as refused:
            raise NotApplied(str(refused)) from refused

    def _apply(self, revision: int, bindings: Sequence[Binding]) -> Applied:
        """Take down what goes, translate what stays and comes, put up what comes, and tell of it.

        In this order no connection meets an address without its translation; last of all those end
        that are older than it.
        """
        try:
            known = _revisions()
            if revision < max(known, default=0):
                raise StaleRevision(revision, max(known))
            with public_interface(self._settings.public_interface) as public:
                return self._make_so(public, revision, tuple(bindings), known)
        except (OSError, NetlinkError) as refused:
            raise NotApplied(str(refused)) from refused

    def _make_so(
        self,
        public: PublicInterface,
        revision: int,
        bindings: tuple[Binding, ...],
        known: Sequence[int],
    ) -> Applied:
        wanted = {binding.address: binding for binding in bindings}
        before = dict.fromkeys(public.ours(), "") if self._led is None else self._led
        items = _take_down(public, wanted)
        rules.replace(bindings, revision, known, public.name, self._settings.masquerade)
        if self._led is None:  # an agent before this one may have died before it told of them
            self._untold |= wanted.keys()
        items += self._announced(public, _put_up(public, wanted), wanted)
        self._redirect(before, bindings)
        present = public.ours()
        carried = tuple(binding for binding in bindings if binding.address in present)
        return Applied(revision, carried, tuple(items))

    def _announced(
        self, public: PublicInterface, items: list[Item], wanted: Container[str]
    ) -> list[Item]:
        """Tell the neighbours of all that came, at once: the end of a raw socket takes long.

        Returns the items; what the neighbours could not be told of has failed, until they are.
        """
        came = {item.address for item in items if item.action is Action.ADDED}
        self._untold = {address for address in self._untold | came if address in wanted}
        try:
            neighbours.announce(public.name, [Arrival(one) for one in sorted(self._untold)])
        except OSError as refused:
            lost = [Item(one, Action.FAILED, str(refused)) for one in sorted(self._untold)]
            return [item for item in items if item.address not in self._untold] + lost
        self._untold = set()
        return items

    def _redirect(self, before: dict[str, str], bindings: Sequence[Binding]) -> None:
        """End the flows that still go where they went before."""
        now = {binding.address: binding.fixed_address for binding in bindings}
        left = {address: fixed for address, fixed in before.items() if now.get(address) != fixed}
        new = [one for one in bindings if before.get(one.address) != one.fixed_address]
        flows.forget(left, new)
        self._led = now


def _take_down(public: PublicInterface, wanted: dict[str, Binding]) -> list[Item]:
    items = []
    for address, prefix_length in public.ours().items():
        kept = wanted.get(address)
        if kept is not None and kept.length == prefix_length:
            continue
        try:
            public.remove(address, prefix_length)
            items.append(Item(address, Action.REMOVED))
        except OSError as refused:
            items.append(Item(address, Action.FAILED, str(refused)))
    return items


def _put_up(public: PublicInterface, wanted: dict[str, Binding]) -> list[Item]:
    present, items = public.ours(), []
    for address, binding in wanted.items():
        if address in present:
            continue
        try:
            public.add(binding)
            items.append(Item(address, Action.ADDED))
        except OSError as refused:
            items.append(Item(address, Action.FAILED, str(refused)))
    return items


async def opened(settings: FloatingIpSettings) -> Nftables:
    """Return it ready to carry; raises Unusable."""
    carrier = Nftables(settings)
    try:
        await carrier.open()
    except Unusable:
        await carrier.close()
        raise
    return carrier


def _revisions() -> list[int]:
    """Return the revisions that our table tells of: one, or none when there is no table."""
    with NFTables(nfgen_family=_INET) as line:
        names = [
            str(chain.get_attr("NFTA_CHAIN_NAME"))
            for chain in line.get_chains()
            if chain.get_attr("NFTA_CHAIN_TABLE") == rules.TABLE
        ]
    told = [name.removeprefix(rules.REVISION) for name in names if name.startswith(rules.REVISION)]
    return [int(text) for text in told if text.isdigit()]
