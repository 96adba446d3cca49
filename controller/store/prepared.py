"""Statements that every migration runs: compiled once, and on SQLite run without SQLAlchemy.

SQLAlchemy takes ten times as long over one of them as SQLite does, because it finds out each time
anew what is the same each time: the text, the order of the parameters, how their types are written
and read. Here that is found out once. Where there is no direct way to the driver they run as ever.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

DIRECT = "direct"
"""Where a connection's `info` has its Direct."""

Statement = sa.Select[*tuple[Any, ...]] | sa.UpdateBase
Parameters = Mapping[str, Any]
Row = Any
"""A sqlalchemy.Row, or what has the same names."""


@dataclass(frozen=True, slots=True)
class Direct:
    """The driver's connection, and what counts a statement that is run on it."""

    driver: sqlite3.Connection
    count: Callable[[], None]


class Prepared:
    """A statement whose parameters have the same names each time."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._compiled: _Compiled | None = None

    def rows(self, connection: sa.Connection, parameters: Parameters) -> Sequence[Row]:
        """Run it once and return its rows."""
        direct = connection.info.get(DIRECT)
        if direct is None:
            return connection.execute(self._statement, parameters).all()
        compiled = self._known(connection, parameters)
        return compiled.read(self._run(connection, compiled, direct, parameters))

    def row(self, connection: sa.Connection, parameters: Parameters) -> Row | None:
        """Run it once and return its only row, or None."""
        rows = self.rows(connection, parameters)
        return rows[0] if rows else None

    def run(self, connection: sa.Connection, parameters: Parameters) -> int:
        """Run it once and return how many rows it changed."""
        direct = connection.info.get(DIRECT)
        if direct is None:
            return connection.execute(self._statement, parameters).rowcount
        compiled = self._known(connection, parameters)
        return self._run(connection, compiled, direct, parameters).rowcount

    def run_all(self, connection: sa.Connection, many: Sequence[Parameters]) -> None:
        """Run it once for each of them, of which there is at least one."""
        direct = connection.info.get(DIRECT)
        if direct is None:
            connection.execute(self._statement, many)
            return
        compiled = self._known(connection, many[0])
        for parameters in many:
            self._run(connection, compiled, direct, parameters)

    def _known(self, connection: sa.Connection, parameters: Parameters) -> "_Compiled":
        if self._compiled is None:
            self._compiled = _Compiled(self._statement, connection.dialect, parameters)
        return self._compiled

    def _run(
        self,
        connection: sa.Connection,
        compiled: "_Compiled",
        direct: Direct,
        parameters: Parameters,
    ) -> sqlite3.Cursor:
        """Run it; raises what SQLAlchemy would."""
        direct.count()
        values = compiled.written(parameters)
        try:
            return direct.driver.execute(compiled.text, values)
        except sqlite3.Error as error:
            raise sa.exc.DBAPIError.instance(
                compiled.text, values, error, sqlite3.Error, dialect=connection.dialect
            ) from error


class _Compiled:
    """The text of a statement, and how its parameters are written and its columns read."""

    def __init__(
        self,
        statement: Statement,
        dialect: sa.Dialect,
        names: Iterable[str],
    ) -> None:
        made: Any = statement.compile(dialect=dialect, column_keys=list(names))
        self.text = str(made)
        binds = made.binds.items()
        self._constants = {name: bind.value for name, bind in binds if not bind.required}
        self._writers = [
            (name, made.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in made.positiontup
        ]
        columns = list(statement.exported_columns)
        self._readers = [
            (str(column.key), column.type.dialect_impl(dialect).result_processor(dialect, None))
            for column in columns
        ]

    def written(self, parameters: Parameters) -> list[Any]:
        """Return the values in the order in which the text has them."""
        given = {**self._constants, **parameters} if self._constants else parameters
        return [
            given[name] if write is None else write(given[name]) for name, write in self._writers
        ]

    def read(self, cursor: sqlite3.Cursor) -> list[Row]:
        """Return the rows as the columns' types have them."""
        return [SimpleNamespace(**self._row(values)) for values in cursor]

    def _row(self, values: Sequence[Any]) -> dict[str, Any]:
        return {
            name: value if read is None else read(value)
            for value, (name, read) in zip(values, self._readers, strict=True)
        }
