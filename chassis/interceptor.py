"""The one server interceptor: deadline, errors, metrics, log context, the CancelledError trap."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import structlog
from grpc_status import rpc_status

from chassis import metrics, peers, unreadable
from chassis.errors import ServiceError, Unavailable, to_status
from chassis.lifetime import Lifetime

log = structlog.get_logger()

Context = Any  # grpc.aio.ServicerContext, likewise
Translate = Callable[[Exception], ServiceError | None]
Handler = Any  # grpc.RpcMethodHandler is generic in the type stubs only
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]

DEFAULT_DEADLINE_S = 60.0


class _DeadlineExceeded(ServiceError):
    code = grpc.StatusCode.DEADLINE_EXCEEDED


class _Cancelled(ServiceError):
    code = grpc.StatusCode.INTERNAL


class Interceptor(grpc.aio.ServerInterceptor):
    """Wraps every unary and server-streaming handler; health and reflection pass through it too.

    `translate` turns an exception of the program's own into a ServiceError, or returns None.
    """

    def __init__(self, lifetime: Lifetime, translate: Translate) -> None:
        self._lifetime = lifetime
        self._translate = translate
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Return the handler of a method, wrapped once."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or handler.request_streaming:
                return handler  # unknown methods and reflection's bidirectional stream
            wrapped = self._wrapped[method] = self._wrap(handler, method)
        return wrapped

    def _wrap(self, handler: Handler, method: str) -> Handler:
        call = _Call(self._lifetime, self._translate, method, bool(handler.response_streaming))
        # The type stubs of grpcio describe the handlers of the threaded server only.
        behaviour: Any = handler.unary_stream if handler.response_streaming else handler.unary_unary
        make, wrapped = (
            (grpc.unary_stream_rpc_method_handler, call.stream(behaviour))
            if handler.response_streaming
            else (grpc.unary_unary_rpc_method_handler, call.unary(behaviour))
        )
        serializer = _sent_as_it_is(handler.response_serializer)
        deserializer = unreadable.admitted(handler.request_deserializer)
        return make(wrapped, deserializer, serializer)


def _sent_as_it_is(serializer: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Let a handler answer with bytes: a response that many are sent is then encoded once."""

    def serialize(response: Any) -> bytes:
        return response if isinstance(response, bytes) else serializer(response)

    return serialize


class _Call:
    """What is done around each call of one method."""

    def __init__(
        self, lifetime: Lifetime, translate: Translate, method: str, streaming: bool
    ) -> None:
        _, service, name = method.split("/", 2)
        kind = "server_stream" if streaming else "unary"
        self._lifetime = lifetime
        self._translate = translate
        self._method = method
        self._labels = (kind, service, name)
        self._streams = metrics.STREAMS.labels(service)
        self._started = metrics.STARTED.labels(*self._labels)
        self._seconds = metrics.SECONDS.labels(*self._labels)

    def unary(self, behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        """Return the handler that gRPC calls for a unary method."""

        async def handle(request: Any, context: Context) -> Any:
            began = self._begin(context)
            try:
                unreadable.refuse(request)
                async with asyncio.timeout(_default_deadline(context)):
                    response = await behaviour(request, context)
            except BaseException as error:  # the border: every error is answered
                await self._answer(error, context, began)
                raise
            self._end("OK", began)
            return response

        return handle

    def stream(self, behaviour: Callable[[Any, Context], AsyncIterator[Any]]) -> Any:
        """Return the handler that gRPC calls for a server-streaming method."""

        async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
            began = self._begin(context)
            task = self._lifetime.enter_stream()
            self._streams.inc()
            try:
                unreadable.refuse(request)
                async for response in behaviour(request, context):
                    yield response
            except BaseException as error:
                await self._answer(error, context, began)
                raise
            else:
                self._end("OK", began)
            finally:
                self._streams.dec()
                self._lifetime.leave_stream(task)

        return handle

    def _begin(self, context: Context) -> float:
        self._started.inc()
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=metadata.get("x-request-id") or str(uuid.uuid4()),
            rpc=self._method,
            peer=peers.name(context),
        )
        return time.perf_counter()

    def _end(self, code: str, began: float) -> None:
        metrics.HANDLED.labels(*self._labels, code).inc()
        self._seconds.observe(time.perf_counter() - began)

    async def _answer(self, error: BaseException, context: Context, began: float) -> None:
        """Put an error on the wire; returns for what gRPC itself must see."""
        if isinstance(error, grpc.aio.AbortError):
            self._end(context.code().name if context.code() else "UNKNOWN", began)
            return
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            told = self._cancelled(error)
        elif isinstance(error, Exception):
            told = self._described(error)
        else:
            return  # KeyboardInterrupt, SystemExit
        if told is None:
            self._end("CANCELLED", began)
            return
        self._end(told.code.name, began)
        await context.abort_with_status(rpc_status.to_status(to_status(told)))

    def _cancelled(self, error: BaseException) -> ServiceError | None:
        """Return None for a client that hung up, else what to tell a client that waits.

        A CancelledError that a handler raised by itself would leave the client waiting for ever.
        """
        task = asyncio.current_task()
        if isinstance(error, GeneratorExit) or task is None:
            return None
        if task.cancelling() and self._lifetime.stopping.is_set():
            task.uncancel()
            return Unavailable("SHUTTING_DOWN", "the service is stopping")
        if task.cancelling():
            return None
        log.error("rpc.cancelled_itself", exc_info=error)
        return _Cancelled("INTERNAL", "the call was given up inside the service")

    def _described(self, error: Exception) -> ServiceError:
        if isinstance(error, ServiceError):
            return error
        if isinstance(error, TimeoutError):
            return _DeadlineExceeded(
                "DEADLINE_EXCEEDED", f"no answer within {DEFAULT_DEADLINE_S:g} s"
            )
        translated = self._translate(error)
        if translated is not None:
            return translated
        request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
        log.error("rpc.broke", exc_info=error)
        return ServiceError(
            "INTERNAL",
            f"a mistake of xenferry; its log has it under request_id {request_id}",
            {"request_id": request_id},
        )


def _default_deadline(context: Context) -> float | None:
    """Return a deadline for a client that set none; gRPC itself keeps the client's own."""
    return DEFAULT_DEADLINE_S if context.time_remaining() is None else None
