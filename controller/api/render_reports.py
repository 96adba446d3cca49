"""What is told of a migration beside where it stands: progress, estimate, journal, reports."""

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from controller.model.migration import (
    CleanupAction,
    CleanupItem,
    JournalEntry,
    JournalEvent,
    MoveEstimate,
    Progress,
)
from controller.wire.times import timestamp
from xenferry.controller.v1 import migration_pb2

_EVENTS = {
    event: migration_pb2.JournalEvent.Value(f"JOURNAL_EVENT_{event.name}") for event in JournalEvent
}
_ACTIONS = {
    action: migration_pb2.CleanupItem.Action.Value(f"ACTION_{action.name}")
    for action in CleanupAction
}


def progress(known: Progress) -> migration_pb2.Progress:
    """Return the message of how far a move is."""
    message = migration_pb2.Progress(
        phase=known.phase,
        percent=known.percent,
        cancellable=known.cancellable,
        bytes_done=known.bytes_done,
        bytes_total=known.bytes_total,
    )
    if known.remaining_p50_s is not None:
        message.remaining_p50.CopyFrom(_duration(known.remaining_p50_s))
    if known.remaining_p90_s is not None:
        message.remaining_p90.CopyFrom(_duration(known.remaining_p90_s))
    return message


def estimate(known: MoveEstimate | None) -> migration_pb2.MoveEstimate | None:
    """Return the message of what a move is expected to cost, None where it can't be told."""
    if known is None:
        return None
    return migration_pb2.MoveEstimate(
        total_bytes=known.total_bytes,
        duration_p50=_duration(known.duration_p50_s),
        duration_p90=_duration(known.duration_p90_s),
        downtime=_duration(known.downtime_s),
    )


def journal(entries: Iterable[JournalEntry]) -> list[migration_pb2.JournalEntry]:
    """Return the messages of a journal."""
    return [
        migration_pb2.JournalEntry(
            sequence=entry.sequence,
            step=entry.step,
            event=_EVENTS[entry.event],
            time=timestamp(entry.time),
            epoch=entry.epoch,
            note=entry.note,
        )
        for entry in entries
    ]


def cleanup(items: Iterable[CleanupItem]) -> list[migration_pb2.CleanupItem]:
    """Return the messages of a clean-up report."""
    return [
        migration_pb2.CleanupItem(
            subject=item.subject,
            action=_ACTIONS[item.action],
            why=item.why,
            xapi_error=item.xapi_error,
        )
        for item in items
    ]


def _duration(seconds: float) -> Duration:
    message = Duration()
    message.FromMilliseconds(round(seconds * 1000))
    return message
