"""Stands before a gRPC server, passes every call on, and loses, keeps or doubles one on demand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import grpc
import grpc.aio
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from deploy.faults.snare import Fate, Moment, Snare
from xenferry.hostagent.v1 import move_pb2

MOVE = "LiveMigration"
Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended at its target; `code` None means OK."""

    code: grpc.StatusCode | None = None
    details: str = ""
    trailing: tuple[tuple[str, str | bytes], ...] = ()


Item = bytes | Ended
LOST = Ended(grpc.StatusCode.UNAVAILABLE, "the relay lost it")


class Relay(grpc.GenericRpcHandler):
    """Passes calls to one target, whose address is asked for when it is needed.

    A call that is delivered when the wire is cut goes on at the target, whose answer nobody hears.
    """

    def __init__(self, target: Callable[[], str]) -> None:
        self._target = target
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._cut = asyncio.Event()
        self._delivering: set[asyncio.Task[None]] = set()
        self.snares: list[Snare] = []

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return what passes a call on; every kind of call is a stream of bytes on the wire."""

        async def behave(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            async for answer in self._pass(details.method, requests, context):
                yield answer

        return grpc.stream_stream_rpc_method_handler(behave)

    def cut(self, *, off: bool) -> None:
        """Cut the wire, or mend it; for the loop's own thread."""
        self._cut.set() if off else self._cut.clear()

    async def deliver(self, path: str, request: bytes) -> Ended:
        """Make one call and return how it ended."""
        items: asyncio.Queue[Item] = asyncio.Queue()
        await self._call(path, request, items)
        return await _end_of(items)

    async def close(self) -> None:
        """Hang up."""
        for task in self._delivering:
            task.cancel()
        for channel in self._channels.values():
            await channel.close()

    async def _pass(
        self, path: str, requests: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[bytes]:
        request = await anext(requests)
        if self._cut.is_set():
            await _end(context, LOST)
        snare = self._snare_of(path.rpartition("/")[2])
        if snare is not None and snare.moment is Moment.ARRIVING:
            fate = await snare.keep(path, request)
            await _meet(context, fate)
            if fate is Fate.TWICE:
                await self._deliver_first(path, request)
        items: asyncio.Queue[Item] = asyncio.Queue()
        delivering = self._begin(path, request, items)
        try:
            while isinstance(item := await self._unless_cut(items), bytes):
                final = _is_final(path, item)
                if final:
                    await self._answered(snare, path, request, context)
                yield item
                if not final and snare is not None and snare.moment is Moment.MIDWAY:
                    await _meet(context, await snare.keep(path, request))
                    snare = None
            if item.code is not None and item is not LOST:
                await self._answered(snare, path, request, context)
            await _end(context, item)
        finally:
            if not self._cut.is_set():
                delivering.cancel()

    async def _answered(
        self, snare: Snare | None, path: str, request: bytes, context: Context
    ) -> None:
        for armed in (*self.snares,):
            await armed.let_pass(path.rpartition("/")[2])
        if snare is None or snare.moment is not Moment.ANSWERED or snare.caught:
            return
        fate = await snare.keep(path, request)
        await _meet(context, fate)
        if fate is Fate.TWICE:
            await self.deliver(path, request)

    def _snare_of(self, method: str) -> Snare | None:
        met = [snare for snare in self.snares if snare.counts(method)]
        return met[0] if met else None

    async def _deliver_first(self, path: str, request: bytes) -> None:
        """Deliver a call before the one that counts; of a move, wait for its first word alone."""
        items: asyncio.Queue[Item] = asyncio.Queue()
        self._begin(path, request, items)
        if path.endswith(f"/{MOVE}"):
            await items.get()
        else:
            await _end_of(items)

    def _begin(self, path: str, request: bytes, items: asyncio.Queue[Item]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._call(path, request, items))
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)
        return task

    async def _call(self, path: str, request: bytes, items: asyncio.Queue[Item]) -> None:
        try:
            target = self._target()
        except KeyError:  # it has not said yet where it listens
            await items.put(LOST)
            return
        channel = self._channels.get(target)
        if channel is None:
            options = [("grpc.max_metadata_size", 65536), ("grpc.max_reconnect_backoff_ms", 200)]
            options += [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.enable_retries", 0)]
            channel = self._channels[target] = grpc.aio.insecure_channel(target, options=options)
        try:
            send: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
            async for answer in send(_only(request)):
                await items.put(answer)
        except grpc.aio.AioRpcError as error:
            trailing = tuple((key, value) for key, value in error.trailing_metadata())
            await items.put(Ended(error.code(), error.details() or "", trailing))
        else:
            await items.put(Ended())

    async def _unless_cut(self, items: asyncio.Queue[Item]) -> Item:
        getting = asyncio.ensure_future(items.get())
        cutting = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait((getting, cutting), return_when=asyncio.FIRST_COMPLETED)
            return LOST if cutting.done() else getting.result()
        finally:
            getting.cancel()
            cutting.cancel()


async def _meet(context: Context, fate: Fate) -> None:
    """End a call whose fate is not to pass."""
    if fate is Fate.LOST:
        await _end(context, LOST)
    if fate is Fate.REFUSED:
        await _end(context, _refusal())
    if fate is Fate.NEVER:
        await asyncio.Event().wait()


async def _end(context: Context, ended: Ended) -> None:
    if ended.code is not None:
        await context.abort(ended.code, ended.details, ended.trailing)


async def _end_of(items: asyncio.Queue[Item]) -> Ended:
    while isinstance(item := await items.get(), bytes):
        pass
    return item


async def _only(request: bytes) -> AsyncIterator[bytes]:
    yield request


def _is_final(path: str, answer: bytes) -> bool:
    if not path.endswith(f"/{MOVE}"):
        return True
    return bool(move_pb2.LiveMigrationResponse.FromString(answer).outcome)


def _refusal() -> Ended:
    status = status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message="XAPI says no")
    info = error_details_pb2.ErrorInfo(reason="XAPI_REFUSED", domain="xenferry")
    status.details.add().Pack(info)
    told = rpc_status.to_status(status)
    return Ended(told.code, told.details, tuple(told.trailing_metadata))
