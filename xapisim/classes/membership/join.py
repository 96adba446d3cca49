"""pool.join: a host with a pool of its own becomes a member of another one.

The call runs on the joining host. It returns when the other pool has the records; ten seconds later
the host's toolstack goes away for a moment and is a member when it comes back (recorded on xapi
26.17).
"""

from xapisim.classes.call import Call, Handler
from xapisim.classes.engine import Engine, Seat
from xapisim.classes.membership import addresses, handover, join_checks, merging
from xapisim.classes.storage_rules import refresh_sr
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

CHECKS_S = 0.15
COPY_S = 2.0


async def join(call: Call, address: str, user: str, password: str) -> Value:
    return await _join(call, address, (user, password), force=False)


async def join_force(call: Call, address: str, user: str, password: str) -> Value:
    """Takes hosts of another build and CPUs of another vendor too."""
    return await _join(call, address, (user, password), force=True)


async def _join(call: Call, address: str, account: tuple[str, str], *, force: bool) -> Value:
    joiner = call.engine.site.seat(call.engine, call.host)
    if joiner is None:
        raise XapiError("HOST_OFFLINE", call.host)
    there = await addresses.contact(call, address)
    far = _logged_in(there, account)
    await call.pool.clock.sleep(CHECKS_S)
    join_checks.check(joiner, far, force=force)
    await call.pool.clock.sleep(COPY_S)
    host = merging.merge(joiner, far)
    far.pool.spawn(_change_sides(joiner, far, host))
    return VOID


def _logged_in(there: Seat, account: tuple[str, str]) -> Engine:
    """A member sends the joining host to its coordinator, which is an error (recorded)."""
    engine = there.engine
    engine.members.check(there.host, "session.login_with_password")
    if engine.sessions.is_member(there.host):
        raise engine.sessions.redirect(there.host)
    engine.sessions.authenticate(*account)
    return engine


async def _change_sides(joiner: Seat, far: Engine, host: str) -> None:
    """Until here the joining host answers as before, also to new sessions."""
    near, clock = joiner.engine, far.pool.clock
    await clock.sleep(handover.FUSE_S)
    near.sessions.close_all()
    near.pool.reachability.take_away(joiner.host)
    far.pool.reachability.take_away(host)
    joiner.engine, joiner.host = far, host
    near.site.drop(near)
    far.members.disconnect(host)
    await clock.sleep(handover.DOWN_S)
    far.pool.reachability.bring_back(host)
    await clock.sleep(handover.CONNECT_S)
    _plug(far, host)
    far.members.connect(host)
    await clock.sleep(handover.ENABLE_S)
    far.pool.database.update("host", host, enabled=True)


def _plug(far: Engine, host: str) -> None:
    for pbd in far.pool.database.read("host", host, "PBDs"):
        far.pool.database.update("PBD", pbd, currently_attached=True)
        refresh_sr(far.pool, far.pool.database.read("PBD", pbd, "SR"))


OPERATIONS: dict[str, Handler] = {"pool.join": join, "pool.join_force": join_force}
