"""Migrations: a row each in a list, or one of them with everything that is known of it."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ferryctl import endings, screen, units, words
from ferryctl.views import findings
from xenferry.controller.v1 import migration_pb2


def rows(found: Sequence[migration_pb2.Migration]) -> Table:
    """Return migrations, one a row."""
    grid = screen.table(
        "migration", "instance", "from", "to", "state", "done", "begun", fixed=("migration", "done")
    )
    for migration in found:
        grid.add_row(
            migration.migration_id,
            endings.name(migration),
            migration.source_host_name,
            migration.dest_host_name,
            words.state(migration.state),
            endings.percent(migration),
            units.moment(migration.create_time),
        )
    return grid


def line(migration: migration_pb2.Migration) -> str:
    """Return where a migration stands, on one line."""
    route = f"{migration.source_host_name} → {migration.dest_host_name}"
    phase = f", {migration.progress.phase}" if migration.progress.phase else ""
    place = f", place {migration.queue_position}" if migration.queue_position else ""
    state = f"{words.state(migration.state)}{place}{phase}"
    left = remaining(migration)
    told = f"  {left}" if left else ""
    return f"{endings.name(migration)}  {route}  {state}  {endings.percent(migration)}{told}"


def remaining(migration: migration_pb2.Migration) -> str:
    """Return how long the move will still take, as far as that can be told."""
    progress = migration.progress
    if migration.state != migration_pb2.MIGRATION_STATE_MOVING:
        return ""
    left = units.interval(progress.remaining_p50, progress.remaining_p90)
    return f"{left} left" if left else ""


def whole(migration: migration_pb2.Migration) -> RenderableType:
    """Return everything that is known of one migration."""
    parts: list[RenderableType] = [Text(endings.sentence(migration), "bold"), _facts(migration)]
    if migration.HasField("error"):
        parts += _section("Error", findings.listed([migration.error]))
    if migration.findings:
        parts += _section("Findings when it was planned", findings.listed(migration.findings))
    if migration.verification:
        parts += _section("Verified after the move", findings.listed(migration.verification))
    if migration.journal:
        parts += _section("Journal", _journal(migration.journal))
    if migration.cleanup:
        parts += _section("Clean-up", _cleanup(migration.cleanup))
    return Group(*parts)


def _section(heading: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(heading, "bold"), body]


def _facts(migration: migration_pb2.Migration) -> Table:
    grid = screen.table("", "")
    grid.show_header = False
    for name, value in _pairs(migration):
        if value:
            grid.add_row(name, value)
    return grid


def _pairs(migration: migration_pb2.Migration) -> Iterable[tuple[str, str]]:
    yield "migration", migration.migration_id
    yield "instance", f"{migration.instance_name}  {migration.instance_id}"
    yield "from", f"{migration.source_host_name}  {migration.source_host_id}"
    yield "to", f"{migration.dest_host_name}  {migration.dest_host_id}"
    yield "kind", words.kind(migration.kind)
    yield "state", words.state(migration.state)
    yield "place in queue", str(migration.queue_position or "")
    yield "priority", str(migration.priority or "")
    yield "progress", f"{endings.percent(migration)} {migration.progress.phase}".strip()
    yield "time left", remaining(migration)
    yield "guest is at", words.whereabouts(migration.whereabouts).replace("unspecified", "")
    yield "begun", units.moment(migration.create_time)
    yield "ended", units.moment(migration.end_time)
    yield "claim", f"epoch {migration.epoch}"
    yield "memory held", units.size(migration.reserved_memory_bytes).replace("0 B", "")
    yield "disk held", units.size(migration.reserved_disk_bytes).replace("0 B", "")
    yield "asked by", migration.requested_by
    yield "request", migration.request_id
    yield "why", migration.reason
    yield "cancel", "requested" if migration.cancel_requested else ""
    yield "settled", words.resolution(migration.resolution)
    yield "settled because", migration.resolution_reason


def _journal(entries: Iterable[migration_pb2.JournalEntry]) -> Table:
    grid = screen.table("", "time", "step", "event", "epoch", "note", fixed=("", "time"))
    for entry in entries:
        grid.add_row(
            str(entry.sequence),
            units.clock_time(entry.time),
            entry.step,
            words.event(entry.event),
            str(entry.epoch),
            entry.note,
        )
    return grid


def _cleanup(items: Iterable[migration_pb2.CleanupItem]) -> Table:
    grid = screen.table("what", "done", "why")
    for item in items:
        said = f"\nXAPI: {json.dumps(list(item.xapi_error))}" if item.xapi_error else ""
        grid.add_row(item.subject, words.action(item.action), f"{item.why}{said}")
    return grid
