"""Reads the schema files: one line a field (`RW string = ""`), one line a message (`(vm: ref VM)
-> void async`).
"""

import functools
import json
import tomllib
from importlib import resources

from xapisim.schema.model import Class, Field, Message, Param, Relation, Schema
from xapisim.schema.types import Type, TypeReader, zero
from xapisim.values import NULL, DateTime, Value

_JOINED_PREFIXES = ("name", "memory", "VCPUs", "actions", "PV", "HVM", "qos", "io", "API_version")
"""Groups of fields whose database columns are joined by two underscores."""
_NOT_JOINED = {"VM_guest_metrics", "pool"}


@functools.cache
def schema() -> Schema:
    data = resources.files("xapisim.schema") / "data"
    enums = {
        name: tuple(values)
        for name, values in tomllib.loads((data / "enums.toml").read_text("utf-8")).items()
    }
    pairs = tomllib.loads((data / "relations.toml").read_text("utf-8"))
    classes = {}
    for name in pairs.pop("order"):
        described = tomllib.loads((data / f"{name}.toml").read_text("utf-8"))
        classes[name] = _class(described, enums)
    relations = tuple(_relation(one, many) for one, many in pairs["one_to_many"].items())
    return Schema(classes, enums, relations)


def _relation(one: str, many: str) -> Relation:
    one_class, _, one_field = one.partition(".")
    many_class, _, many_field = many.partition(".")
    return Relation(one_class, one_field, many_class, many_field)


def _class(described: dict[str, Value], enums: dict[str, tuple[str, ...]]) -> Class:
    name = described["name"]
    fields = described.get("fields", {})
    hidden = described.get("hidden", {})
    messages = described.get("messages", {}) | hidden
    return Class(
        name=name,
        fields={field: _field(name, field, line, enums) for field, line in fields.items()},
        messages={message: _message(message, line) for message, line in messages.items()},
        implicit=frozenset(described["implicit"]),
        hidden=frozenset(hidden),
        accessors=described.get("accessors", True),
        removed=described.get("removed", False),
    )


def _field(class_name: str, name: str, line: str, enums: dict[str, tuple[str, ...]]) -> Field:
    reader = TypeReader(line)
    qualifier = reader.word()
    declared = reader.type()
    has_default = reader.accept("=")
    default = _literal(reader, declared) if has_default else zero(declared, enums)
    removed = reader.accept("removed")
    column = _column(class_name, name)
    return Field(name, qualifier, declared, default, has_default, removed, column)


def _column(class_name: str, name: str) -> str:
    for prefix in _JOINED_PREFIXES:
        if name.startswith(f"{prefix}_") and class_name not in _NOT_JOINED:
            return f"{prefix}__{name[len(prefix) + 1 :]}"
    return name


def _message(name: str, line: str) -> Message:
    reader = TypeReader(line)
    reader.expect("(")
    params: list[Param] = []
    while not reader.accept(")"):
        if params:
            reader.expect(",")
        params.append(_param(reader))
    reader.expect("->")
    result = reader.type()
    has_async = reader.accept("async")
    sessionless = reader.accept("sessionless")
    return Message(
        name, tuple(params), result, has_async, not sessionless, reader.accept("removed")
    )


def _param(reader: TypeReader) -> Param:
    name = reader.word()
    reader.expect(":")
    declared = reader.type()
    if reader.accept("="):
        return Param(name, declared, required=False, default=_literal(reader, declared))
    return Param(name, declared, required=True, default=None)


def _literal(reader: TypeReader, declared: Type) -> Value:
    reader.skip_blanks()
    value, reader.at = json.JSONDecoder().raw_decode(reader.text, reader.at)
    if declared.kind == "ref" and value is None:
        return NULL
    if declared.kind == "datetime":
        return DateTime(value)
    return float(value) if declared.kind == "float" else value
