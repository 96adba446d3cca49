"""Reads the journal in the controller's database file, to strike right after a row was written."""

import sqlite3
from pathlib import Path

from deploy.demo.processes import wait_until

Row = tuple[str, str]
"""Step and event."""


def rows(database: Path, migration_id: str) -> list[Row]:
    """Return the journal of a migration as it is committed now."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        query = "SELECT step, event FROM journal WHERE migration_id = ? ORDER BY sequence"
        return connection.execute(query, (migration_id,)).fetchall()
    finally:
        connection.close()


def wait_for(database: Path, migration_id: str, row: Row) -> None:
    """Return as soon as the journal of a migration has a row; raises TimeoutError."""
    wait_until(f"{row} in the journal", lambda: row in rows(database, migration_id), every_s=0.001)
