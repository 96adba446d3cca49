"""pool.*ha* and what goes with it on VMs and hosts: HA on and off, its plan, who is protected."""

from xapisim.classes import advice_calls, placement, storage_rules
from xapisim.classes.call import Call, Handler
from xapisim.classes.ha import plan
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

ENABLE_S = 10.0
DISABLE_S = 3.0
STATEFILE_BYTES = 4 * 2**20
_PRIORITIES = ("", plan.BEST_EFFORT, plan.PROTECTED)
_ENABLE, _DISABLE = "ha_enable", "ha_disable"


async def enable_ha(call: Call, srs: list[str], configuration: dict[str, str]) -> Value:
    """Without an SR named, all those that every host sees are taken."""
    if plan.is_enabled(call.pool):
        raise XapiError("HA_IS_ENABLED")
    hosts = call.database.refs("host")
    if len(hosts) < 2:
        raise XapiError("HA_TOO_FEW_HOSTS")
    for host in hosts:
        _check_host(call, host)
    for sr in srs:
        assert_can_host_ha_statefile(call, sr)
    chosen = srs or [row.ref for row in call.database.rows("SR") if _can_host(call, row.ref)]
    if not chosen:
        raise XapiError("CANNOT_CREATE_STATE_FILE")
    await call.pool.clock.sleep(ENABLE_S)
    files = [_add_statefile(call, sr) for sr in chosen]
    _switch(call, files, configuration)
    plan.refresh(call.pool)
    return VOID


def _check_host(call: Call, host: str) -> None:
    if not call.database.read("host", host, "enabled"):
        raise XapiError("HOST_DISABLED", host)
    if not placement.is_live(call.pool, host) or call.pool.reachability.is_away(host):
        raise XapiError("HOST_OFFLINE", host)


def assert_can_host_ha_statefile(call: Call, sr: str) -> Value:
    """Shared, and plugged at every host."""
    if not call.database.read("SR", sr, "shared"):
        raise XapiError("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)
    storage_rules.check_feature(call.pool, sr, "VDI_CREATE")
    for host in call.database.refs("host"):
        if not storage_rules.is_attached(call.pool, sr, host):
            raise XapiError("SR_NO_PBDS", sr)
    return VOID


def _can_host(call: Call, sr: str) -> bool:
    try:
        assert_can_host_ha_statefile(call, sr)
    except XapiError:
        return False
    return True


def _add_statefile(call: Call, sr: str) -> str:
    kind = {"type": "ha_statefile", "name_label": "Statefile for HA"}
    return storage_rules.add_vdi(call.pool, {"SR": sr, "virtual_size": STATEFILE_BYTES, **kind})


def _switch(call: Call, files: list[str], configuration: dict[str, str]) -> None:
    db, on = call.database, bool(files)
    fields = db.row("pool", call.pool.ref).fields
    swapped = {_ENABLE: _DISABLE} if on else {_DISABLE: _ENABLE}
    operations = [swapped.get(operation, operation) for operation in fields["allowed_operations"]]
    db.update(
        "pool",
        call.pool.ref,
        ha_enabled=on,
        ha_statefiles=files,
        ha_configuration=configuration,
        allowed_operations=operations,
        **({} if on else {"ha_plan_exists_for": 0, "ha_overcommitted": False}),
    )
    uuids = {host: db.read("host", host, "uuid") for host in db.refs("host")}
    for host in uuids:
        peers = [uuid for other, uuid in uuids.items() if other != host] if on else []
        db.update("host", host, ha_statefiles=files, ha_network_peers=peers)


async def disable_ha(call: Call) -> Value:
    if not plan.is_enabled(call.pool):
        raise XapiError("HA_NOT_ENABLED")
    await call.pool.clock.sleep(DISABLE_S)
    for vdi in call.database.read("pool", call.pool.ref, "ha_statefiles"):
        if call.database.has("VDI", vdi):
            storage_rules.drop_vdi(call.pool, vdi)
    _switch(call, [], {})
    return VOID


def set_failures_to_tolerate(call: Call, pool: str, number: int) -> Value:
    """More than there is a plan for takes a pool that may be overcommitted."""
    fields = call.database.row("pool", pool).fields
    if number < 0:
        raise XapiError("INVALID_VALUE", "ha_host_failures_to_tolerate", str(number))
    if fields["ha_enabled"] and not fields["ha_allow_overcommit"] and number > compute_max(call):
        raise XapiError("HA_NO_PLAN")
    call.database.update("pool", pool, ha_host_failures_to_tolerate=number)
    if fields["ha_enabled"]:
        plan.refresh(call.pool)
    return VOID


def compute_max(call: Call) -> int:
    return plan.most_failures(call.pool, plan.protected(call.pool), plan.live_hosts(call.pool))


def compute_hypothetical_max(call: Call, configuration: dict[str, str]) -> Value:
    """As if the named guests, and no others, had these priorities."""
    chosen = {}
    for vm, priority in configuration.items():
        fields = call.database.row("VM", vm).fields
        if priority == plan.PROTECTED and call.database.has("host", fields["resident_on"]):
            chosen[vm] = fields["resident_on"]
    return plan.most_failures(call.pool, chosen, plan.live_hosts(call.pool), everybody=True)


def compute_failover_plan(call: Call, failed_hosts: list[str], failed_vms: list[str]) -> Value:
    """Where each guest would go; an entry with `error_code` for one that finds no place."""
    pool = call.pool
    hosts = [host for host in plan.live_hosts(pool) if host not in failed_hosts]
    free = {host: plan.room(pool, host) for host in hosts}
    found = plan.find(pool, failed_vms, free, failed_hosts)
    if found is None:
        return {vm: {"error_code": "NO_HOSTS_AVAILABLE"} for vm in failed_vms}
    return {vm: {"host": host} for vm, host in found.items()}


def plan_exists(call: Call, number: int) -> Value:
    return number <= compute_max(call)


def prevent_restarts_for(call: Call, seconds: int) -> Value:
    """No guest is restarted for that long; 0 lifts it."""
    call.engine.members.no_restarts_until = call.pool.clock.now() + seconds
    return VOID


def set_restart_priority(call: Call, vm: str, priority: str) -> Value:
    """Under HA only an agile guest can be protected, and only if the plan still holds."""
    call.database.row("VM", vm)
    if priority not in _PRIORITIES:
        raise XapiError("INVALID_VALUE", "ha_restart_priority", priority)
    old = call.database.read("VM", vm, "ha_restart_priority")
    if plan.is_enabled(call.pool) and priority == plan.PROTECTED:
        advice_calls.assert_agile(call, vm)
        call.database.update("VM", vm, ha_restart_priority=priority)
        try:
            plan.check(call.pool, {})
        except XapiError:
            call.database.update("VM", vm, ha_restart_priority=old)
            raise
    call.database.update("VM", vm, ha_restart_priority=priority)
    return VOID


def emergency_ha_disable(call: Call, _soft: bool) -> Value:
    """Of this host alone: it runs on without the others' agreement."""
    call.database.update("host", call.host, ha_statefiles=[], ha_network_peers=[])
    return VOID


METHODS: dict[str, Handler] = {
    "pool.set_ha_host_failures_to_tolerate": set_failures_to_tolerate,
    "pool.ha_compute_max_host_failures_to_tolerate": compute_max,
    "pool.ha_compute_hypothetical_max_host_failures_to_tolerate": compute_hypothetical_max,
    "pool.ha_compute_vm_failover_plan": compute_failover_plan,
    "pool.ha_failover_plan_exists": plan_exists,
    "pool.ha_prevent_restarts_for": prevent_restarts_for,
    "VM.set_ha_restart_priority": set_restart_priority,
    "SR.assert_can_host_ha_statefile": assert_can_host_ha_statefile,
    "host.emergency_ha_disable": emergency_ha_disable,
}
OPERATIONS: dict[str, Handler] = {"pool.enable_ha": enable_ha, "pool.disable_ha": disable_ha}
