"""Page tokens: opaque to clients, bound to the list that they were given out for."""

import base64
import binascii
import hashlib
import json

from google.protobuf.message import Message

from controller.api.validation import Violations


def binding(message: Message | str) -> str:
    """Return what ties a token to a filter."""
    data = message.encode() if isinstance(message, str) else _stable(message)
    return hashlib.sha256(data).hexdigest()[:16]


def encode(bound_to: str, first: int | str, second: str) -> str:
    """Return a token for the place behind an item."""
    text = json.dumps([bound_to, first, second], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_names(violations: Violations, bound_to: str, token: str) -> tuple[str, str] | None:
    """Return the place of a list by name, None for its beginning."""
    place = _decode(violations, bound_to, token)
    if place is None:
        return None
    first, second = place
    if not isinstance(first, str):
        violations.add("page_token", "is not a token of this list")
        return None
    return first, second


def decode_times(violations: Violations, bound_to: str, token: str) -> tuple[int, str] | None:
    """Return the place of a list by time, None for its beginning."""
    place = _decode(violations, bound_to, token)
    if place is None:
        return None
    first, second = place
    if not isinstance(first, int) or not 0 <= first < 2**53:
        violations.add("page_token", "is not a token of this list")
        return None
    return first, second


def _decode(violations: Violations, bound_to: str, token: str) -> tuple[int | str, str] | None:
    if not token:
        return None
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        bound, first, second = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        violations.add("page_token", "is not a token that this service gave out")
        return None
    if bound != bound_to:
        violations.add("page_token", "was given out for another list or filter")
        return None
    if not isinstance(first, (int, str)) or not isinstance(second, str):
        violations.add("page_token", "is not a token of this list")
        return None
    return first, second


def _stable(message: Message) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))
