"""The database of one pool: reads, writes and deletions, each with its generation and both ends of
relations.
"""

from collections.abc import Callable, Iterable

from xapisim.database.table import Row, Table
from xapisim.errors import handle_invalid, uuid_invalid
from xapisim.schema.model import Relation, Schema
from xapisim.values import NULL, Record, Value

SILENT = frozenset({"session", "user"})
"""Classes whose changes make no events."""

Watcher = Callable[[str], None]
"""Called with the class name after every change of one of its objects."""


class Database:
    """Every write is one generation; nothing here waits, so several writes in a row are seen
    together.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.generation = 1
        self.population = 0
        """Changes whenever an object comes or goes."""
        self.tables = {name: Table(class_) for name, class_ in schema.classes.items()}
        self.watchers: list[Watcher] = []
        self._to_many: dict[str, list[Relation]] = {}
        self._from_many: dict[str, list[Relation]] = {}
        self._dangling: dict[tuple[Relation, str], dict[str, None]] = {}
        """Who points at a ref that isn't there, or not yet."""
        for relation in schema.relations:
            self._to_many.setdefault(relation.one_class, []).append(relation)
            self._from_many.setdefault(relation.many_class, []).append(relation)

    def has(self, class_name: str, ref: str) -> bool:
        return ref in self.tables[class_name].rows

    def row(self, class_name: str, ref: str) -> Row:
        """Raises HANDLE_INVALID."""
        row = self.tables[class_name].rows.get(ref)
        if row is None:
            raise handle_invalid(class_name, ref)
        return row

    def read(self, class_name: str, ref: str, field: str) -> Value:
        return self.row(class_name, ref).fields[field]

    def record(self, class_name: str, ref: str) -> Record:
        return self.row(class_name, ref).snapshot()

    def rows(self, class_name: str) -> Iterable[Row]:
        return self.tables[class_name].rows.values()

    def refs(self, class_name: str) -> list[str]:
        return list(self.tables[class_name].rows)

    def by_uuid(self, class_name: str, uuid: str) -> str:
        """Raises UUID_INVALID."""
        ref = self.tables[class_name].by_uuid.get(uuid)
        if ref is None:
            raise uuid_invalid(class_name, uuid)
        return ref

    def by_name(self, class_name: str, name_label: str) -> list[str]:
        return list(self.tables[class_name].by_name.get(name_label, ()))

    def insert(self, class_name: str, ref: str, fields: dict[str, Value]) -> str:
        """Adds an object; fields nobody gave take the schema's defaults, lists of relations come
        from the other side.
        """
        table = self.tables[class_name]
        complete: dict[str, Value] = {
            name: fields.get(name, field.default) for name, field in table.class_.fields.items()
        }
        for relation in self._from_many.get(class_name, ()):
            complete[relation.many_field] = list(self._dangling.pop((relation, ref), ()))
        self.generation += 1
        self.population += 1
        table.add(Row(ref, complete, self.generation, self.generation))
        for relation in self._to_many.get(class_name, ()):
            self._link(relation, complete[relation.one_field], ref)
        self.announce(class_name)
        return ref

    def update(self, class_name: str, ref: str, /, **values: Value) -> None:
        self.write(class_name, ref, values)

    def write(self, class_name: str, ref: str, values: dict[str, Value]) -> None:
        row = self.row(class_name, ref)
        for relation in self._to_many.get(class_name, ()):
            target: str | None = values.get(relation.one_field)
            if target is not None and target != row.fields[relation.one_field]:
                self._unlink(relation, row.fields[relation.one_field], ref)
                self._link(relation, target, ref)
        self.generation += 1
        self.tables[class_name].change(row, values, self.generation)
        self.announce(class_name)

    def delete(self, class_name: str, ref: str) -> None:
        row = self.row(class_name, ref)
        for relation in self._to_many.get(class_name, ()):
            self._unlink(relation, row.fields[relation.one_field], ref)
        for relation in self._from_many.get(class_name, ()):
            pointing = row.fields[relation.many_field]
            if pointing:
                self._dangling[relation, ref] = dict.fromkeys(pointing)
        self.generation += 1
        self.population += 1
        self.tables[class_name].remove(row, self.generation)
        self.announce(class_name)

    def touch(self, class_name: str, ref: str) -> None:
        """Makes a `mod` event without a change."""
        self.write(class_name, ref, {})

    def counts(self) -> dict[str, int]:
        tables = [table for table in self.tables.values() if not table.absent]
        return {table.class_.wire_name: len(table.rows) for table in tables}

    def hide(self, fields: dict[str, frozenset[str]], classes: frozenset[str]) -> None:
        """Nothing that is added from here on shows these; said of a database that is empty."""
        for name, table in self.tables.items():
            table.hidden = fields[name]
            table.absent = name in classes

    def hide_like(self, other: "Database") -> None:
        """What another database of the same release doesn't show."""
        for name, table in self.tables.items():
            table.hidden = other.tables[name].hidden
            table.absent = other.tables[name].absent

    def _link(self, relation: Relation, target: str, ref: str) -> None:
        many = self.tables[relation.many_class].rows.get(target)
        if many is None:
            if target != NULL:
                self._dangling.setdefault((relation, target), {})[ref] = None
        elif ref not in many.fields[relation.many_field]:
            self._set_many(relation, many, [ref, *many.fields[relation.many_field]])

    def _unlink(self, relation: Relation, target: str, ref: str) -> None:
        many = self.tables[relation.many_class].rows.get(target)
        if many is None:
            self._dangling.get((relation, target), {}).pop(ref, None)
        else:
            left = [other for other in many.fields[relation.many_field] if other != ref]
            self._set_many(relation, many, left)

    def _set_many(self, relation: Relation, many: Row, refs: list[str]) -> None:
        self.generation += 1
        table = self.tables[relation.many_class]
        table.change(many, {relation.many_field: refs}, self.generation)
        self.announce(relation.many_class)

    def announce(self, class_name: str) -> None:
        if class_name not in SILENT:
            for watcher in self.watchers:
                watcher(class_name)
