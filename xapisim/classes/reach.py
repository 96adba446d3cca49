"""Calls that another host has to carry out, and the host that doesn't answer."""

import asyncio

from xapisim.classes import placement
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import Value

GIVEN_UP_S = 116.0
"""How long XAPI tries a host that doesn't answer (recorded on xapi 26.17)."""


async def reach(pool: Pool, host: str) -> None:
    """HOST_OFFLINE for a host that the records call dead, CANNOT_CONTACT_HOST after a long time for
    one that they call live.
    """
    if not pool.reachability.is_away(host):
        return
    if not placement.is_live(pool, host):
        raise XapiError("HOST_OFFLINE", host)
    given_up = asyncio.ensure_future(pool.clock.sleep(GIVEN_UP_S))
    try:
        while pool.reachability.is_away(host) and not given_up.done():
            back = asyncio.ensure_future(pool.reachability.changed())
            await asyncio.wait((back, given_up), return_when=asyncio.FIRST_COMPLETED)
            back.cancel()
    finally:
        given_up.cancel()
    if pool.reachability.is_away(host):
        raise XapiError("CANNOT_CONTACT_HOST", host)


async def home(pool: Pool, vm: str) -> None:
    """The host that the VM's record names, if it names one."""
    host: Value = pool.database.read("VM", vm, "resident_on")
    if pool.database.has("host", host):
        await reach(pool, host)
