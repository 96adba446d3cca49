"""JSON-RPC 1.0 and 2.0 as XAPI speaks them: integers are numbers, dates are strings, void is ""."""

import json
from dataclasses import dataclass

from xapisim.values import Record, Value, Void
from xapisim.wire.xml_in import MalformedRequestError


@dataclass(frozen=True, slots=True)
class JsonCall:
    method: str
    params: list[Value]
    id: int | str
    is_v2: bool


def parse_call(body: bytes) -> JsonCall:
    """Raises MalformedRequestError, for a missing or null id and missing params too."""
    try:
        request = json.loads(body)
    except ValueError as error:
        place = getattr(error, "colno", 1)
        reason = f"Line 1, bytes {place - 1}-{place}:\\nUnexpected end of input"
        raise MalformedRequestError(f'Yojson__Common.Json_error("{reason}")') from error
    if not isinstance(request, dict):
        raise MalformedRequestError('Jsonrpc.Malformed_method_request("not an object")')
    method, params, identity = (request.get(key) for key in ("method", "params", "id"))
    if (
        not isinstance(method, str)
        or not isinstance(params, list)
        or not isinstance(identity, int | str)
    ):
        raise MalformedRequestError('Jsonrpc.Malformed_method_request("{method,params,id}")')
    return JsonCall(method, params, identity, request.get("jsonrpc") == "2.0")


def _encode(value: Value) -> str:
    if isinstance(value, Record):
        if value.json is None:
            value.json = _object(value)
        return value.json
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return f"[{','.join(map(_encode, value))}]"
    if isinstance(value, Void):
        return '""'
    return json.dumps(value, ensure_ascii=False)


def _object(members: dict[str, Value]) -> str:
    pairs = (
        f"{json.dumps(name, ensure_ascii=False)}:{_encode(value)}"
        for name, value in members.items()
    )
    return f"{{{','.join(pairs)}}}"


def success(call: JsonCall, value: Value) -> bytes:
    identity = json.dumps(call.id)
    if call.is_v2:
        return f'{{"jsonrpc":"2.0","result":{_encode(value)},"id":{identity}}}'.encode()
    return f'{{"result":{_encode(value)},"error":null,"id":{identity}}}'.encode()


def failure(call: JsonCall, description: list[str]) -> bytes:
    identity = json.dumps(call.id)
    if call.is_v2:
        error = {"code": 1, "message": description[0], "data": description[1:]}
        return f'{{"jsonrpc":"2.0","error":{_encode(error)},"id":{identity}}}'.encode()
    return f'{{"result":null,"error":{_encode(description)},"id":{identity}}}'.encode()
