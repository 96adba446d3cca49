"""Reflection under both of its names: new clients ask for v1 first, older ones know v1alpha."""

from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

V1 = "grpc.reflection.v1.ServerReflection"


class _Pool:
    """The default pool, which also finds methods: `grpcurl describe pkg.Service.Method` asks so."""

    def __init__(self) -> None:
        self._default: Any = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._default, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # named by protobuf
        """Return the file of a symbol, or of the service whose method it is; raises KeyError."""
        try:
            return self._default.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            self._default.FindServiceByName(service).FindMethodByName(method)
            return self._default.FindFileContainingSymbol(service)


def add(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Let clients list and describe the services and reflection itself.

    The messages of v1 and v1alpha are the same on the wire, so one servicer answers both.
    """
    servicer = ReflectionServicer((*services, reflection.SERVICE_NAME), _Pool())
    add_alpha: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server  # untyped in stubs
    add_alpha(servicer, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler}),)
    )
