"""Which calls and fields a pool's release has: those that came with a later one are unknown there.

The release is that of the coordinator's software_version; calls older than XenServer 6.0 are in
all of them, and a pool that doesn't say what it is has everything.
"""

import functools
import tomllib
from importlib import resources

from xapisim.schema.load import schema
from xapisim.values import Value

_BY_PRODUCT: dict[tuple[int, ...], str] = {
    (6, 0): "",
    (6, 1): "tampa",
    (6, 2): "clearwater",
    (6, 5): "creedence",
    (7, 0): "dundee",
    (7, 1): "ely",
    (7, 2): "falcon",
    (7, 3): "inverness",
    (7, 4): "jura",
    (7, 5): "kolkata",
    (7, 6): "lima",
    (8, 0): "naples",
    (8, 1): "quebec",
    (8, 2): "stockholm",
}
_FIRST = -1
"""The rank of XenServer 6.0."""
_TAMPA_PREVIEW = (6, 0, 50)


def has(software: dict[str, str], call: str) -> bool:
    """Whether a pool of this software_version knows `Class.method`."""
    rank = _rank(software.get("product_version", ""), software.get("xapi_build", ""))
    dated, class_name = _dated("calls"), call.partition(".")[0]
    return all(dated.get(name, rank) <= rank for name in (call, f"{class_name}.get_record"))


def had_removed(software: dict[str, str], call: str) -> bool:
    """Whether a call that is removed today is none there yet: its release still answered it."""
    removed = _dated("removed").get(call)
    if removed is None:
        return False
    return removed > _rank(software.get("product_version", ""), software.get("xapi_build", ""))


def later_fields(software: dict[str, str]) -> dict[str, frozenset[str]]:
    """By class, the fields that its records don't have: those whose getters came later."""
    return {
        class_.name: frozenset(
            name for name in class_.fields if not has(software, f"{class_.name}.get_{name}")
        )
        for class_ in schema().classes.values()
    }


def later_classes(software: dict[str, str]) -> frozenset[str]:
    """The classes that came later as a whole."""
    return frozenset(name for name in schema().classes if not has(software, f"{name}.get_record"))


@functools.cache
def _data() -> dict[str, Value]:
    path = resources.files("xapisim.schema") / "data" / "releases.toml"
    return tomllib.loads(path.read_text("utf-8"))


@functools.cache
def _dated(table: str) -> dict[str, int]:
    order: list[str] = _data()["order"]
    return {
        f"{class_}.{call}": order.index(release)
        for class_, releases in _data()[table].items()
        for release, calls in releases.items()
        for call in calls
    }


@functools.cache
def _rank(product: str, build: str) -> int:
    """Today's products go by the number of their XAPI, older ones by their own."""
    order: list[str] = _data()["order"]
    version = _numbers(product)
    if version[:2] in _BY_PRODUCT:
        name = "tampa" if (6, 1) > version >= _TAMPA_PREVIEW else _BY_PRODUCT[version[:2]]
        return order.index(name) if name else _FIRST
    known = [rank for rank, name in enumerate(order) if name[0].isdigit()]
    reached = [rank for rank in known if build and _numbers(order[rank]) <= _numbers(build)]
    return max(reached, default=len(order))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split(".") if word.isdigit())
