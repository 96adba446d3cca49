"""Frozen model values to JSON and back, from their dataclass fields alone.

A value that was written before a field existed reads back with the field's default, so an added
optional field needs no migration of the schema.
"""

import base64
import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

ValueT = TypeVar("ValueT")

_TEXTS: Mapping[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    bytes: base64.b64decode,
}
_KNOWN: dict[Any, Mapping[str, Callable[[Any], Any]]] = {}


def pack(value: Any) -> Any:
    """Return what json takes: dataclasses become objects, tuples lists, the rest its text."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return [pack(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return {name: pack(getattr(value, name)) for name in _names(type(value))}


def unpack(kind: type[ValueT], data: Mapping[str, Any]) -> ValueT:
    """Return the dataclass that `pack` made these data from; keys it does not know are left."""
    converters = _converters(kind)
    given = {key: converters[key](value) for key, value in data.items() if key in converters}
    return kind(**given)


def unpack_all(kind: type[ValueT], data: list[Mapping[str, Any]]) -> tuple[ValueT, ...]:
    """Return the dataclasses that `pack` made a list from."""
    return tuple(unpack(kind, item) for item in data)


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(_converters(kind))


def _converters(kind: Any) -> Mapping[str, Callable[[Any], Any]]:
    known = _KNOWN.get(kind)
    if known is None:
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(kind)
        known = _KNOWN[kind] = {field.name: _converter(hints[field.name]) for field in fields}
    return known


def _converter(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, types.UnionType):
        inner = _converter(next(a for a in typing.get_args(hint) if a is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if typing.get_origin(hint) is tuple:
        item = _converter(typing.get_args(hint)[0])
        return lambda values: tuple(item(value) for value in values)
    if hint in _TEXTS:
        return _TEXTS[hint]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if dataclasses.is_dataclass(hint):
        return lambda value: unpack(typing.cast(type[Any], hint), value)
    return lambda value: value
