"""Reads on the client's side what `errors` wrote on the server's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

DetailT = TypeVar("DetailT", bound=Message)


@dataclass(frozen=True, slots=True)
class Answer:
    """A failed call as its server described it; `reason` is empty if the server is not ours."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    details: Sequence[AnyMessage] = ()

    def find(self, kind: type[DetailT]) -> DetailT | None:
        """Return the first detail of a kind, or None."""
        for detail in self.details:
            message = kind()
            if detail.Unpack(message):
                return message
        return None


def read(error: Any) -> Answer:
    """Return what an RpcError (sync or aio) says; never raises on a foreign or broken status."""
    code = error.code()
    message = error.details() or ""
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the status in the trailer contradicts the code: believe the code
        status = None
    if status is None:
        return Answer(code, message)
    details = tuple(status.details)
    info = Answer(code, message, details=details).find(error_details_pb2.ErrorInfo)
    if info is None:
        return Answer(code, message, details=details)
    return Answer(code, message, info.reason, dict(info.metadata), details)
