"""The messages XAPI leaves about what was done to a VM; every client with an alert list shows
them.
"""

from xapisim.classes.pool import Pool

_PRIORITY = 5


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


def place(pool: Pool, host: str) -> str:
    """How a message calls a host where something began to run."""
    fields = pool.database.row("host", host).fields
    return f"on host: {fields['name_label']} (uuid: {fields['uuid']})"
