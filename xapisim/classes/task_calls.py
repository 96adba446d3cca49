"""task.*: cancelling, destroying and the tasks that clients make for themselves."""

from xapisim.classes.call import Call, Handler
from xapisim.values import VOID, Value


def create(call: Call, label: str, description: str) -> Value:
    return call.engine.tasks.create(label, call.host, description)


def destroy(call: Call, task: str) -> Value:
    """A pending task is only marked; its row stays (recorded on xapi 26.17)."""
    fields = call.database.row("task", task).fields
    if fields["status"] == "pending":
        current = {**fields["current_operations"], "task": "destroy"}
        call.database.update("task", task, current_operations=current)
    else:
        call.engine.tasks.destroy(task)
    return VOID


def cancel(call: Call, task: str) -> Value:
    """Answers at once and never fails for a known task, be it too late to cancel or not."""
    call.database.row("task", task)
    call.engine.tasks.cancel(task)
    return VOID


METHODS: dict[str, Handler] = {
    "task.create": create,
    "task.destroy": destroy,
    "task.cancel": cancel,
}
