"""A host's power: what stops when it fails, and what the host finds when it has started again."""

from xapisim.classes import toolstack
from xapisim.classes.engine import Engine
from xapisim.errors import XapiError

BOOT_S = 120.0
"""From power to an answering toolstack."""


def lose_power(engine: Engine, host: str) -> None:
    """Nothing runs there any more, and nothing says so: the records stay as they are."""
    pool = engine.pool
    if host in pool.dead:
        return
    stop_guests(engine, host)
    pool.dead[host] = pool.database.read("host", host, "uuid")
    pool.reachability.take_away(host)
    toolstack.lose_sight(engine, host)
    if host == pool.coordinator:
        toolstack.forget_calls(engine)


def stop_guests(engine: Engine, host: str) -> None:
    uuid = engine.pool.database.read("host", host, "uuid")
    for domain in engine.pool.hypervisor.on_host(uuid):
        engine.pool.hypervisor.destroy(domain)


async def get_power(engine: Engine, host: str) -> None:
    """The host boots; then its guests' records say that they are halted."""
    if host not in engine.pool.dead:
        return
    await engine.pool.clock.sleep(BOOT_S)
    uuid = engine.pool.dead.pop(host, "")
    if engine.pool.database.has("host", host):
        toolstack.resync(engine, host)
    else:
        engine.members.enter_emergency(host, XapiError("HOST_UNKNOWN_TO_MASTER", uuid))
    engine.pool.reachability.bring_back(host)
