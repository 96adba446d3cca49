"""Verbs on hosts and their storage."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hostagent.xapi import parse
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiGone, XapiRefused, XapiUnavailable


@contextmanager
def known(host: str) -> Iterator[None]:
    """Make calls about a host by a reference that was read from the pool.

    Raises XapiUnavailable where XAPI has none of that reference: references change when a host
    joins a pool, and the new one is not read yet.
    """
    try:
        yield
    except XapiGone as gone:
        if host not in gone.error:
            raise
        raise XapiUnavailable(gone.method, "the host has another reference now") from gone


async def free_memory(client: Client, host: str) -> int:
    """Return the bytes that a further guest could have, by XAPI's own arithmetic (XAPI A12)."""
    with known(host):
        return int(await client.read("host.compute_free_memory", host))


@dataclass(frozen=True, slots=True)
class Room:
    """A host's free memory in bytes, and why XAPI would not run a certain VM there, if so."""

    free_bytes: int
    refusal: tuple[str, ...] = ()


async def room_for(client: Client, host: str, vm: str) -> Room:
    """Ask XAPI for the free memory of a host, and whether a VM could run there; "" for no VM.

    assert_can_boot_here is the right question for shared storage: inside a pool,
    VM.assert_can_migrate wants every disk in a map (recorded on xapi 26.17).
    """

    def ask() -> Room:
        with known(host):
            free = int(client.read_now("host.compute_free_memory", host))
        try:
            if vm:
                client.read_now("VM.assert_can_boot_here", vm, host)
        except XapiGone:  # the VM went meanwhile: the source will say so
            return Room(free)
        except XapiRefused as refusal:
            return Room(free, refusal.error)
        return Room(free)

    return await client.run(ask)


async def attached(client: Client, pbds: Iterable[str]) -> dict[str, bool]:
    """Return which PBDs are attached now; one that is gone is not."""

    def ask() -> dict[str, bool]:
        return {ref: _attached(client, ref) for ref in pbds}

    return await client.run(ask)


def _attached(client: Client, ref: str) -> bool:
    try:
        return parse.pbd(ref, client.read_now("PBD.get_record", ref)).attached
    except XapiGone:
        return False
