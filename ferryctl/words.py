"""The contract's enums as words, so that no view knows a number or a prefix."""

from collections.abc import Mapping

from ferryctl import units
from xenferry.common.v1 import fence_pb2, finding_pb2, inventory_pb2, reason_pb2
from xenferry.controller.v1 import migration_pb2

_KINDS: Mapping[int, str] = {
    fence_pb2.MIGRATION_KIND_SHARED_STORAGE: "shared storage",
    fence_pb2.MIGRATION_KIND_BLOCK: "block",
}


def reason(value: int) -> str:
    """Return "STORAGE_NOT_SHARED"; upper case, because docs/errors.md is searched for it."""
    return units.word(reason_pb2.Reason.Name, value, "REASON_").upper()


def severity(value: int) -> str:
    """Return "ok", "warning" or "error"."""
    return units.word(finding_pb2.Severity.Name, value, "SEVERITY_")


def state(value: int) -> str:
    """Return "moving"."""
    name_of = migration_pb2.MigrationState.Name
    return units.word(name_of, value, "MIGRATION_STATE_").replace("_", " ")


def event(value: int) -> str:
    """Return "started"."""
    return units.word(migration_pb2.JournalEvent.Name, value, "JOURNAL_EVENT_")


def action(value: int) -> str:
    """Return "removed"."""
    return units.word(migration_pb2.CleanupItem.Action.Name, value, "ACTION_")


def whereabouts(value: int) -> str:
    """Return "dest"."""
    return units.word(fence_pb2.Whereabouts.Name, value, "WHEREABOUTS_")


def resolution(value: int) -> str:
    """Return "roll forward"; empty where nobody decided anything."""
    if not value:
        return ""
    return units.word(migration_pb2.Resolution.Name, value, "RESOLUTION_").replace("_", " ")


def power(value: int) -> str:
    """Return "running"."""
    return units.word(inventory_pb2.PowerState.Name, value, "POWER_STATE_")


def kind(value: int) -> str:
    """Return "shared storage"; empty where nothing was decided."""
    return _KINDS.get(value, "")
