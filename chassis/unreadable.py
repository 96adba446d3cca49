"""Requests that are no message of the type that an RPC takes: gRPC itself answers UNKNOWN to them.

They are let in as what they are, so that they are answered, counted and logged like every other.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from chassis.errors import InvalidArgument, Violation


class Unreadable:
    """Bytes that can't be read."""


def admitted(deserializer: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a deserializer that never raises for bytes from the wire."""

    def deserialize(received: bytes) -> Any:
        try:
            return deserializer(received)
        except DecodeError:
            return Unreadable()

    return deserialize


def refuse(request: Any) -> None:
    """Raise InvalidArgument for a request that could not be read."""
    if isinstance(request, Unreadable):
        text = "the bytes are no message of the type that this call takes"
        raise InvalidArgument("BAD_ARGUMENT", text, [Violation("request", text)])
