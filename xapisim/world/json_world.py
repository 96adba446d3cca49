"""Reads a world from a dump of records, `{class: {ref: record}}`, as get_all_records of every class
gives them over JSON-RPC 2.0.

Fields that today's XAPI doesn't know are dropped, those a record lacks take their defaults, and
what was under way when the dump was made is over.
"""

import json
from collections.abc import Callable
from pathlib import Path

from xapisim.errors import WorldError
from xapisim.schema.load import schema
from xapisim.schema.model import Class
from xapisim.schema.types import Type
from xapisim.values import DateTime, Value
from xapisim.world import completion
from xapisim.world.model import World

_PASSING = frozenset({"session", "event"})
"""Classes of which a dump can tell nothing that is still true."""


def read(path: Path, seed: int) -> World:
    """Raises WorldError with file, class, ref and field."""
    try:
        described = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise WorldError(path.name, f"JSON expected: {error}") from error
    world = World(path.name, path.stem, follows_endpoints=False, keeps_operations=True)
    classes = schema().classes
    for name, records in _object(path.name, described).items():
        place = f"{path.name}: {name}"
        if name not in classes:
            world.notes.append(f"class {name} is unknown and was left out")
        elif name not in _PASSING:
            _read_class(world, classes[name], _object(place, records))
    completion.complete(world, {}, seed)
    return world


def _object(place: str, value: Value) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise WorldError(place, f"an object expected, got {value!r:.60}")
    return value


def _read_class(world: World, class_: Class, records: dict[str, Value]) -> None:
    unknown = set()
    for ref, record in records.items():
        place = f"{world.origin}: {class_.name} {ref}"
        fields = _object(place, record)
        unknown |= fields.keys() - class_.fields.keys()
        values = {
            name: _value(f"{place} {name}", class_.fields[name].type, value)
            for name, value in fields.items()
            if name in class_.fields
        }
        if class_.name != "task" and values.get("current_operations"):
            values |= {"current_operations": {}, "allowed_operations": []}
        world.add(class_.name, ref, **values)
    if unknown:
        names = ", ".join(sorted(unknown))
        world.notes.append(f"class {class_.name}: unknown fields were left out: {names}")


def _is_whole(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Value) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_text(value: Value) -> bool:
    return isinstance(value, str)


def _is_flag(value: Value) -> bool:
    return isinstance(value, bool)


_SCALARS: dict[str, tuple[Callable[[Value], bool], Callable[[Value], Value]]] = {
    "int": (_is_whole, int),
    "float": (_is_number, float),
    "bool": (_is_flag, bool),
    "datetime": (_is_text, DateTime),
}


def _value(place: str, declared: Type, value: Value) -> Value:
    if declared.kind == "set":
        if not isinstance(value, list):
            raise WorldError(place, f"a list expected, got {value!r:.60}")
        return [_value(place, declared.value_type, item) for item in value]
    if declared.kind == "map":
        pairs = _object(place, value).items()
        return {key: _value(place, declared.value_type, item) for key, item in pairs}
    fits, convert = _SCALARS.get(declared.kind, (_is_text, str))
    if not fits(value):
        raise WorldError(place, f"{declared.kind} expected, got {value!r:.60}")
    return convert(value)
