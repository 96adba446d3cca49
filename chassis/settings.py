"""Settings: a dataclass a program, filled from a TOML file and the environment.

A key that nobody reads is a mistake of whoever wrote it, so it stops the start with file and key.
"""

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

PREFIX = "XENFERRY_"

SettingsT = TypeVar("SettingsT")


class SettingsError(Exception):
    """A settings file or variable that can't be used; its text names file and key."""


def load(
    kind: type[SettingsT], file: Path | None, environment: Mapping[str, str] = os.environ
) -> SettingsT:
    """Return settings of a dataclass `kind` (nested ones are TOML tables).

    Environment variables override the file: `[xapi] url` is XENFERRY_XAPI_URL.
    Raises SettingsError.
    """
    values = _read(file) if file else {}
    place = str(file) if file else "the settings"
    return typing.cast(SettingsT, _build(kind, values, place, "", environment))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error


def _build(
    kind: type[Any],
    values: Mapping[str, Any],
    place: str,
    path: str,
    environment: Mapping[str, str],
) -> Any:
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise SettingsError(f"{place}: unknown key {path}{key} (known here: {known})")
    given: dict[str, Any] = {}
    for name, field in fields.items():
        key, hint = f"{path}{name}", hints[name]
        variable = PREFIX + key.upper().replace(".", "_")
        if dataclasses.is_dataclass(hint):
            table = _table(values.get(name, {}), place, key)
            given[name] = _build(typing.cast(type[Any], hint), table, place, f"{key}.", environment)
        elif variable in environment:
            given[name] = _parse(environment[variable], hint, f"the environment: {variable}")
        elif name in values:
            given[name] = _checked(values[name], hint, f"{place}: {key}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{place}: {key} is missing (or set {variable})")
    return _construct(kind, given, place, path)


def _construct(kind: type[Any], given: Mapping[str, Any], place: str, path: str) -> Any:
    try:
        return kind(**given)
    except ValueError as error:  # a settings class refuses in __post_init__
        raise SettingsError(f"{place}: {path or 'settings'}: {error}") from error


def _table(value: Any, place: str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{place}: {key} must be a table, not {value!r}")
    return value


def _plain(hint: Any) -> Any:
    """Return the type behind `X | None`."""
    if isinstance(hint, types.UnionType):
        return next(arg for arg in typing.get_args(hint) if arg is not types.NoneType)
    return hint


def _checked(value: Any, hint: Any, place: str) -> Any:
    wanted = _plain(hint)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if typing.get_origin(wanted) is tuple and isinstance(value, list):
        return tuple(_checked(item, typing.get_args(wanted)[0], place) for item in value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise SettingsError(f"{place} must be {_describe(wanted)}, not {value!r}")
    return value


def _parse(text: str, hint: Any, place: str) -> Any:
    wanted = _plain(hint)
    if typing.get_origin(wanted) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if wanted is bool:
        if text.lower() not in ("true", "false"):
            raise SettingsError(f"{place} must be true or false, not {text!r}")
        return text.lower() == "true"
    try:
        return wanted(text)
    except ValueError as error:
        raise SettingsError(f"{place} must be {_describe(wanted)}, not {text!r}") from error


def _describe(wanted: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return names.get(wanted, "a path" if wanted is Path else "a list of texts")
