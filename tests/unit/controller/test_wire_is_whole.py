"""Nothing that an agent tells is lost between the wire and the controller's model."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from controller.store import plain
from controller.wire import hosts, instances
from xenferry.common.v1 import inventory_pb2

SAMPLES: dict[int, Any] = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_INT32: 7,
    FieldDescriptor.CPPTYPE_INT64: 7,
    FieldDescriptor.CPPTYPE_ENUM: 3,
}


def fill(message: Message) -> None:
    """Set every field of a message to something that is not its default."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None:
            fill(value.add() if field.is_repeated else value)
        elif field.is_repeated:
            value.append(SAMPLES[field.cpp_type])
        else:
            setattr(message, field.name, SAMPLES[field.cpp_type])


@pytest.mark.parametrize(
    ("message", "read", "written"),
    [
        (inventory_pb2.HostFacts(), hosts.from_message, hosts.to_message),
        (inventory_pb2.InstanceFacts(), instances.from_message, instances.to_message),
    ],
    ids=["host", "instance"],
)
def test_every_field_comes_back_from_model_and_database(
    message: Message, read: Callable[[Any], Any], written: Callable[[Any], Message]
) -> None:
    fill(message)
    facts = read(message)

    assert written(facts) == message
    assert plain.unpack(type(facts), plain.pack(facts)) == facts
