"""Whether two hosts of a pool can talk to each other."""

from xapisim.classes.pool import Pool


def can_talk(pool: Pool, one: str, other: str) -> bool:
    if pool.reachability.is_away(one) or pool.reachability.is_away(other):
        return False
    return not pool.faults.cuts("management", pool.host_names(one), pool.host_names(other))


def set_live(pool: Pool, host: str, *, live: bool) -> None:
    metrics = pool.database.read("host", host, "metrics")
    if pool.database.has("host_metrics", metrics):
        pool.database.update("host_metrics", metrics, live=live)
