"""Sends one recorded call to a server, and reads the reply into the form of the recordings."""

import http.client
import json
import select
import xmlrpc.client
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 60.0


class Exchange:
    """One call on a connection of its own: sent at once, and its reply read when somebody asks."""

    def __init__(self, url: str, protocol: str, method: str, params: list[Any]) -> None:
        self._is_xml = protocol == "xmlrpc"
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=PATIENCE_S
        )
        self._error: Exception | None = None
        kind = "text/xml" if self._is_xml else "application/json"
        headers = {"Content-Type": kind, "Connection": "close"}
        body = _xml(method, params) if self._is_xml else _json(protocol, method, params)
        try:
            self._connection.request("POST", "/" if self._is_xml else "/jsonrpc", body, headers)
        except OSError as error:
            self._error = error

    @property
    def port(self) -> int | None:
        """Ours; none where nobody took the call."""
        if self._error is not None:
            return None
        port: int = self._connection.sock.getsockname()[1]
        return port

    def is_answered(self, within_s: float) -> bool:
        """Whether there is something to read, or will be in a moment."""
        return bool(select.select([self._connection.sock], [], [], within_s)[0])

    def reply(self) -> Any:
        """The envelope of the call's protocol, or what stands in its place."""
        try:
            if self._error is not None:
                raise self._error
            answer = self._connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return {"transport_error": type(error).__name__}
        finally:
            self._connection.close()
        if answer.status != 200:
            return {"http_body": body}
        return _read_xml(body) if self._is_xml else json.loads(body)

    def give_up(self) -> Any:
        """What a client has that waits no longer."""
        self._connection.close()
        return {"transport_error": TimeoutError.__name__}


def send(url: str, protocol: str, method: str, params: list[Any]) -> Any:
    """Waits for the reply."""
    return Exchange(url, protocol, method, params).reply()


def _xml(method: str, params: list[Any]) -> bytes:
    values = tuple(_as_sent(value) for value in params)
    return xmlrpc.client.dumps(values, method, allow_none=True).encode()


def _json(protocol: str, method: str, params: list[Any]) -> bytes:
    request = {"method": method, "params": params, "id": 1}
    if protocol == "jsonrpc2":
        request["jsonrpc"] = "2.0"
    return json.dumps(request).encode()


def _read_xml(body: str) -> Any:
    (reply,), _ = xmlrpc.client.loads(body)
    value = _as_recorded(reply)
    return value if isinstance(value, dict) else {"bare": value}


def _as_sent(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$datetime"}:
            return xmlrpc.client.DateTime(value["$datetime"])
        return {name: _as_sent(item) for name, item in value.items()}
    return value


def _as_recorded(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_recorded(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_recorded(item) for name, item in value.items()}
    if isinstance(value, xmlrpc.client.DateTime):
        return {"$datetime": value.value}
    return value
