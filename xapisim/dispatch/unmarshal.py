"""Turns parameters as they came in into values of their declared types; errors read as XAPI's."""

from collections.abc import Callable

from xapisim.errors import XapiError, internal
from xapisim.schema.model import Class, Schema
from xapisim.schema.types import Type
from xapisim.values import DateTime, Value

Reader = Callable[[Value], Value]


def _wrong(expected: str, value: Value) -> XapiError:
    return internal(f"Failure(\"Expected {expected}, got '{printed(value)}'\")")


def printed(value: Value) -> str:
    """A value as XAPI's error texts show it."""
    for kind, show in _PRINTERS:
        if isinstance(value, kind):
            return show(value)
    return "N" if value is None else f"S({value})"


def _printed_dict(value: dict[str, Value]) -> str:
    pairs = (f"{key}:{printed(item)}" for key, item in value.items())
    return f"{{{';'.join(pairs)}}}"


_PRINTERS: tuple[tuple[type, Callable[[Value], str]], ...] = (
    (bool, lambda value: f"B({'true' if value else 'false'})"),
    (int, lambda value: f"I({value})"),
    (float, lambda value: f"F({value:g})"),
    (DateTime, lambda value: f"D({value})"),
    (list, lambda value: f"[{';'.join(printed(item) for item in value)}]"),
    (dict, _printed_dict),
)


def read_string(value: Value) -> Value:
    if type(value) is not str:
        raise _wrong("string", value)
    return value


def read_int(value: Value) -> Value:
    """XAPI takes a number or a decimal text."""
    if type(value) is int:
        return value
    try:
        return int(value) if type(value) is str else _raise(_wrong("int", value))
    except ValueError as error:
        raise internal('Failure("Int64.of_string")') from error


def read_float(value: Value) -> Value:
    if type(value) in (float, int):
        return float(value)
    try:
        return float(value) if type(value) is str else _raise(_wrong("float", value))
    except ValueError as error:
        raise internal('Failure("float_of_string")') from error


def read_bool(value: Value) -> Value:
    """Only a boolean: a text that says true is refused."""
    if type(value) is not bool:
        raise _wrong("bool", value)
    return value


def read_datetime(value: Value) -> Value:
    if not isinstance(value, str):
        raise _wrong("datetime", value)
    return DateTime(value)


def read_anything(value: Value) -> Value:
    return value


def _raise(error: XapiError) -> Value:
    raise error


_PLAIN: dict[str, Reader] = {
    "string": read_string,
    "ref": read_string,
    "int": read_int,
    "float": read_float,
    "bool": read_bool,
    "datetime": read_datetime,
}


def reader(declared: Type, schema: Schema) -> Reader:
    """The function that reads one parameter of this type."""
    plain = _PLAIN.get(declared.kind)
    if plain is not None:
        return plain
    if declared.kind == "enum":
        return _enum(schema.enums[declared.name])
    if declared.kind == "set":
        return _set(reader(declared.value_type, schema))
    if declared.kind == "map":
        return _map(reader(declared.key_type, schema), reader(declared.value_type, schema))
    if declared.kind == "record" and declared.name in schema.classes:
        return _record(schema.classes[declared.name], schema)
    return read_anything


def _enum(words: tuple[str, ...]) -> Reader:
    known = frozenset(words)

    def read(value: Value) -> Value:
        if read_string(value) not in known:
            raise internal('Failure("Unknown tag/contents")')
        return value

    return read


def _set(item: Reader) -> Reader:
    def read(value: Value) -> Value:
        if not isinstance(value, list):
            raise internal(f"Failure(\"Expecting Rpc.Enum, but found '{printed(value)}'\")")
        return [item(member) for member in value]

    return read


def _map(key: Reader, item: Reader) -> Reader:
    def read(value: Value) -> Value:
        if not isinstance(value, dict):
            raise _wrong("dict", value)
        return {str(key(name)): item(member) for name, member in value.items()}

    return read


def _record(class_: Class, schema: Schema) -> Reader:
    """The fields a constructor takes; what has no default must be there."""
    fields = {
        field.name: (reader(field.type, schema), field.has_default)
        for field in class_.fields.values()
        if field.qualifier != "RO/runtime"
    }

    def read(value: Value) -> Value:
        if not isinstance(value, dict):
            raise _wrong("dict", value)
        for name, (_, has_default) in fields.items():
            if name not in value and not has_default:
                raise internal(f'Server_helpers.Dispatcher_FieldNotFound("{name}")')
        return {name: fields[name][0](item) for name, item in value.items() if name in fields}

    return read
