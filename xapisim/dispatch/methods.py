"""Every method name XAPI knows, with its parameters and, where the simulator models it, its
implementation.
"""

import functools
import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from xapisim.classes import (
    advice_calls,
    checkpoints,
    device_calls,
    evacuation,
    event_calls,
    guest_requests,
    host_calls,
    host_power,
    network_calls,
    plugins,
    pool_calls,
    power,
    reset,
    session_calls,
    small_calls,
    snapshots,
    sr_calls,
    storage_calls,
    suspension,
    task_calls,
    vdi_calls,
    vm_calls,
    vm_resources,
)
from xapisim.classes.call import Handler
from xapisim.classes.ha import calls as ha_calls
from xapisim.classes.membership import calls as membership_calls
from xapisim.classes.membership import eject, join
from xapisim.classes.migration import calls as migration_calls
from xapisim.classes.xenmotion import calls as xenmotion_calls
from xapisim.dispatch import accessors
from xapisim.dispatch.unmarshal import Reader, reader
from xapisim.schema.load import schema
from xapisim.schema.model import Class, Field, Message, Param, Schema
from xapisim.schema.types import Type
from xapisim.values import Value

_STRING = Type("string")
_MADE_AND_DESTROYED = frozenset({"create", "destroy"})
"""Generic calls that have an asynchronous form."""
_MODELLED: dict[str, Handler] = {
    **session_calls.METHODS,
    **task_calls.METHODS,
    **event_calls.METHODS,
    **vm_calls.METHODS,
    **vm_resources.METHODS,
    **guest_requests.METHODS,
    **host_calls.METHODS,
    **host_power.METHODS,
    **network_calls.METHODS,
    **storage_calls.METHODS,
    **sr_calls.METHODS,
    **small_calls.METHODS,
    **vdi_calls.METHODS,
    **device_calls.METHODS,
    **xenmotion_calls.METHODS,
    **pool_calls.METHODS,
    **advice_calls.METHODS,
    **evacuation.METHODS,
    **reset.METHODS,
    **membership_calls.METHODS,
    **ha_calls.METHODS,
}
_OPERATIONS: dict[str, Handler] = {
    **power.OPERATIONS,
    **suspension.OPERATIONS,
    **evacuation.OPERATIONS,
    **plugins.OPERATIONS,
    **snapshots.OPERATIONS,
    **checkpoints.OPERATIONS,
    **sr_calls.OPERATIONS,
    **vdi_calls.OPERATIONS,
    **migration_calls.OPERATIONS,
    **xenmotion_calls.OPERATIONS,
    **membership_calls.OPERATIONS,
    **host_power.OPERATIONS,
    **ha_calls.OPERATIONS,
    **join.OPERATIONS,
    **eject.OPERATIONS,
}
"""Calls that take time: each runs in a task of its own, also when it is called synchronously."""


@dataclass(frozen=True, slots=True)
class Method:
    """`handler` is None for a call that XAPI has and the simulator does not model."""

    name: str
    readers: tuple[Reader, ...]
    defaults: tuple[Value, ...]
    """For the optional parameters, which come last."""
    needs_session: bool
    has_async: bool
    handler: Handler | None
    waits: bool
    is_operation: bool
    removed: bool

    @property
    def required(self) -> int:
        return len(self.readers) - len(self.defaults)


@functools.cache
def table() -> dict[str, Method]:
    """By name, and by its alias with `_` for the dot: `VM_get_record`."""
    described = schema()
    methods = {}
    for class_ in described.classes.values():
        for method in _methods(class_, described):
            methods[method.name] = method
            methods[method.name.replace(".", "_", 1)] = method
    return methods


def names() -> list[str]:
    """What system.listMethods answers: the names with a dot."""
    return [name for name in table() if "." in name] + list(internal_names())


@functools.cache
def internal_names() -> tuple[str, ...]:
    """Calls that XAPI lists and describes nowhere: no client has a use for them."""
    data = resources.files("xapisim.schema") / "data" / "internal.toml"
    described: dict[str, list[str]] = tomllib.loads(data.read_text("utf-8"))
    return tuple(f"{name}.{call}" for name, calls in described.items() for call in calls)


def unmodelled() -> list[str]:
    return [method.name for method in table().values() if method.handler is None]


def _methods(class_: Class, described: Schema) -> Iterator[Method]:
    generic: dict[str, Handler] = {}
    signatures: dict[str, tuple[Param, ...]] = {}
    _add_queries(class_, generic, signatures)
    _add_fields(class_, generic, signatures)
    for message in class_.messages.values():
        yield _method(class_, message, generic, described)
    for name, params in signatures.items():
        if name not in class_.messages:
            message = Message(name, params, _STRING, False, True, class_.removed)
            yield _method(class_, message, generic, described)


def _add_queries(
    class_: Class, generic: dict[str, Handler], signatures: dict[str, tuple[Param, ...]]
) -> None:
    calls = accessors.queries(class_)
    has = set()
    if class_.accessors and class_.fields:
        has |= {"get_record"} | class_.implicit
    if "get_all" in has:
        has |= {"get_all_records", "get_all_where", "get_all_records_where"}
    if class_.name == "message":
        has.add("get_all_records_where")
    generic.update(calls)
    for name in has:
        signatures[name] = () if name in ("get_all", "get_all_records") else (_param(_STRING),)
        if name == "create":
            signatures[name] = (_param(Type("record", name=class_.name)),)


def _add_fields(
    class_: Class, generic: dict[str, Handler], signatures: dict[str, tuple[Param, ...]]
) -> None:
    """Getters for all fields, setters for those that clients may write.

    A setter that XAPI implements by hand, because it does more, is served by the generic one too.
    """
    for field in class_.fields.values():
        generic[f"get_{field.name}"] = accessors.getter(class_, field)
        if class_.accessors:
            signatures[f"get_{field.name}"] = (_param(_STRING),)
        for name, handler in accessors.setters(class_, field).items():
            generic[name] = handler
            if field.writable and class_.accessors:
                signatures[name] = _setter_params(name, field)


def _setter_params(name: str, field: Field) -> tuple[Param, ...]:
    me = _param(_STRING)
    if name.startswith("set_"):
        return (me, _param(field.type))
    if name.startswith("add_to_"):
        return (me, _param(field.type.key_type), _param(field.type.value_type))
    if name.startswith("remove_from_"):
        return (me, _param(field.type.key_type))
    return (me, _param(field.type.value_type))


def _param(declared: Type) -> Param:
    return Param("", declared, required=True, default=None)


def _method(
    class_: Class, message: Message, generic: dict[str, Handler], described: Schema
) -> Method:
    name = f"{class_.name}.{message.name}"
    handler = _MODELLED.get(name) or _OPERATIONS.get(name) or _fitting(generic, message)
    field = class_.fields.get(message.name.removeprefix("get_"))
    gone = message.name.startswith("get_") and field is not None and field.removed
    return Method(
        name=name,
        readers=tuple(reader(param.type, described) for param in message.params),
        defaults=tuple(param.default for param in message.params if not param.required),
        needs_session=message.needs_session,
        has_async=message.has_async or message.name in _MADE_AND_DESTROYED & class_.implicit,
        handler=handler,
        waits=inspect.iscoroutinefunction(handler),
        is_operation=name in _OPERATIONS,
        removed=message.removed or class_.removed or gone,
    )


def _fitting(generic: dict[str, Handler], message: Message) -> Handler | None:
    """The generic call of that name, unless the declared parameters are others."""
    handler = generic.get(message.name)
    if handler is None:
        return None
    wanted = len(inspect.signature(handler).parameters) - 1
    return handler if wanted == len(message.params) else None
