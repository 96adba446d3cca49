"""The calls that every class has, made from its schema: getters, setters, queries over all its
objects.
"""

from xapisim.classes import operations
from xapisim.classes.call import Call, Handler
from xapisim.database import query
from xapisim.errors import XapiError
from xapisim.schema.model import Class, Field
from xapisim.values import VOID, Listing, Value


def queries(class_: Class) -> dict[str, Handler]:
    """get_all, get_record and their like; not every class has all of them."""
    return _listings(class_) | _lookups(class_)


def _listings(class_: Class) -> dict[str, Handler]:
    name = class_.name

    def get_all(call: Call) -> Value:
        return call.database.refs(name)

    def get_all_records(call: Call) -> Value:
        return Listing({row.ref: row.view() for row in call.database.rows(name)})

    def get_all_where(call: Call, expression: str) -> Value:
        matches = query.compile_filter(class_, expression)
        return [row.ref for row in call.database.rows(name) if matches(row)]

    def get_all_records_where(call: Call, expression: str) -> Value:
        matches = query.compile_filter(class_, expression)
        rows = [row for row in call.database.rows(name) if matches(row)]
        return Listing({row.ref: row.view() for row in rows})

    return {
        "get_all": get_all,
        "get_all_records": get_all_records,
        "get_all_where": get_all_where,
        "get_all_records_where": get_all_records_where,
    }


def _lookups(class_: Class) -> dict[str, Handler]:
    name = class_.name

    def get_record(call: Call, ref: str) -> Value:
        return call.database.record(name, ref)

    def get_by_uuid(call: Call, uuid: str) -> Value:
        return call.database.by_uuid(name, uuid)

    def get_by_name_label(call: Call, label: str) -> Value:
        return call.database.by_name(name, label)

    return {
        "get_record": get_record,
        "get_by_uuid": get_by_uuid,
        "get_by_name_label": get_by_name_label,
    }


def getter(class_: Class, field: Field) -> Handler:
    class_name, field_name = class_.name, field.name

    def get(call: Call, ref: str) -> Value:
        return call.database.read(class_name, ref, field_name)

    return get


def setters(class_: Class, field: Field) -> dict[str, Handler]:
    """set_, and for maps and sets the calls that change one entry."""
    calls = {f"set_{field.name}": _setter(class_, field)}
    if field.type.kind == "map":
        calls[f"add_to_{field.name}"] = _adder_to_map(class_, field)
        calls[f"remove_from_{field.name}"] = _remover_from_map(class_, field)
    if field.type.kind == "set":
        calls[f"add_{field.name}"] = _adder_to_set(class_, field)
        calls[f"remove_{field.name}"] = _remover_from_set(class_, field)
    return calls


def _write(call: Call, class_: Class, field: Field, ref: str, value: Value) -> Value:
    call.database.write(class_.name, ref, {field.name: value})
    if class_.name == "VM" and field.name == "blocked_operations":
        operations.refresh(call.pool, ref)
    return VOID


def _setter(class_: Class, field: Field) -> Handler:
    def set_(call: Call, ref: str, value: Value) -> Value:
        return _write(call, class_, field, ref, value)

    return set_


def _adder_to_map(class_: Class, field: Field) -> Handler:
    def add(call: Call, ref: str, key: str, value: Value) -> Value:
        current = call.database.read(class_.name, ref, field.name)
        if key in current:
            raise XapiError("MAP_DUPLICATE_KEY", class_.name, field.name, ref, key)
        return _write(call, class_, field, ref, {**current, key: value})

    return add


def _remover_from_map(class_: Class, field: Field) -> Handler:
    """Removing what is absent changes nothing, and is no error."""

    def remove(call: Call, ref: str, key: str) -> Value:
        current = call.database.read(class_.name, ref, field.name)
        if key not in current:
            return VOID
        left = {name: value for name, value in current.items() if name != key}
        return _write(call, class_, field, ref, left)

    return remove


def _adder_to_set(class_: Class, field: Field) -> Handler:
    def add(call: Call, ref: str, value: Value) -> Value:
        current = call.database.read(class_.name, ref, field.name)
        if value in current:
            return VOID
        return _write(call, class_, field, ref, [value, *current])

    return add


def _remover_from_set(class_: Class, field: Field) -> Handler:
    def remove(call: Call, ref: str, value: Value) -> Value:
        current = call.database.read(class_.name, ref, field.name)
        if value not in current:
            return VOID
        return _write(call, class_, field, ref, [item for item in current if item != value])

    return remove
