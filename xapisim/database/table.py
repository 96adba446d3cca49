"""One table: rows by ref, the order of their last changes, and the deletions that watchers may
have missed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xapisim.schema.model import Class
from xapisim.values import Record, Value

REMEMBERED_DELETIONS = 512
"""XAPI forgets older ones; valid_ref_counts lets a client notice."""


@dataclass(slots=True, eq=False)
class Row:
    ref: str
    fields: dict[str, Value]
    created: int
    modified: int
    hidden: frozenset[str] = frozenset()
    """Fields that the pool's release doesn't show."""
    _snapshot: Record | None = None

    def snapshot(self) -> Record:
        """The whole record as it is now; the same object until the next change."""
        if self._snapshot is None:
            self._snapshot = self._shown()
        return self._snapshot

    def view(self) -> Record:
        """The same, but not remembered: for whoever looks at every row."""
        return self._snapshot or self._shown()

    def _shown(self) -> Record:
        if not self.hidden:
            return Record(self.fields)
        return Record({name: v for name, v in self.fields.items() if name not in self.hidden})

    def change(self, values: dict[str, Value], generation: int) -> None:
        self.fields.update(values)
        self.modified = generation
        self._snapshot = None


class Deletion(NamedTuple):
    generation: int
    created: int
    ref: str


@dataclass(slots=True, eq=False)
class Table:
    class_: Class
    rows: dict[str, Row] = field(default_factory=dict)
    by_uuid: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, dict[str, None]] = field(default_factory=dict)
    deletions: deque[Deletion] = field(default_factory=lambda: deque(maxlen=REMEMBERED_DELETIONS))
    hidden: frozenset[str] = frozenset()
    """Fields that came after the pool's release; kept here all the same."""
    absent: bool = False
    """Whether the whole class did."""
    _oldest_change_first: dict[str, None] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        row.hidden = self.hidden
        self.rows[row.ref] = row
        self._oldest_change_first[row.ref] = None
        self._index(row)

    def change(self, row: Row, values: dict[str, Value], generation: int) -> None:
        renamed = "name_label" in values or "uuid" in values
        if renamed:
            self._unindex(row)
        row.change(values, generation)
        if renamed:
            self._index(row)
        del self._oldest_change_first[row.ref]
        self._oldest_change_first[row.ref] = None

    def remove(self, row: Row, generation: int) -> None:
        del self.rows[row.ref]
        del self._oldest_change_first[row.ref]
        self._unindex(row)
        self.deletions.append(Deletion(generation, row.created, row.ref))

    def clear(self) -> None:
        """Forgets everything, deletions too."""
        self.rows.clear()
        self.by_uuid.clear()
        self.by_name.clear()
        self.deletions.clear()
        self._oldest_change_first.clear()

    def changed_since(self, generation: int) -> Iterator[Row]:
        """Rows whose last change is newer, newest first."""
        for ref in reversed(self._oldest_change_first):
            row = self.rows[ref]
            if row.modified <= generation:
                return
            yield row

    def deleted_since(self, generation: int) -> Iterator[Deletion]:
        """Objects that a watcher at that generation knew and that are gone, newest first."""
        for deletion in reversed(self.deletions):
            if deletion.generation <= generation:
                return
            if deletion.created <= generation:
                yield deletion

    def _index(self, row: Row) -> None:
        if uuid := row.fields.get("uuid"):
            self.by_uuid[uuid] = row.ref
        if name := row.fields.get("name_label"):
            self.by_name.setdefault(name, {})[row.ref] = None

    def _unindex(self, row: Row) -> None:
        if self.by_uuid.get(row.fields.get("uuid", "")) == row.ref:
            del self.by_uuid[row.fields["uuid"]]
        same_name = self.by_name.get(row.fields.get("name_label", ""), {})
        same_name.pop(row.ref, None)
