"""What XAPI checks before a VM.pool_migrate moves anything, in its order; all of it before the VM
is touched.
"""

from xapisim.classes import operations, placement
from xapisim.classes.ha import plan
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import Value


def is_forced(options: dict[str, str]) -> bool:
    return options.get("force") == "true"


def check_request(pool: Pool, vm: str, host: str, options: dict[str, str]) -> None:
    """The first checks, before the VM's other operations are waited for.

    A halted VM is refused before a bad host is, and a bad host before missing drivers are (recorded
    on xapi 26.17).
    """
    operations.check_power_state(pool, vm, "pool_migrate")
    pool.database.row("host", host)
    if not is_forced(options):
        placement.check_cpu(pool, vm, host)


def check_destination(pool: Pool, vm: str, host: str) -> None:
    """Version during a rolling upgrade, whether the VM can run there, whether HA's plan holds."""
    pool_config = pool.database.read("pool", pool.ref, "other_config")
    source = pool.database.row("host", pool.database.read("VM", vm, "resident_on")).fields
    older = is_older(pool.database.row("host", host).fields, than=source)
    if "rolling_upgrade_in_progress" in pool_config and older:
        raise XapiError("NOT_SUPPORTED_DURING_UPGRADE")
    placement.check(pool, vm, host, with_cpu=False)
    plan.check_guest(pool, vm, host)


def check_source(pool: Pool, host: str, options: dict[str, str]) -> None:
    """What the source host looks at itself: the licence, and the network the memory is to take."""
    restrictions = pool.database.read("pool", pool.ref, "restrictions")
    if restrictions.get("restrict_xen_motion") == "true":
        raise XapiError("LICENCE_RESTRICTION", "Xen_motion")
    network = options.get("network")
    if network is not None:
        _check_network(pool, host, network)


def _check_network(pool: Pool, host: str, network: str) -> None:
    """Only the destination's PIF counts (recorded on xapi 26.17)."""
    for pif in pool.database.rows("PIF"):
        if (pif.fields["host"], pif.fields["network"]) == (host, network):
            if not pif.fields["currently_attached"]:
                raise XapiError("REQUIRED_PIF_IS_UNPLUGGED", pif.ref)
            if not pif.fields["IP"]:
                raise XapiError("INTERFACE_HAS_NO_IP", pif.ref)
            return
    raise XapiError("PIF_NOT_PRESENT", host, network)


def is_older(host: dict[str, Value], than: dict[str, Value]) -> bool:
    """Whether any part of the host's software is of an earlier release than the other's."""
    mine, theirs = host["software_version"], than["software_version"]
    keys = ("platform_version", "xapi_build", "xen")
    return any(_version(mine.get(key)) < _version(theirs.get(key)) for key in keys)


def _version(text: Value) -> list[int]:
    words = (text or "0").replace("-", ".").split(".")
    return [int(word) for word in words if word.isdigit()]
