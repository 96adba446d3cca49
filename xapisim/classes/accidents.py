"""Things that real pools were found to have and nobody admits having made (faults)."""

from xapisim.classes import storage_rules
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
