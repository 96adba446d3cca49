"""How a migration came to rest, in one sentence that an operator can pass on."""

from ferryctl import units, words
from xenferry.controller.v1 import migration_pb2

ENDED = (
    migration_pb2.MIGRATION_STATE_SUCCEEDED,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK,
    migration_pb2.MIGRATION_STATE_CANCELLED,
)


def at_rest(migration: migration_pb2.Migration) -> bool:
    """Tell whether nothing more will come without an operator: ended, or STUCK."""
    return migration.state in ENDED or migration.state == migration_pb2.MIGRATION_STATE_STUCK


def name(migration: migration_pb2.Migration) -> str:
    """Return what to call the instance."""
    return migration.instance_name or migration.instance_id


def percent(migration: migration_pb2.Migration) -> str:
    """Return how far it is; empty where it ended short of the destination."""
    if migration.state == migration_pb2.MIGRATION_STATE_SUCCEEDED:
        return "100 %"
    if unheard(migration):
        return "not told how far"
    return "" if migration.state in ENDED else f"{migration.progress.percent:.0f} %"


def unheard(migration: migration_pb2.Migration) -> bool:
    """Tell whether it moves and its agent is still to say how far it is.

    So it is at first, and again when the controller was started anew.
    """
    told = migration.progress.phase and migration.progress.percent
    return migration.state == migration_pb2.MIGRATION_STATE_MOVING and not told


def sentence(migration: migration_pb2.Migration) -> str:
    """Return where the instance is now and why."""
    source = migration.source_host_name or migration.source_host_id
    dest = migration.dest_host_name or migration.dest_host_id
    if migration.state == migration_pb2.MIGRATION_STATE_SUCCEEDED:
        return f"{name(migration)} runs on {dest} now{_took(migration)}"
    if migration.state == migration_pb2.MIGRATION_STATE_STUCK:
        return (
            f"the migration of {name(migration)} from {source} to {dest} is stuck: "
            f"{_why(migration)}\nsee `ferryctl show {migration.migration_id}`"
        )
    if migration.state == migration_pb2.MIGRATION_STATE_CANCELLED:
        return f"{name(migration)} stays on {source}: {_why(migration) or 'cancelled'}"
    if migration.state == migration_pb2.MIGRATION_STATE_ROLLED_BACK:
        return f"{name(migration)} stays on {source}: {_why(migration)}"
    return f"{name(migration)} is {words.state(migration.state)} from {source} to {dest}"


def _took(migration: migration_pb2.Migration) -> str:
    seconds = units.seconds_between(migration.create_time, migration.end_time)
    return "" if seconds is None else f" ({units.duration(seconds)})"


def _why(migration: migration_pb2.Migration) -> str:
    if not migration.HasField("error"):
        return ""
    error = migration.error
    parts = [f"{words.reason(error.reason)}, {error.message}"]
    if error.remedy:
        parts.append(error.remedy)
    return ". ".join(part.rstrip(".") for part in parts)
