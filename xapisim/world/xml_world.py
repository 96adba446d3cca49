"""Reads a world from the database file of a real XAPI, old releases included.

Fields that today's XAPI doesn't know are dropped, those it lacks take their defaults, and lists of
relations are rebuilt from the side that points.
"""

from collections.abc import Callable
from pathlib import Path

from xapisim.errors import WorldError
from xapisim.schema.load import schema
from xapisim.schema.model import Class, Field
from xapisim.schema.types import Type
from xapisim.values import NULL, DateTime, Value
from xapisim.world import completion, dump, sexpr
from xapisim.world.model import World

_TRUE_FALSE = {"true": True, "false": False}
_SCALARS: dict[str, Callable[[str], Value]] = {
    "int": int,
    "float": float,
    "bool": lambda text: _TRUE_FALSE[text],
    "datetime": DateTime,
    "ref": lambda text: text or NULL,
}


def read(path: Path, seed: int) -> World:
    """Raises WorldError with file, table and row."""
    database = dump.read(path)
    world = World(path.name, path.stem, follows_endpoints=False)
    world.generation = database.generation
    classes = schema().classes
    for name, rows in database.tables.items():
        if name in classes:
            _read_table(world, classes[name], rows)
        elif rows:
            world.notes.append(f"table {name} is unknown and was left out ({len(rows)} rows)")
    completion.complete(world, completion.boot_free_bytes(database), seed)
    return world


def _read_table(world: World, class_: Class, rows: list[dict[str, str]]) -> None:
    fields = {field.column: field for field in class_.fields.values()}
    fields |= class_.fields
    for row in rows:
        ref = row.get("ref") or row.get("_ref")
        if not ref:
            raise WorldError(f"{world.origin}: table {class_.name}", "a row without ref")
        values = {}
        for column, text in row.items():
            field = fields.get(column)
            if field is not None:
                values[field.name] = _read_field(world, class_, ref, field, text)
        world.add(class_.name, ref, **values)


def _read_field(world: World, class_: Class, ref: str, field: Field, text: str) -> Value:
    try:
        return _value(field.type, sexpr.unprotect(text))
    except (ValueError, KeyError) as error:
        place = f"{world.origin}: table {class_.name} row {ref} field {field.column}"
        raise WorldError(place, f"{_described(field.type)} expected, got {text!r}") from error


def _described(declared: Type) -> str:
    return f"{declared.kind} {declared.name}".strip()


def _value(declared: Type, text: str) -> Value:
    if declared.kind == "set":
        return [_value(declared.value_type, item) for item in sexpr.parse_set(text)]
    if declared.kind == "map":
        pairs = sexpr.parse_map(text)
        return {key: _value(declared.value_type, item) for key, item in pairs.items()}
    return _SCALARS.get(declared.kind, str)(text)
