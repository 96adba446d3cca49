"""Things that real pools were found to have and nobody admits having made (faults)."""

from xapisim.classes import operations, storage_rules
from xapisim.classes.engine import Engine, Seat
from xapisim.hypervisor import DomainState

ORPHAN_BYTES = 2**30


def duplicate(seat: Seat, vm: str) -> None:
    """A second live copy of the VM on that host, of which no record speaks."""
    pool = seat.engine.pool
    host = pool.database.read("host", seat.host, "uuid")
    for row in pool.database.rows("VM"):
        if vm in pool.vm_names(row.ref):
            pool.hypervisor.create(row.fields["uuid"], host, DomainState.RUNNING)


def haunt(seat: Seat, vm: str) -> None:
    """An operation that is over stays on the records of the VM and of that host, with a task that
    nobody has, until the coordinator's toolstack is restarted (xapi.md (c) 22).
    """
    pool = seat.engine.pool
    ghost = pool.ids.fresh_ref()
    host = pool.database.read("host", seat.host, "current_operations")
    pool.database.update("host", seat.host, current_operations={**host, ghost: "vm_migrate"})
    for row in pool.database.rows("VM"):
        if vm in pool.vm_names(row.ref):
            current = {**row.fields["current_operations"], ghost: "migrate_send"}
            pool.database.update("VM", row.ref, current_operations=current)
            operations.refresh(pool, row.ref)


def lay_ghosts(engine: Engine) -> None:
    """Operations whose task is gone go too."""
    db = engine.pool.database
    for class_name in ("host", "VM"):
        for row in db.rows(class_name):
            current = row.fields["current_operations"]
            left = {task: name for task, name in current.items() if db.has("task", task)}
            if left != current:
                db.update(class_name, row.ref, current_operations=left)
                if class_name == "VM":
                    operations.refresh(engine.pool, row.ref)


def lose_disk(engine: Engine, vdi: str) -> None:
    """What is on the SR of a disk is gone, and a scan has found that out (xapi.md (c) 18)."""
    for row in engine.pool.database.rows("VDI"):
        if row.fields["uuid"] == vdi:
            engine.pool.database.update("VDI", row.ref, missing=True)


def leave_orphan(engine: Engine, sr: str, name: str) -> None:
    """A disk like those that a broken Storage XenMotion leaves at its destination."""
    pool = engine.pool
    for row in list(pool.database.rows("SR")):
        if sr in (row.fields["name_label"], row.fields["uuid"]):
            storage_rules.add_vdi(
                pool,
                {
                    "SR": row.ref,
                    "name_label": name or "orphan",
                    "virtual_size": ORPHAN_BYTES,
                    "type": "user",
                    "sm_config": {"base_mirror": f"{row.fields['uuid']}/{pool.ids.fresh_uuid()}"},
                },
            )
