"""`xapisim dump URL`: every record of a live pool, read through its API, with secrets left out.

The result is a world: what is a pool today is a simulator tomorrow. Over XML-RPC, which every
release speaks; its integers are texts, and become numbers by the schema.
"""

import http.client
import re
import ssl
import xmlrpc.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from xapisim.dispatch import methods
from xapisim.schema.load import schema
from xapisim.schema.types import Type
from xapisim.values import Value

HIDDEN = "(left out)"
_SECRET = re.compile(r"passw|secret|token|private[_-]?key|credential", re.IGNORECASE)
_LEFT_OUT = frozenset({"secret", "session", "task", "message", "role", "subject", "Certificate"})
"""Classes that are secret, or tell what was under way, or belong to every pool."""
_UNKNOWN = frozenset({"MESSAGE_METHOD_UNKNOWN", "MESSAGE_REMOVED", "NOT_IMPLEMENTED"})
_LISTING = ".get_all_records"


class DumpError(Exception):
    """The pool can't be read: where it was asked and what it said."""


class RefusedError(DumpError):
    def __init__(self, method: str, description: list[str]) -> None:
        super().__init__(f"{method}: {' '.join(description)}")
        self.code = description[0]


@dataclass(frozen=True, slots=True)
class Remote:
    """A coordinator's API; the context is for https."""

    url: str
    context: ssl.SSLContext | None = None
    timeout_s: float = 60.0

    def call(self, method: str, *params: Any) -> Any:
        """The value of a call; raises DumpError."""
        body = xmlrpc.client.dumps(params, method).encode()
        try:
            (reply,), _ = xmlrpc.client.loads(self._post(body))
        except (OSError, ValueError, ExpatError, http.client.HTTPException) as error:
            raise DumpError(f"{self.url}: {error}") from error
        if not isinstance(reply, dict) or "Status" not in reply:
            raise DumpError(f"{self.url}: {method} was not answered as XAPI does")
        if reply["Status"] != "Success":
            raise RefusedError(method, reply["ErrorDescription"])
        return reply.get("Value")

    def _post(self, body: bytes) -> bytes:
        connection = self._connection()
        try:
            connection.request("POST", "/", body, {"Content-Type": "text/xml"})
            reply = connection.getresponse()
            if reply.status != http.client.OK:
                raise DumpError(f"{self.url}: HTTP {reply.status}")
            return reply.read()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        if address.hostname is None or address.scheme not in ("http", "https"):
            raise DumpError(f"a URL such as https://xs1 expected, got {self.url!r}")
        if address.scheme == "http":
            return http.client.HTTPConnection(
                address.hostname, address.port, timeout=self.timeout_s
            )
        return http.client.HTTPSConnection(
            address.hostname, address.port, timeout=self.timeout_s, context=self.context
        )


def dump(remote: Remote, user: str, password: str) -> dict[str, Any]:
    """`{class: {ref: record}}` of every class that lists its records. Raises DumpError."""
    session = remote.call("session.login_with_password", user, password, "1.0", "xapisim-dump")
    try:
        return {name: _records(remote, session, name) for name in _classes()}
    finally:
        remote.call("session.logout", session)


def _classes() -> list[str]:
    listing = [name for name in methods.names() if name.endswith(_LISTING)]
    return sorted({name.removesuffix(_LISTING) for name in listing} - _LEFT_OUT)


def _records(remote: Remote, session: str, class_name: str) -> dict[str, Any]:
    """Nothing for a class that this pool's release doesn't have."""
    try:
        records = remote.call(f"{class_name}{_LISTING}", session)
    except RefusedError as error:
        if error.code in _UNKNOWN:
            return {}
        raise
    fields = schema().classes[class_name].fields
    return {
        ref: {
            name: without_secrets(_typed(fields[name].type, value), name)
            for name, value in record.items()
            if name in fields
        }
        for ref, record in records.items()
    }


def _typed(declared: Type, value: Value) -> Value:
    if declared.kind == "set":
        return [_typed(declared.value_type, item) for item in value]
    if declared.kind == "map":
        return {key: _typed(declared.value_type, item) for key, item in value.items()}
    if declared.kind == "datetime":
        return str(value)
    return int(value) if declared.kind == "int" else value


def without_secrets(value: Value, name: str) -> Value:
    """Texts whose field or key is named like a secret are replaced; references stay."""
    if isinstance(value, dict):
        return {key: without_secrets(item, f"{name} {key}") for key, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    is_text = isinstance(value, str) and value != "" and not value.startswith("OpaqueRef:")
    return HIDDEN if is_text and _SECRET.search(name) else value
