"""A service whose calls end in every way a call can end, chosen by the name that is asked for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from chassis.errors import Refused, Unavailable, Violation
from chassis.server import Service
from xenferry.controller.v1 import inventory_pb2

NAME = "xenferry.controller.v1.Inventory"


class Moody:
    """GetHost ends as the host's name says; WatchHosts says one thing and then waits."""

    def __init__(self) -> None:
        self.watching = asyncio.Event()

    async def GetHost(self, request: Any, context: Any) -> Any:
        del context
        if request.host == "broken":
            raise KeyError("a secret detail")
        if request.host == "refused":
            raise Refused(
                "DEST_DISABLED",
                "xs2 is disabled",
                [Violation("host/xs2", "xs2 is disabled", "DEST_DISABLED")],
                {"xapi_error": "[]"},
            )
        if request.host == "away":
            raise Unavailable("XAPI_UNAVAILABLE", "xs2 does not answer", 2.5)
        if request.host == "cancels itself":
            raise asyncio.CancelledError
        if request.host == "slow":
            raise TimeoutError
        return inventory_pb2.Host(agent_address=request.host)

    async def WatchHosts(self, request: Any, context: Any) -> AsyncIterator[Any]:
        del request, context
        yield inventory_pb2.WatchHostsResponse(host=inventory_pb2.Host(alive=True))
        self.watching.set()
        await asyncio.Event().wait()


def service(servicer: Moody) -> Service:
    """Return it as the chassis serves it; the calls it does not have stay unimplemented."""
    return Service(NAME, servicer, _add)


def _add(servicer: Moody, server: grpc.aio.Server) -> None:
    get: Any = servicer.GetHost
    watch: Any = servicer.WatchHosts
    handlers: dict[str, Any] = {
        "GetHost": grpc.unary_unary_rpc_method_handler(
            get,
            inventory_pb2.GetHostRequest.FromString,
            inventory_pb2.Host.SerializeToString,
        ),
        "WatchHosts": grpc.unary_stream_rpc_method_handler(
            watch,
            inventory_pb2.WatchHostsRequest.FromString,
            inventory_pb2.WatchHostsResponse.SerializeToString,
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
