"""Sends one recorded call to a server, and reads the reply into the form of the recordings."""

import http.client
import json
import xmlrpc.client
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 30.0


def send(
    url: str, protocol: str, method: str, params: list[Any], timeout_s: float = PATIENCE_S
) -> Any:
    """The reply: the envelope of its protocol, or what stands in its place."""
    try:
        if protocol == "xmlrpc":
            return _send_xml(f"{url}/", method, params, timeout_s)
        request = {"method": method, "params": params, "id": 1}
        if protocol == "jsonrpc2":
            request["jsonrpc"] = "2.0"
        address = f"{url}/jsonrpc"
        status, body = _post(address, "application/json", json.dumps(request), timeout_s)
    except (OSError, http.client.HTTPException) as error:
        return {"transport_error": type(error).__name__}
    return json.loads(body) if status == 200 else {"http_body": body}


def _send_xml(url: str, method: str, params: list[Any], timeout_s: float) -> Any:
    values = tuple(_as_sent(value) for value in params)
    request = xmlrpc.client.dumps(values, method, allow_none=True)
    status, body = _post(url, "text/xml", request, timeout_s)
    if status != 200:
        return {"http_body": body}
    (reply,), _ = xmlrpc.client.loads(body)
    value = _as_recorded(reply)
    return value if isinstance(value, dict) else {"bare": value}


def _post(url: str, kind: str, body: str, timeout_s: float) -> tuple[int, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)
    try:
        headers = {"Content-Type": kind, "Connection": "close"}
        connection.request("POST", address.path, body.encode(), headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


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
