"""A pool gets another coordinator: as planned, by hand when the old one is lost, or by itself.

Whichever way, sessions and tasks are gone: they live in the old coordinator's toolstack alone.
"""

from xapisim.classes import announcements, toolstack
from xapisim.classes.engine import Engine

FUSE_S = 10.0
"""How long the old coordinator goes on answering after the call has returned (recorded)."""
DOWN_S = 1.2
"""Until a toolstack that changes its role answers again (recorded)."""
CONNECT_S = 5.3
"""Until a member that has just started knows the coordinator's database (recorded)."""
ENABLE_S = 1.5
"""Until such a host takes guests again (recorded)."""


async def change_planned(engine: Engine, new: str) -> None:
    """Both toolstacks restart, and the roles are changed when they are back."""
    await engine.pool.clock.sleep(FUSE_S)
    old = engine.pool.coordinator
    if old == new or not engine.pool.database.has("host", new):
        return
    enabled = [host for host in (old, new) if disable(engine, host)]
    for host in (old, new):
        engine.pool.reachability.take_away(host)
    take_over(engine, new)
    engine.members.disconnect(old)
    await engine.pool.clock.sleep(DOWN_S)
    for host in (new, old):
        toolstack.note_start(engine, host)
        engine.pool.reachability.bring_back(host)
    _enable(engine, [host for host in enabled if host == new])
    await connect(engine, old)
    _enable(engine, enabled)


def _enable(engine: Engine, hosts: list[str]) -> None:
    for host in hosts:
        engine.pool.database.update("host", host, enabled=True)


def disable(engine: Engine, host: str) -> bool:
    """Takes no guests until it has started; whether it did before."""
    was = bool(engine.pool.database.read("host", host, "enabled"))
    engine.pool.database.update("host", host, enabled=False)
    return was


async def connect(engine: Engine, member: str) -> None:
    """The member's calls wait until then; `disconnect` comes first."""
    await engine.pool.clock.sleep(CONNECT_S)
    engine.members.connect(member)
    await engine.pool.clock.sleep(ENABLE_S)


def take_over(engine: Engine, new: str) -> None:
    """The database is the new coordinator's from here on; what ran is lost sight of."""
    toolstack.forget_calls(engine)
    toolstack.orphan(engine, engine.migrations.all())
    old = engine.pool.coordinator
    engine.pool.database.update("pool", engine.pool.ref, master=new)
    announcements.change_coordinator(engine.pool, old, new)
    engine.members.leave_emergency(new)
    engine.members.follow(new, new)


def take_over_alone(engine: Engine, new: str) -> None:
    """The other members go on following the lost coordinator until somebody tells them."""
    old = engine.pool.coordinator
    engine.pool.return_to_old_state()
    take_over(engine, new)
    for host in engine.pool.database.refs("host"):
        if host not in (old, new):
            engine.members.follow(host, old)


def fail_over(engine: Engine, new: str) -> None:
    """All at once, without asking anybody: the pool goes on with that host, from what it knows."""
    if new == engine.pool.coordinator:
        return
    engine.pool.return_to_old_state()
    take_over(engine, new)
    for host in engine.pool.database.refs("host"):
        engine.members.follow(host, new)


def recover(engine: Engine) -> list[str]:
    """Tells every member that can be reached who the coordinator is; who had to be told."""
    told = []
    for host in engine.pool.database.refs("host"):
        if engine.members.follows_another(host) and not engine.pool.reachability.is_away(host):
            engine.members.follow(host, engine.pool.coordinator)
            engine.members.leave_emergency(host)
            told.append(host)
    return told
