"""Reads XAPI's XML-RPC replies.

The standard library's reader calls Python for every tag; a pool's dump has hundreds of thousands.
This one lets C build the tree, and reads of a record only the fields that are asked for: of a
VM's hundred the agent uses some twenty.
"""

import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET


def decode(body: bytes) -> Any:
    """Return the value of a methodResponse; dates stay texts, untagged integers too (XAPI A2).

    Raises xmlrpc.client.Fault for a fault, and ValueError for what is no methodResponse.
    """
    try:
        root = ET.XML(body)
    except ET.ParseError as error:
        raise ValueError(f"the reply is not XML: {error}") from error
    value = root.find("./params/param/value")
    if value is not None:
        told = _value(value)
        # The library itself reads the reply to a login, and wants a dict.
        return dict(told) if isinstance(told, Struct) else told
    fault = root.find("./fault/value")
    if fault is None:
        raise ValueError("the reply is no methodResponse")
    told = _value(fault)
    raise xmlrpc.client.Fault(told.get("faultCode", 0), told.get("faultString", ""))


def _value(element: ET.Element) -> Any:
    if not len(element):
        return element.text or ""
    child = element[0]
    read = _READERS.get(child.tag)
    return read(child) if read else child.text or ""


class Struct(Mapping[str, Any]):
    """A struct whose members are read when they are looked at; `dict` reads all."""

    __slots__ = ("_members",)

    def __init__(self, element: ET.Element) -> None:
        self._members = {member[0].text or "": member[1] for member in element}

    def __getitem__(self, name: str) -> Any:
        """Return a member's value."""
        return _value(self._members[name])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return how many members there are."""
        return len(self._members)


def _array(element: ET.Element) -> list[Any]:
    return [_value(value) for value in element[0]]


def _nothing(element: ET.Element) -> None:
    del element


_READERS: Mapping[str, Callable[[ET.Element], Any]] = {
    "struct": Struct,
    "array": _array,
    "boolean": lambda element: element.text == "1",
    "double": lambda element: float(element.text or 0),
    "int": lambda element: int(element.text or 0),
    "i4": lambda element: int(element.text or 0),
    "i8": lambda element: int(element.text or 0),
    "nil": _nothing,
}
