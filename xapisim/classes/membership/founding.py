"""A pool for one host alone, as the host has it after it was installed or ejected."""

from xapisim.classes import engine as engines
from xapisim.classes.engine import Engine, Seat, Site
from xapisim.classes.membership.transfer import Transfer, existing, of_host
from xapisim.classes.pool import Pool
from xapisim.database.database import Database
from xapisim.hypervisor import Hypervisor
from xapisim.values import NULL

_CARRIED = ("restrictions", "cpu_info")
"""What a pool's record says of its only host."""


def found_alone(seat: Seat) -> Engine:
    """The host with its processors, its physical interfaces and its storage drivers; everything
    else is new or gone. It gets its doors when it is added to the site.
    """
    old = seat.engine.pool
    pool = Pool(
        database=Database(old.database.schema),
        hypervisor=Hypervisor(),
        clock=old.clock,
        ids=old.ids,
        faults=old.faults,
        account=old.account,
        users=old.users,
    )
    pool.database.hide_like(old.database)
    fresh = engines.start(pool)
    fresh.site = seat.engine.site
    moving = Transfer(seat.engine, fresh)
    _choose(moving, seat.host)
    moving.carry()
    host = moving.refs[seat.host]
    _add_pool(seat, fresh, host)
    pool.endpoints[host] = seat.endpoint
    if seat.host in old.nic_mbps:
        pool.nic_mbps[host] = old.nic_mbps[seat.host]
    return fresh


def _choose(moving: Transfer, host: str) -> None:
    near = moving.near
    db = near.pool.database
    fields = db.record("host", host)
    pifs = [pif for pif in of_host(near, "PIF", host) if db.read("PIF", pif, "physical")]
    networks = [db.read("PIF", pif, "network") for pif in pifs]
    metrics = [db.read("PIF", pif, "metrics") for pif in pifs]
    own = near.pool.ids.fresh_uuid()
    moving.choose("host_metrics", existing(near, "host_metrics", [fields["metrics"]]))
    moving.choose("host", [host], enabled=True, current_operations={})
    moving.choose("host_cpu", of_host(near, "host_cpu", host))
    moving.choose("Certificate", of_host(near, "Certificate", host))
    moving.choose("network", existing(near, "network", networks))
    moving.choose("PIF_metrics", existing(near, "PIF_metrics", metrics))
    moving.choose("PIF", pifs, VLAN_slave_of=[])
    moving.choose("SM", db.refs("SM"))
    for vm in existing(near, "VM", [fields["control_domain"]]):
        moving.choose("VM_metrics", existing(near, "VM_metrics", [db.read("VM", vm, "metrics")]))
        moving.choose("VM", [vm], uuid=own)
        moving.choose("console", db.read("VM", vm, "consoles"))


def _add_pool(seat: Seat, fresh: Engine, host: str) -> None:
    old = seat.engine.pool
    known = old.database.row("pool", old.ref).fields
    carried = {name: known[name] for name in _CARRIED}
    fresh.pool.add(
        "pool",
        {
            "name_label": "",
            "master": host,
            "default_SR": NULL,
            "suspend_image_SR": NULL,
            "crash_dump_SR": NULL,
            **carried,
        },
    )


def unused_name(site: Site, name: str) -> str:
    """What the control port calls the pool."""
    number, found = 1, name
    while found in site.pools:
        number += 1
        found = f"{name}-{number}"
    return found
