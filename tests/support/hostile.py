"""Requests that nobody of good will sends: for every RPC of a descriptor, by reflection."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

CALL_S = 8.0
STREAM_S = 0.05
# What a service never answers: these tell of a mistake of ours.
NEVER = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS})
HUGE = "x" * 70_000
TEXTS = [
    "",
    " ",
    "\0",
    "%00'; DROP TABLE migrations; --",
    "../../etc/passwd",
    "\U0001f6a2" * 300,
    HUGE,
    "00000000-0000-0000-0000-000000000000",
    "OpaqueRef:NULL",
    "W10",
    "bm9uZQ==",
    "999.999.999.999/99",
]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**32 - 1, 2**64 - 1]
FLOATS = [0.0, -1.0, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324]
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Rpc:
    """A method by its path, and what it takes."""

    path: str
    takes: Descriptor
    streams: bool

    def __str__(self) -> str:
        return self.path.rpartition(".")[2]


def rpcs(files: Iterable[FileDescriptor]) -> list[Rpc]:
    """Return every RPC of some files."""
    services = [service for file in files for service in file.services_by_name.values()]
    return [_rpc(method) for service in services for method in service.methods]


def _rpc(method: MethodDescriptor) -> Rpc:
    path = f"/{method.containing_service.full_name}/{method.name}"
    return Rpc(path, method.input_type, bool(method.server_streaming))


def requests(rpc: Rpc, known: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Return wire forms of a request: `known` are texts that lead deeper, such as true uuids."""
    made = messages(rpc.takes, known).map(lambda message: message.SerializeToString())
    return st.one_of(made, made, made, st.binary(max_size=64))


def messages(
    descriptor: Descriptor, known: Sequence[str], depth: int = 0
) -> st.SearchStrategy[Message]:
    """Return messages of a type in which every field may be anything."""
    kind = message_factory.GetMessageClass(descriptor)
    fields = {
        field.name: _values(field, known, depth)
        for field in descriptor.fields
        if depth < DEEPEST or field.cpp_type != FieldDescriptor.CPPTYPE_MESSAGE
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: _made(kind, given))


def _made(kind: Any, given: dict[str, Any]) -> Message:
    """Build a message; of a oneof, whichever comes last stands."""
    made: Message = kind()
    for name, value in given.items():
        made.MergeFrom(kind(**{name: value}))
    return made


def _values(field: FieldDescriptor, known: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return st.dictionaries(_one(key, known, depth), _one(value, known, depth + 1), max_size=2)
    if field.is_repeated:
        return st.lists(_one(field, known, depth), max_size=3)
    return _one(field, known, depth)


def _one(field: FieldDescriptor, known: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if field.message_type is not None:
        return messages(field.message_type, known, depth + 1)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return st.sampled_from(FLOATS)
    if kind == FieldDescriptor.CPPTYPE_STRING:
        texts = st.sampled_from([*known, *known, *TEXTS])
        if field.type == FieldDescriptor.TYPE_BYTES:
            return texts.map(lambda text: text.encode())
        return texts
    low, high = _RANGES[kind]
    return st.sampled_from([*range(6), *(one for one in NUMBERS if low <= one <= high)])


@dataclass(frozen=True, slots=True)
class Served:
    """A service on a thread of its own, what leads deeper into it, and a channel to it."""

    channel: grpc.Channel
    known: Sequence[str]

    def code(self, rpc: Rpc, request: bytes) -> grpc.StatusCode:
        """Call and return the status; of a stream, what its beginning says."""
        if not rpc.streams:
            unary: Any = self.channel.unary_unary(rpc.path)
            return _code(lambda: unary(request, timeout=CALL_S))
        stream: Any = self.channel.unary_stream(rpc.path)
        return _code(lambda: list(stream(request, timeout=STREAM_S)))


def _code(call: Any) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


@contextmanager
def on_a_thread(
    service: AbstractAsyncContextManager[tuple[str, Sequence[str]]],
) -> Iterator[Served]:
    """Run what yields an address and known texts, on a loop of its own, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    try:
        address, known = run(service.__aenter__())
        with grpc.insecure_channel(address) as channel:
            yield Served(channel, known)
        run(service.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
