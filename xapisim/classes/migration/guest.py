"""A guest that reboots, shuts down or crashes while its memory is copied (faults)."""

from xapisim.classes import operations
from xapisim.classes.engine import Engine
from xapisim.classes.migration.state import Migration
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.hypervisor import Domain, DomainState

ATTEMPTS = 3
"""XAPI begins anew when the guest reboots, and gives up after this many (xapi.md A10)."""
_CHANGED = "The VM changed its power state during migration"


class GuestRebootedError(Exception):
    """`domain` is what the guest runs in now, on its source."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain.vm_uuid)
        self.domain = domain


def act(engine: Engine, far: Pool, migration: Migration, phase: str, source: Domain | None) -> None:
    """Raises GuestRebootedError, or VM_MIGRATE_FAILED when the guest runs no more; a guest that is
    suspended does nothing.
    """
    if source is None or not source.alive:
        return
    faults = engine.pool.faults
    crashed = faults.for_migration("guest_crash", phase, migration.names) is not None
    after = engine.pool.database.read("VM", migration.vm, "actions_after_crash")
    restarts = crashed and after in ("restart", "coredump_and_restart")
    if restarts or faults.for_migration("guest_reboot", phase, migration.names):
        raise GuestRebootedError(_reboot(engine.pool, migration, source))
    if crashed or faults.for_migration("guest_shutdown", phase, migration.names):
        engine.pool.hypervisor.destroy(source)
        operations.halt(engine.pool, migration.vm)
        near = engine.pool.database.read("host", migration.source, "uuid")
        dest = far.database.read("host", migration.dest, "uuid")
        raise XapiError("VM_MIGRATE_FAILED", migration.vm_uuid, near, dest, _CHANGED)


def _reboot(pool: Pool, migration: Migration, source: Domain) -> Domain:
    pool.hypervisor.destroy(source)
    domain = pool.hypervisor.create(source.vm_uuid, source.host_uuid, DomainState.RUNNING)
    pool.database.update("VM", migration.vm, domid=domain.domid)
    return domain
