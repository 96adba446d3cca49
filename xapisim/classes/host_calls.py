"""host.*: maintenance and the questions a scheduler asks."""

from xapisim.classes import memory
from xapisim.classes.call import Call, Handler
from xapisim.classes.ha import plan
from xapisim.values import VOID, Value


def enable(call: Call, host: str) -> Value:
    call.database.update("host", host, enabled=True)
    return VOID


def disable(call: Call, host: str, _auto_enable: bool) -> Value:
    """Stops nothing that is under way (recorded on xapi 26.17)."""
    plan.check(call.pool, {}, without=[host])
    call.database.update("host", host, enabled=False)
    return VOID


def compute_free_memory(call: Call, host: str) -> Value:
    call.database.row("host", host)
    return memory.free_bytes(call.pool, host)


def compute_memory_overhead(call: Call, host: str) -> Value:
    return call.database.read("host", host, "memory_overhead")


def get_servertime(call: Call, host: str) -> Value:
    call.database.row("host", host)
    return call.pool.clock.stamp()


METHODS: dict[str, Handler] = {
    "host.enable": enable,
    "host.disable": disable,
    "host.compute_free_memory": compute_free_memory,
    "host.compute_memory_overhead": compute_memory_overhead,
    "host.get_servertime": get_servertime,
    "host.get_server_localtime": get_servertime,
}
