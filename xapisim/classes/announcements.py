"""The messages XAPI leaves about what was done to a VM; every client with an alert list shows
them.
"""

from xapisim.classes.pool import Pool
from xapisim.values import Value

_PRIORITY = 5
_TRANSITION_PRIORITY = 4


def announce(pool: Pool, vm: str, name: str, what: str) -> None:
    """`what` ends the sentence that begins with the VM's name and uuid (recorded on xapi 26.17)."""
    fields = pool.database.row("VM", vm).fields
    pool.add(
        "message",
        {
            "name": name,
            "priority": _PRIORITY,
            "cls": "VM",
            "obj_uuid": fields["uuid"],
            "timestamp": pool.clock.stamp(),
            "body": f"VM '{fields['name_label']}' (uuid: {fields['uuid']}) {what}",
        },
    )


def change_coordinator(pool: Pool, old: str, new: str) -> None:
    """Messages are files on the coordinator's disk: another one has its own, and leaves one about
    itself (recorded on xapi 26.17).
    """
    if old != new:
        database = pool.database
        pool.messages[old] = [(row.ref, row.fields) for row in database.rows("message")]
        for ref, _ in pool.messages[old]:
            database.delete("message", ref)
        for ref, kept in pool.messages.pop(new, []):
            database.insert("message", ref, kept)
    fields: dict[str, Value] = {
        "name": "POOL_MASTER_TRANSITION",
        "priority": _TRANSITION_PRIORITY,
        "cls": "Host",
        "obj_uuid": pool.database.read("host", new, "uuid"),
        "timestamp": pool.clock.stamp(),
        "body": "",
    }
    pool.add("message", fields)


def place(pool: Pool, host: str) -> str:
    """How a message calls a host where something began to run."""
    fields = pool.database.row("host", host).fields
    return f"on host: {fields['name_label']} (uuid: {fields['uuid']})"
