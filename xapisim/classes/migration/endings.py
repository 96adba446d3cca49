"""How a live migration ends: what the hypervisor runs then, and what the database says about it."""

from xapisim.classes import operations
from xapisim.classes.engine import Engine
from xapisim.classes.migration.state import Migration
from xapisim.hypervisor import Domain, DomainState
from xapisim.values import NULL


def arrive(engine: Engine, migration: Migration, domain: Domain) -> None:
    """The guest runs at the destination and the database says so; the operation is still on the
    record.
    """
    db = engine.pool.database
    db.update("VM", migration.vm, resident_on=migration.dest, scheduled_to_be_resident_on=NULL)
    db.update("VM", migration.vm, domid=domain.domid)
    _renew_consoles(engine, migration)
    fields = db.row("VM", migration.vm).fields
    now = engine.pool.clock.stamp()
    for class_name, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
        if db.has(class_name, fields[field]):
            db.update(class_name, fields[field], last_updated=now)


def _renew_consoles(engine: Engine, migration: Migration) -> None:
    db = engine.pool.database
    address = db.read("host", migration.dest, "address")
    for old in db.read("VM", migration.vm, "consoles"):
        fields = dict(db.record("console", old))
        db.delete("console", old)
        uuid = engine.pool.ids.fresh_uuid()
        location = f"https://{address}/console?uuid={uuid}"
        engine.pool.add("console", {**fields, "uuid": uuid, "location": location})


def tell(engine: Engine, migration: Migration) -> None:
    """The message every client with an alert list shows."""
    db = engine.pool.database
    vm = db.row("VM", migration.vm).fields
    source = db.row("host", migration.source).fields
    dest = db.row("host", migration.dest).fields
    body = (
        f"VM '{vm['name_label']}' (uuid: {vm['uuid']}) migrated from host '{source['name_label']}' "
        f"(uuid: {source['uuid']}) to host '{dest['name_label']}' (uuid: {dest['uuid']})"
    )
    engine.pool.add(
        "message",
        {
            "name": "VM_MIGRATED",
            "priority": 5,
            "cls": "VM",
            "obj_uuid": vm["uuid"],
            "timestamp": engine.pool.clock.stamp(),
            "body": body,
        },
    )


def turn_back(engine: Engine, migration: Migration) -> None:
    """The guest goes on at the source, whose toolstack takes the reservation back."""
    if not migration.orphaned:
        engine.pool.database.update("VM", migration.vm, scheduled_to_be_resident_on=NULL)


def lose(engine: Engine, migration: Migration) -> None:
    """A guest that was suspended and didn't arrive is shut down; its memory is lost."""
    for domain in engine.pool.hypervisor.of_vm(migration.vm_uuid):
        engine.pool.hypervisor.destroy(domain)
    operations.halt(engine.pool, migration.vm)


def switch(engine: Engine, source: Domain | None, dest: Domain) -> None:
    """The guest runs at the destination from here on, and nowhere else."""
    dest.state = DomainState.RUNNING
    if source is not None:
        engine.pool.hypervisor.destroy(source)


def forget(engine: Engine, migration: Migration) -> None:
    """The source's toolstack, restarted, no longer finds the guest and calls it halted.

    The guest runs at the destination all the same (recorded on xapi 26.17): VM.start_on now makes a
    second copy.
    """
    if engine.pool.database.read("VM", migration.vm, "resident_on") == migration.source:
        operations.halt(engine.pool, migration.vm)
