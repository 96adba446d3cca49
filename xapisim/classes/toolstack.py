"""A restart of a host's toolstack: what the pool forgets, and what the host finds when it comes
back.

Guests and the memory copy of a migration live on in the hypervisor while nobody watches. All of
this was recorded on xapi 26.17 with the daemon killed in the middle of a migration.
"""

from xapisim.classes import operations
from xapisim.classes.engine import Engine
from xapisim.classes.migration.state import Migration
from xapisim.errors import XapiError
from xapisim.hypervisor import Domain, DomainState
from xapisim.values import NULL

DOWN_S = 2.1
"""Until the API answers again."""
NOTICED_S = 0.5
"""Until the coordinator fails the task of a member that went away."""


async def restart(engine: Engine, host: str) -> None:
    pool = engine.pool
    is_coordinator = host == pool.coordinator
    if is_coordinator:
        engine.sessions.close_all()
        engine.tasks.forget_all()
    pool.reachability.take_away(host)
    for migration in engine.migrations.all():
        if is_coordinator or migration.source == host:
            migration.orphaned = True
        elif migration.dest == host:
            migration.dest_toolstack_lost = True
    for send in engine.sends.all():
        if is_coordinator or send.source == host:
            send.interrupted = True
            send.cancelled.set()
    await pool.clock.sleep(NOTICED_S)
    for migration in engine.migrations.all():
        if migration.orphaned:
            _give_up(engine, migration)
    await pool.clock.sleep(DOWN_S - NOTICED_S)
    pool.reachability.bring_back(host)
    _resync(engine, host)


def _give_up(engine: Engine, migration: Migration) -> None:
    """The record says that nothing is going on; the copy goes on."""
    error = XapiError("CANNOT_CONTACT_HOST", migration.source)
    engine.tasks.fail(migration.task, error)
    if engine.pool.database.has("VM", migration.vm):
        engine.pool.database.update("VM", migration.vm, scheduled_to_be_resident_on=NULL)
        engine.gates.leave(migration.vm, migration.task)
    fields = engine.pool.database.row("host", migration.dest).fields
    left = {ref: op for ref, op in fields["current_operations"].items() if ref != migration.task}
    engine.pool.database.update("host", migration.dest, current_operations=left)


def _resync(engine: Engine, host: str) -> None:
    """Adopts guests that the database has nowhere, ends those it has elsewhere, halts those it
    can't find.
    """
    pool = engine.pool
    uuid = pool.database.read("host", host, "uuid")
    moving = {migration.vm_uuid for migration in engine.migrations.all()}
    for domain in pool.hypervisor.on_host(uuid):
        if domain.state is not DomainState.RECEIVING and domain.vm_uuid not in moving:
            _settle(engine, host, domain)
    for vm in list(pool.database.read("host", host, "resident_VMs")):
        fields = pool.database.row("VM", vm).fields
        missing = pool.hypervisor.find(fields["uuid"], uuid) is None
        if missing and not fields["is_control_domain"] and fields["uuid"] not in moving:
            operations.halt(pool, vm)


def _settle(engine: Engine, host: str, domain: Domain) -> None:
    db = engine.pool.database
    vm = db.tables["VM"].by_uuid.get(domain.vm_uuid)
    resident_on = NULL if vm is None else db.read("VM", vm, "resident_on")
    if vm is not None and resident_on == NULL:
        _adopt(engine, vm, host, domain)
    elif resident_on != host:
        engine.pool.hypervisor.destroy(domain)


def _adopt(engine: Engine, vm: str, host: str, domain: Domain) -> None:
    state = "Paused" if domain.state is DomainState.PAUSED else "Running"
    engine.pool.database.update("VM", vm, resident_on=host, power_state=state, domid=domain.domid)
    operations.set_attached(engine.pool, vm, attached=True)
    operations.refresh(engine.pool, vm)
