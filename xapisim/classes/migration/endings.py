"""How a live migration ends: what the hypervisor runs then, and what the database says about it."""

from xapisim.classes import operations, placement
from xapisim.classes.announcements import announce
from xapisim.classes.engine import Engine
from xapisim.classes.migration.state import Migration
from xapisim.hypervisor import Domain, DomainState
from xapisim.values import NULL

_EMU_MANAGER = (
    'Domain.Emu_manager_failure("Received error from emu-manager: xenguest Invalid argument")'
)
TEARDOWN_S = 0.6
"""From the guest's arrival to the end of the task."""
KEEPS_DEST = frozenset({"duplicated", "dest_unrecorded"})
"""Ends of a failed migration in which a copy runs at the destination."""
Ends = tuple[Domain | None, Domain | None]
"""The domains at source and destination."""


def arrive(engine: Engine, migration: Migration, domain: Domain) -> None:
    """The guest runs at the destination and the database says so; the operation is still on the
    record.
    """
    db = engine.pool.database
    db.update("VM", migration.vm, resident_on=migration.dest, scheduled_to_be_resident_on=NULL)
    db.update("VM", migration.vm, domid=domain.domid)
    if engine.pool.faults.is_armed("cpu_follows_host"):
        placement.note_cpu(engine.pool, migration.vm, migration.dest)
    _renew_consoles(engine, migration)
    for host in {migration.source, migration.dest}:
        db.touch("host", host)


async def tear_down(engine: Engine, migration: Migration) -> None:
    """The rest of what the toolstacks write: a member tells its coordinator bit by bit, the
    coordinator's own comes all at the end (recorded on xapi 26.17).
    """
    clock, tells = engine.pool.clock, not migration.orphaned
    bit_by_bit = tells and migration.dest != engine.pool.coordinator
    await clock.sleep(TEARDOWN_S / 3)
    if bit_by_bit and engine.pool.database.has("host", migration.dest):
        engine.pool.database.touch("host", migration.dest)
    await clock.sleep(TEARDOWN_S / 3)
    if bit_by_bit:
        hear_guest(engine, migration)
    await clock.sleep(TEARDOWN_S / 3)
    if tells and not bit_by_bit:
        hear_guest(engine, migration)


def hear_guest(engine: Engine, migration: Migration) -> None:
    """The guest's agent reports from where it runs now."""
    db = engine.pool.database
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
    source = engine.pool.database.row("host", migration.left or migration.source).fields
    dest = engine.pool.database.row("host", migration.dest).fields
    what = (
        f"migrated from host '{source['name_label']}' (uuid: {source['uuid']}) "
        f"to host '{dest['name_label']}' (uuid: {dest['uuid']})"
    )
    announce(engine.pool, migration.vm, "VM_MIGRATED", what)


def turn_back(engine: Engine, migration: Migration) -> None:
    """The guest goes on at the source, whose toolstack takes the reservation back."""
    if not migration.orphaned:
        engine.pool.database.update("VM", migration.vm, scheduled_to_be_resident_on=NULL)


def lose(engine: Engine, migration: Migration) -> None:
    """A guest that was suspended and didn't arrive is shut down; its memory is lost."""
    for domain in engine.pool.hypervisor.of_vm(migration.vm_uuid):
        engine.pool.hypervisor.destroy(domain)
    operations.halt(engine.pool, migration.vm)


def end_badly(engine: Engine, migration: Migration, end: str, domains: Ends) -> None:
    """What a failed migration leaves when the database doesn't have the guest at its destination
    (`end` as in the fault `fail_migration`).
    """
    source, dest = domains
    turn_back(engine, migration)
    if end == "halted":
        lose(engine, migration)
    elif end == "suspended":
        engine.pool.database.update(
            "VM", migration.vm, power_state="Suspended", resident_on=NULL, domid=-1
        )
        operations.refresh(engine.pool, migration.vm)
        _set_state(source, DomainState.SUSPENDED)
    else:
        _set_state(source, DomainState.RUNNING)
    if end in KEEPS_DEST:
        _set_state(dest, DomainState.RUNNING)
    if end == "dest_unrecorded" and source is not None:
        engine.pool.hypervisor.destroy(source)


def failure_text(phase: str) -> str:
    """What the hypervisor says of a move that failed in that phase."""
    if phase == "precopy":
        return _EMU_MANAGER
    number = phase.removeprefix("sync")
    return f"VM.migrate: Failed during Synchronisation point {number}. msg: End_of_file"


def _set_state(domain: Domain | None, state: DomainState) -> None:
    if domain is not None:
        domain.state = state


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
        operations.call_halted(engine.pool, migration.vm)
