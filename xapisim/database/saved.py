"""A database as it was on disk at one moment, for a crash that loses what came after."""

from dataclasses import dataclass

from xapisim.database.database import Database
from xapisim.database.table import Row
from xapisim.values import Value

NEVER_KEPT = frozenset({"session", "task"})
"""Classes that live in memory alone."""


@dataclass(frozen=True, slots=True)
class Saved:
    generation: int
    rows: dict[str, list[tuple[str, dict[str, Value], int, int]]]
    """Ref, fields, and the generations of making and last change, oldest change first."""


def save(database: Database) -> Saved:
    kept = {
        name: [
            (row.ref, dict(row.fields), row.created, row.modified)
            for row in sorted(table.rows.values(), key=lambda row: row.modified)
        ]
        for name, table in database.tables.items()
        if name not in NEVER_KEPT
    }
    return Saved(database.generation, kept)


def restore(database: Database, saved: Saved) -> None:
    """Generations go back too, as XAPI's do: an event token from later finds nothing new."""
    for name, rows in saved.rows.items():
        table = database.tables[name]
        table.clear()
        for ref, fields, created, modified in rows:
            table.add(Row(ref, dict(fields), created, modified))
    database.generation = saved.generation
    database.population += 1
    for name in saved.rows:
        database.announce(name)
