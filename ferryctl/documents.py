"""JSON output: protojson with the contract's own field names, one document or one line each."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message


def plain(message: Message) -> dict[str, Any]:
    """Return a message as protojson has it, with default values, so that no key is ever missing."""
    document = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    _sort_maps(document)
    return document


def _sort_maps(value: Any) -> None:
    """Order what was measured: protobuf's maps have no order, and diffs of our output need one."""
    if isinstance(value, list):
        for item in value:
            _sort_maps(item)
    elif isinstance(value, dict):
        if isinstance(value.get("measured"), dict):
            value["measured"] = dict(sorted(value["measured"].items()))
        for item in value.values():
            _sort_maps(item)


def write(message: Message) -> None:
    """Write one message as one document."""
    _out(json.dumps(plain(message), indent=2))


def write_all(messages: Sequence[Message]) -> None:
    """Write messages as one array."""
    _out(json.dumps([plain(message) for message in messages], indent=2))


def write_line(message: Message) -> None:
    """Write one message of a stream as one line, at once."""
    _out(json.dumps(plain(message)))


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
