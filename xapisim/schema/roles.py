"""Who may send which call: each role may do what those before it may, and more."""

import functools
import tomllib
from importlib import resources
from typing import Any


@functools.cache
def names() -> tuple[str, ...]:
    """From the one that may least."""
    return tuple(_data()["order"])


def may(role: str, call: str) -> bool:
    """Whether the role is enough for `Class.method`; what the data doesn't list only reads."""
    return names().index(role) >= _lowest().get(call, 0)


@functools.cache
def _data() -> dict[str, Any]:
    path = resources.files("xapisim.schema") / "data" / "roles.toml"
    return tomllib.loads(path.read_text("utf-8"))


@functools.cache
def _lowest() -> dict[str, int]:
    return {
        f"{class_}.{call}": names().index(role)
        for role, classes in _data().items()
        if role != "order"
        for class_, calls in classes.items()
        for call in calls
    }
