"""VM.pool_migrate as it is called: checks, queue, reservation, run, and the writes around them."""

from collections.abc import Iterator
from contextlib import contextmanager

from xapisim.classes import placement
from xapisim.classes.call import Call, Handler
from xapisim.classes.migration import admission
from xapisim.classes.migration.run import Run
from xapisim.classes.migration.state import Migration
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import NULL, VOID, Value

GIVE_UP_S = 116.0
"""How long XAPI tries a host that doesn't answer (recorded on xapi 26.17)."""


async def pool_migrate(call: Call, vm: str, host: str, options: dict[str, str]) -> Value:
    """`live` is accepted and ignored, as are unknown options; the source may be the destination."""
    pool = call.pool
    pool.database.row("VM", vm)
    admission.check_request(pool, vm, host, options)
    left = pool.database.read("VM", vm, "resident_on")
    strict = not admission.is_forced(options)
    async with call.engine.gates.operation(vm, "pool_migrate", call.task, strict=strict):
        admission.check_destination(pool, vm, host)
        with reserved(pool, vm, host, call.task):
            admission.check_source(pool, host, options)
            await _check_contact(call, vm, host)
            await _run(call, vm, host, left)
    return VOID


@contextmanager
def reserved(pool: Pool, vm: str, host: str, task: str) -> Iterator[None]:
    """Marks the destination and holds its memory; both marks go, whatever happens."""
    _mark(pool, host, task)
    pool.database.update("VM", vm, scheduled_to_be_resident_on=host)
    try:
        yield
    finally:
        _unmark(pool, host, task)
        if pool.database.has("VM", vm) and _scheduled(pool, vm) == host:
            pool.database.update("VM", vm, scheduled_to_be_resident_on=NULL)


def _scheduled(pool: Pool, vm: str) -> Value:
    return pool.database.read("VM", vm, "scheduled_to_be_resident_on")


def _mark(pool: Pool, host: str, task: str) -> None:
    fields = pool.database.row("host", host).fields
    operations = [op for op in fields["allowed_operations"] if op != "evacuate"]
    current = {**fields["current_operations"], task: "vm_migrate"}
    pool.database.update("host", host, current_operations=current, allowed_operations=operations)


def _unmark(pool: Pool, host: str, task: str) -> None:
    fields = pool.database.row("host", host).fields
    current = {ref: op for ref, op in fields["current_operations"].items() if ref != task}
    operations = fields["allowed_operations"]
    if not current and "evacuate" not in operations:
        operations = [*operations, "evacuate"]
    pool.database.update("host", host, current_operations=current, allowed_operations=operations)


async def _check_contact(call: Call, vm: str, host: str) -> None:
    pool = call.pool
    source = pool.database.read("VM", vm, "resident_on")
    if pool.reachability.is_away(source):
        if not placement.is_live(pool, source):
            raise XapiError("HOST_OFFLINE", source)
        raise XapiError("CANNOT_CONTACT_HOST", source)
    if pool.reachability.is_away(host):
        # Cancelling is offered and does nothing (recorded on xapi 26.17).
        call.engine.tasks.write(call.task, allowed_operations=["cancel"])
        with _waiting_for(call, host):
            await pool.clock.sleep(GIVE_UP_S)
        raise XapiError("CANNOT_CONTACT_HOST", host)


@contextmanager
def _waiting_for(call: Call, host: str) -> Iterator[None]:
    """The first thing asked of the destination is to attach the networks (recorded)."""
    asked = call.engine.tasks.create("network.attach_for_vm", host, parent=call.task)
    try:
        yield
    finally:
        call.engine.tasks.destroy(asked)


async def _run(call: Call, vm: str, host: str, left: str) -> None:
    """xenopsd does one thing at a time with a VM, also after its toolstack has lost sight of a
    migration.
    """
    fields = call.database.record("VM", vm)
    migration = Migration(
        vm=vm,
        vm_uuid=fields["uuid"],
        source=fields["resident_on"],
        dest=host,
        task=call.task,
        names=call.pool.vm_names(vm),
        left=left,
    )
    while (earlier := call.engine.migrations.of_vm(vm)) is not None:
        await earlier.finished.wait()
    with call.engine.migrations.tracked(migration):
        await Run(call.engine, migration).go()


OPERATIONS: dict[str, Handler] = {"VM.pool_migrate": pool_migrate}
