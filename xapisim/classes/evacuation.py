"""host.assert_can_evacuate and host.evacuate: every guest of a host moves to another one."""

import asyncio
from dataclasses import replace

from xapisim.classes import advice_calls, hash_order, memory, placement
from xapisim.classes.call import Call, Handler
from xapisim.classes.migration import calls as migrations
from xapisim.errors import CancelledByUserError, XapiError
from xapisim.values import NULL, VOID, Value

BATCH = 10


def assert_can_evacuate(call: Call, host: str) -> Value:
    """All reasons in one text (recorded on xapi 26.17)."""
    reasons = advice_calls.get_vms_which_prevent_evacuation(call, host)
    if reasons:
        listed = [",".join(reasons[vm]) for vm in reversed(hash_order.ordered(reasons))]
        text = "|".join(listed)
        raise XapiError("CANNOT_EVACUATE_HOST", text)
    return VOID


async def evacuate(call: Call, host: str, network: str, batch_size: int) -> Value:
    """The first reason against it is raised as it is; the first move that fails ends it."""
    reasons = advice_calls.get_vms_which_prevent_evacuation(call, host)
    for vm in hash_order.ordered(reasons):
        raise XapiError(*reasons[vm])
    _set_operation(call, host, "evacuate")
    try:
        await _move_all(call, host, {} if network == NULL else {"network": network}, batch_size)
    finally:
        _set_operation(call, host, "")
    return VOID


def _set_operation(call: Call, host: str, operation: str) -> None:
    current = dict(call.database.read("host", host, "current_operations"))
    current.pop(call.task, None)
    if operation:
        current[call.task] = operation
    call.database.update("host", host, current_operations=current)


async def _move_all(call: Call, host: str, options: dict[str, str], batch_size: int) -> None:
    guests = [
        vm
        for vm in call.database.read("host", host, "resident_VMs")
        if not call.database.read("VM", vm, "is_control_domain")
    ]
    size = batch_size or BATCH
    for start in range(0, len(guests), size):
        batch = guests[start : start + size]
        ends = await asyncio.gather(*(_move(call, vm, host, options) for vm in batch))
        call.engine.tasks.write(call.task, progress=min(1.0, (start + len(batch)) / len(guests)))
        for error in ends:
            if error is not None and error.code != "VM_BAD_POWER_STATE":
                raise error


async def _move(call: Call, vm: str, host: str, options: dict[str, str]) -> XapiError | None:
    """One move in a task of its own; the result is why it failed."""
    tasks = call.engine.tasks
    task = tasks.create("Async.VM.pool_migrate", call.host, parent=call.task)
    try:
        target = _target(call, vm, host)
        await migrations.pool_migrate(replace(call, task=task), vm, target, options)
    except CancelledByUserError as error:
        tasks.end_cancelled(task)
        return error
    except XapiError as error:
        tasks.fail(task, error)
        return error
    tasks.destroy(task)
    return None


def _target(call: Call, vm: str, host: str) -> str:
    """Of the hosts that can take it, the one with the most free memory."""
    able = [other for other in call.database.refs("host") if _fits(call, vm, host, other)]
    if not able:
        raise XapiError("NO_HOSTS_AVAILABLE", vm)
    return max(able, key=lambda other: memory.free_bytes(call.pool, other))


def _fits(call: Call, vm: str, host: str, other: str) -> bool:
    if other == host:
        return False
    try:
        placement.check(call.pool, vm, other, with_cpu=True)
    except XapiError:
        return False
    return True


METHODS: dict[str, Handler] = {"host.assert_can_evacuate": assert_can_evacuate}
OPERATIONS: dict[str, Handler] = {"host.evacuate": evacuate}
