"""A restart of a host's toolstack: what the pool forgets, and what the host finds when it comes
back.

Guests and the memory copy of a migration live on in the hypervisor while nobody watches. All of
this was recorded on xapi 26.17 with the daemon killed in the middle of a migration.
"""

from xapisim.classes import accidents, operations, storage_rules
from xapisim.classes.engine import Engine
from xapisim.classes.migration.state import Migration
from xapisim.errors import XapiError
from xapisim.hypervisor import Domain, DomainState
from xapisim.values import NULL

DOWN_S = 1.7
"""Until the API answers again (recorded: between 1.5 and 1.8 s)."""
_STARTED = "agent_start_time"
NOTICED_S = 0.5
"""Until the coordinator fails the task of a member that went away."""


async def restart(engine: Engine, host: str) -> None:
    pool = engine.pool
    is_coordinator = host == pool.coordinator
    if is_coordinator:
        forget_calls(engine)
    pool.reachability.take_away(host)
    lose_sight(engine, host)
    await pool.clock.sleep(NOTICED_S)
    for migration in engine.migrations.all():
        if migration.orphaned:
            _give_up(engine, migration)
    await pool.clock.sleep(DOWN_S - NOTICED_S)
    if is_coordinator:
        pool.return_to_old_state()
        accidents.lay_ghosts(engine)
    pool.reachability.bring_back(host)
    note_start(engine, host)
    if pool.faults.is_armed("vlans_lost"):
        _lose_vlans(engine, host)
    resync(engine, host)


def _lose_vlans(engine: Engine, host: str) -> None:
    """A network daemon that forgot what it had set up."""
    for pif in engine.pool.database.rows("PIF"):
        if pif.fields["host"] == host and pif.fields["VLAN"] >= 0:
            engine.pool.database.update("PIF", pif.ref, currently_attached=False)


def note_start(engine: Engine, host: str) -> None:
    """A real host says when its toolstack started."""
    config = engine.pool.database.read("host", host, "other_config")
    if _STARTED in config:
        now = f"{engine.pool.clock.now():.0f}."
        engine.pool.database.update("host", host, other_config={**config, _STARTED: now})


def forget_calls(engine: Engine) -> None:
    """Sessions and tasks live in the coordinator's toolstack alone."""
    engine.sessions.close_all()
    engine.tasks.forget_all()


def lose_sight(engine: Engine, host: str) -> None:
    """Of the moves that this host's toolstack had to do with."""
    is_coordinator = host == engine.pool.coordinator
    for migration in engine.migrations.all():
        if is_coordinator or migration.source == host:
            migration.orphaned = True
        elif migration.dest == host:
            migration.dest_toolstack_lost = True
    for send in engine.sends.all():
        if is_coordinator or send.source == host:
            send.interrupted = True
            send.cancelled.set()


def orphan(engine: Engine, migrations: list[Migration]) -> None:
    """Nobody watches these any more, and the records say that nothing is going on."""
    for migration in migrations:
        migration.orphaned = True
        _give_up(engine, migration)


def _give_up(engine: Engine, migration: Migration) -> None:
    """The record says that nothing is going on; the copy goes on."""
    error = XapiError("CANNOT_CONTACT_HOST", migration.source)
    engine.tasks.fail(migration.task, error)
    if engine.pool.database.has("VM", migration.vm):
        engine.pool.database.update("VM", migration.vm, scheduled_to_be_resident_on=NULL)
        engine.gates.leave(migration.vm, migration.task)
    if not engine.pool.database.has("host", migration.dest):
        return
    fields = engine.pool.database.row("host", migration.dest).fields
    left = {ref: op for ref, op in fields["current_operations"].items() if ref != migration.task}
    engine.pool.database.update("host", migration.dest, current_operations=left)


def resync(engine: Engine, host: str) -> None:
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
            operations.call_halted(pool, vm)


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
    for class_name, ref in domain.devices:
        if engine.pool.database.has(class_name, ref):
            engine.pool.database.update(class_name, ref, currently_attached=True)
    storage_rules.refresh_devices(engine.pool, vm)
    operations.refresh(engine.pool, vm)
