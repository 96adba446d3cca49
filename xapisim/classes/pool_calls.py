"""pool.* and message.*: the few calls a client makes about the pool as a whole."""

from xapisim.classes.call import Call, Handler
from xapisim.values import VOID, DateTime, Value


def sync_database(_call: Call) -> Value:
    """Nothing here is lost in a restart, so there is nothing to flush."""
    return VOID


def is_slave(call: Call, _host: str) -> Value:
    return call.host != call.pool.coordinator


def get_since(call: Call, since: DateTime) -> Value:
    return {
        row.ref: row.snapshot()
        for row in call.database.rows("message")
        if row.fields["timestamp"] > since
    }


def get_messages(call: Call, class_name: str, uuid: str, since: DateTime) -> Value:
    return {
        row.ref: row.snapshot()
        for row in call.database.rows("message")
        if (row.fields["cls"], row.fields["obj_uuid"]) == (class_name, uuid)
        and row.fields["timestamp"] > since
    }


def destroy_message(call: Call, message: str) -> Value:
    call.database.delete("message", message)
    return VOID


METHODS: dict[str, Handler] = {
    "pool.sync_database": sync_database,
    "pool.is_slave": is_slave,
    "message.get_since": get_since,
    "message.get": get_messages,
    "message.destroy": destroy_message,
}
