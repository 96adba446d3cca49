"""The failover plan: how many hosts may fail so that all protected guests still find a place.

XAPI packs guests into the memory that is left; which hosts fail is the worst case (xapi.md A13).
"""

import itertools
from collections.abc import Collection, Mapping

from xapisim.classes import memory
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import Value

PROTECTED = "restart"
BEST_EFFORT = "best-effort"
MOST_CASES = 2000
"""Sets of failing hosts that are looked at, at most."""
Placement = Mapping[str, str]
"""Where guests run, by guest."""


def is_enabled(pool: Pool) -> bool:
    return bool(pool.database.read("pool", pool.ref, "ha_enabled"))


def protected(pool: Pool) -> dict[str, str]:
    """The protected guests that run, and where."""
    return {
        row.ref: row.fields["resident_on"]
        for row in pool.database.rows("VM")
        if row.fields["ha_restart_priority"] == PROTECTED
        and row.fields["power_state"] == "Running"
        and not row.fields["is_control_domain"]
    }


def most_failures(
    pool: Pool, placement: Placement, hosts: Collection[str], *, everybody: bool = False
) -> int:
    """The largest number of hosts whose failure the plan survives, whichever they are; without
    `everybody` only guests that are protected have to find a place.
    """
    guarded = [vm for vm in placement if everybody or _is_protected(pool, vm)]
    tolerated = 0
    for number in range(1, len(hosts)):
        if not _survives(pool, placement, hosts, (number, guarded)):
            break
        tolerated = number
    return tolerated


def _survives(
    pool: Pool, placement: Placement, hosts: Collection[str], case: tuple[int, list[str]]
) -> bool:
    """`case` is how many hosts fail, and the guests that count."""
    number, guarded = case
    free = {host: _free(pool, host, placement) for host in hosts}
    for failed in itertools.islice(itertools.combinations(sorted(hosts), number), MOST_CASES):
        homeless = [vm for vm in guarded if placement[vm] in failed]
        if find(pool, homeless, free, failed) is None:
            return False
    return True


def room(pool: Pool, host: str) -> int:
    return memory.free_bytes(pool, host)


def _free(pool: Pool, host: str, placement: Placement) -> int:
    """What the host has left when the guests are where `placement` has them."""
    moved = 0
    for vm, there in placement.items():
        fields = pool.database.row("VM", vm).fields
        here = fields["resident_on"] == host
        if here != (there == host):
            moved += memory.needed_bytes(fields) * (1 if here else -1)
    return memory.free_bytes(pool, host) + moved


def _is_protected(pool: Pool, vm: str) -> bool:
    return bool(pool.database.read("VM", vm, "ha_restart_priority") == PROTECTED)


def find(
    pool: Pool, homeless: Collection[str], free: Mapping[str, int], failed: Collection[str]
) -> dict[str, str] | None:
    """A place for each guest that has lost its host, or None if there is no room: the largest
    guest first, each into the fullest host that can take it.
    """
    left = {host: room for host, room in free.items() if host not in failed}
    needs = {vm: memory.needed_bytes(pool.database.row("VM", vm).fields) for vm in homeless}
    places: dict[str, str] = {}
    for vm in sorted(needs, key=lambda vm: needs[vm], reverse=True):
        able = [host for host in left if left[host] >= needs[vm]]
        if not able:
            return None
        places[vm] = min(able, key=lambda host: left[host])
        left[places[vm]] -= needs[vm]
    return places


def live_hosts(pool: Pool) -> list[str]:
    """Those that could take guests."""
    found = []
    for row in pool.database.rows("host"):
        metrics = pool.database.tables["host_metrics"].rows.get(row.fields["metrics"])
        if row.fields["enabled"] and metrics is not None and metrics.fields["live"]:
            found.append(row.ref)
    return found


def refresh(pool: Pool) -> None:
    """Writes down for how many failures there is a plan."""
    fields = pool.database.row("pool", pool.ref).fields
    wanted = fields["ha_host_failures_to_tolerate"]
    possible = most_failures(pool, protected(pool), live_hosts(pool))
    exists = min(wanted, possible)
    values: dict[str, Value] = {"ha_plan_exists_for": exists, "ha_overcommitted": exists < wanted}
    if any(fields[name] != value for name, value in values.items()):
        pool.database.write("pool", pool.ref, values)


def check(pool: Pool, changes: Placement, without: Collection[str] = ()) -> None:
    """HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN if guests at those places, or hosts that take none,
    leave too little room; a pool that may be overcommitted takes anything.
    """
    fields = pool.database.row("pool", pool.ref).fields
    if not fields["ha_enabled"] or fields["ha_allow_overcommit"]:
        return
    placement = {**protected(pool), **changes}
    hosts = [host for host in live_hosts(pool) if host not in without]
    if most_failures(pool, placement, hosts) < fields["ha_host_failures_to_tolerate"]:
        raise XapiError("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")


def check_guest(pool: Pool, vm: str, host: str) -> None:
    """For a guest that is to run on that host; one without protection takes room as well."""
    check(pool, {vm: host})
