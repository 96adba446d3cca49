"""What pool.join looks at before it changes anything, in XAPI's order (xapi.md A13)."""

from xapisim.classes.engine import Engine, Seat
from xapisim.errors import XapiError
from xapisim.values import Value

FREE_POOL_SIZE = 3
_ALIVE = ("Running", "Paused")
_UNITING = (("PIF", "bond_master_of", "HAS_BONDS"), ("PIF", "tunnel_access_PIF_of", "HAS_TUNNELS"))


def check(joiner: Seat, pool: Engine, *, force: bool) -> None:
    """Raises the first reason why the host can't join that pool."""
    near = joiner.engine
    _check_licence(near, pool)
    _check_availability(near, pool)
    if near is pool:
        raise XapiError("OPERATION_NOT_ALLOWED", "Host cannot become slave of itself")
    if len(near.pool.database.refs("host")) > 1:
        raise XapiError("JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS")
    _check_guests(near)
    _check_kind(near, pool, force=force)
    _check_storage_and_networks(near)
    _check_accounts(near, pool)
    _check_versions(near, pool)


def _restricted(engine: Engine, feature: str) -> bool:
    restrictions = engine.pool.database.read("pool", engine.pool.ref, "restrictions")
    return bool(restrictions.get(f"restrict_{feature}") == "true")


def _check_licence(near: Engine, pool: Engine) -> None:
    if _restricted(near, "pooling"):
        raise XapiError("LICENSE_DOES_NOT_SUPPORT_POOLING")
    hosts = len(pool.pool.database.refs("host"))
    if _restricted(pool, "pool_size") and hosts >= FREE_POOL_SIZE:
        raise XapiError("LICENCE_RESTRICTION", "Pool_size")


def _check_availability(near: Engine, pool: Engine) -> None:
    for engine in (near, pool):
        if engine.pool.database.read("pool", engine.pool.ref, "ha_enabled"):
            raise XapiError("HA_IS_ENABLED")


def _check_guests(near: Engine) -> None:
    for vm in near.pool.database.rows("VM"):
        if not vm.fields["is_control_domain"] and vm.fields["power_state"] in _ALIVE:
            raise XapiError("JOINING_HOST_CANNOT_HAVE_RUNNING_VMS")
    for vm in near.pool.database.rows("VM"):
        if vm.fields["current_operations"]:
            raise XapiError("JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS")


def _host(engine: Engine) -> dict[str, Value]:
    return engine.pool.database.row("host", engine.pool.coordinator).fields


def _check_kind(near: Engine, pool: Engine, *, force: bool) -> None:
    """The CPU's vendor alone has to be the same; the pool gives up the features that one lacks."""
    mine, theirs = _host(near), _host(pool)
    versions = [host["software_version"] for host in (mine, theirs)]
    for key in ("platform_version", "product_brand"):
        if versions[0].get(key) != versions[1].get(key):
            raise XapiError("HOSTS_NOT_COMPATIBLE")
    if force:
        return
    for key in ("xapi_build", "xen"):
        if versions[0].get(key) != versions[1].get(key):
            raise XapiError("HOSTS_NOT_HOMOGENEOUS", "Software version differs")
    if mine["cpu_info"].get("vendor") != theirs["cpu_info"].get("vendor"):
        raise XapiError("HOSTS_NOT_HOMOGENEOUS", "CPUs differ")


def _check_storage_and_networks(near: Engine) -> None:
    db = near.pool.database
    if any(sr.fields["shared"] for sr in db.rows("SR")):
        raise XapiError("JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS")
    for class_name, field, what in _UNITING:
        if any(row.fields[field] for row in db.rows(class_name)):
            raise XapiError(f"POOL_JOINING_HOST_{what}")
    if list(db.rows("network_sriov")):
        raise XapiError("POOL_JOINING_HOST_HAS_NETWORK_SRIOVS")
    for pif in db.rows("PIF"):
        if pif.fields["VLAN"] >= 0 and not pif.fields["management"]:
            raise XapiError("POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS")


def _check_accounts(near: Engine, pool: Engine) -> None:
    mine, theirs = _host(near), _host(pool)
    for key in ("external_auth_type", "external_auth_service_name"):
        if mine[key] != theirs[key]:
            raise XapiError("POOL_JOINING_EXTERNAL_AUTH_MISMATCH")
    if mine["edition"] != theirs["edition"]:
        words = [f"host edition: {mine['edition']}", f"pool edition: {theirs['edition']}"]
        raise XapiError("LICENSE_HOST_POOL_MISMATCH", ", ".join(words))


def _check_versions(near: Engine, pool: Engine) -> None:
    mine, theirs = _host(near), _host(pool)
    own, other = mine["software_version"], theirs["software_version"]
    if own.get("network_backend") != other.get("network_backend"):
        raise XapiError("OPERATION_NOT_ALLOWED", "Network backends differ")
    apis = [f"{host['API_version_major']}.{host['API_version_minor']}" for host in (mine, theirs)]
    if apis[0] != apis[1]:
        raise XapiError("POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION", *apis)
    schemas = [host.get("db_schema", "") for host in (own, other)]
    if schemas[0] != schemas[1]:
        raise XapiError("POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA", *schemas)
    if mine["tls_verification_enabled"] != theirs["tls_verification_enabled"]:
        raise XapiError("POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH")
