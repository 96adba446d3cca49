"""One host on the network: the HTTP around its calls, and the silence when it is away."""

import asyncio
import html
import socket
from collections.abc import Coroutine

from xapisim.dispatch.dispatcher import LIST_METHODS
from xapisim.errors import XapiError
from xapisim.server.calls import Calls, DroppedError
from xapisim.server.doors import Door
from xapisim.server.http import Server
from xapisim.server.messages import Reply, Request, head
from xapisim.server.traffic import Traffic
from xapisim.wire import json_rpc, xml_in, xml_out
from xapisim.wire.xml_in import MalformedRequestError

_COMMON = {"cache-control": "no-cache, no-store"}
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "X-Requested-With"}
_XML = head({**_COMMON, "content-type": "text/xml", **_CORS})
_JSON = head({**_COMMON, "content-type": "application/json", **_CORS})
_HTML = head({"content-type": "text/html", "connection": "close", **_COMMON})
_OPTIONS = head({**_COMMON, **_CORS, "Access-Control-Allow-Methods": "PUT"})
_FORBIDDEN = (
    b"<html><body><h1>HTTP 403 forbidden</h1>"
    b"Access to the requested resource is forbidden.</body></html>"
)
_BROKEN = (
    "<html><body><h1>HTTP 500 internal server error</h1>An unexpected error occurred; "
    "please wait a while and try again. If the problem persists, please contact your support "
    "representative.<h1> Additional information </h1>{}</body></html>"
)
_XML_PATHS = ("/", "/RPC2")


class Endpoint:
    """One door of a host: what comes in there is answered by its calls."""

    def __init__(self, calls: Calls, door: Door, traffic: Traffic) -> None:
        self._calls = calls
        self._door = door
        self._http = Server(self._answer, traffic)
        self._listener: socket.socket | None = None
        self._serving: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return self._door.address

    def open(self) -> Coroutine[None, None, None]:
        """From now on clients can connect; they are answered as soon as what is returned runs."""
        is_open, self._listener = self._listener, self._listener or self._door.listen()
        return _nothing() if is_open else self._serve(self._listener)

    async def _serve(self, listener: socket.socket) -> None:
        serving = await self._door.serve(listener, self._http)
        if self._listener is listener:
            self._serving = serving
        else:
            serving.close()

    def cut(self) -> None:
        """The host is gone from the network: nothing listens, and open connections break."""
        if self._serving is not None:
            self._serving.close()
        self._serving = self._listener = None
        self.drop_connections()

    def drop_connections(self) -> None:
        self._http.abort()

    async def close(self) -> None:
        self.cut()
        await self._http.shut_down()

    async def _answer(self, request: Request) -> Reply | None:
        """Nothing where a fault cuts the line."""
        if request.method == "OPTIONS":
            return Reply(head=_OPTIONS)
        if request.method != "POST":
            return Reply(_FORBIDDEN, 403, _HTML, closes=True)
        try:
            return await self._reply(request.path, request.body)
        except MalformedRequestError as error:
            return _broken(str(error))
        except DroppedError:
            return None

    async def _reply(self, path: str, body: bytes) -> Reply:
        if path in _XML_PATHS:
            return Reply(await self._xml(body), head=_XML)
        if path == "/jsonrpc":
            return Reply(await self._json(body), head=_JSON)
        raise MalformedRequestError('Xmlm.Error(1:1, "expected root element")')

    async def _xml(self, body: bytes) -> bytes:
        method, params = xml_in.parse_call(body)
        try:
            value = await self._calls.call(method, params)
        except XapiError as error:
            return xml_out.failure(error.description)
        return xml_out.bare(value) if method == LIST_METHODS else xml_out.success(value)

    async def _json(self, body: bytes) -> bytes:
        call = json_rpc.parse_call(body)
        try:
            value = await self._calls.call(call.method, call.params)
        except XapiError as error:
            return json_rpc.failure(call, error.description)
        return json_rpc.success(call, value)


async def _nothing() -> None:
    """What is left to do for a door that is open."""


def _broken(text: str) -> Reply:
    """What XAPI answers to a body that is no request; it closes the connection."""
    page = _BROKEN.format(html.escape(text))
    return Reply(page.encode(), 500, _HTML, closes=True)
