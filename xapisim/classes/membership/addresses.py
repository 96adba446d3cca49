"""Finds the machine that an address means, as a toolstack would that connects to it."""

import re

from xapisim.classes.call import Call
from xapisim.classes.engine import Seat
from xapisim.errors import XapiError, internal

NO_ROUTE_S = 3.0
NO_NAME_S = 6.0
"""How long XAPI tried an address where nobody is, and a name that means none (recorded)."""
_IP = re.compile(r"[0-9.]+(:[0-9]+)?|\[?[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*\]?")


async def contact(call: Call, address: str) -> Seat:
    """The machine; INTERNAL_ERROR or JOINING_HOST_CONNECTION_FAILED (recorded) when nobody is
    there.
    """
    for seat in call.engine.site.seats:
        if address in known_as(seat):
            if seat.engine.pool.reachability.is_away(seat.host) or is_cut_off(call, seat):
                break
            return seat
    if _IP.fullmatch(address):
        await call.pool.clock.sleep(NO_ROUTE_S)
        raise internal("Connection failed: no route to host.")
    await call.pool.clock.sleep(NO_NAME_S)
    raise XapiError("JOINING_HOST_CONNECTION_FAILED")


def known_as(seat: Seat) -> set[str]:
    """Its endpoints, and the address and name that its pool has for it."""
    row = seat.engine.pool.database.tables["host"].rows.get(seat.host)
    if row is None:
        return set(seat.addresses)
    return {*seat.addresses, row.fields["address"], row.fields["hostname"]} - {"", "localhost"}


def is_cut_off(call: Call, seat: Seat) -> bool:
    faults = call.pool.faults
    own, other = call.pool.host_names(call.host), seat.engine.pool.host_names(seat.host)
    return faults.cuts("management", own, other)
