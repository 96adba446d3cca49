"""The module that XAPI's plug-ins import: it reads the call, runs the function and writes the
reply.

XAPISIM_URL is where this host's XAPI answers; `XenAPI.xapi_local` leads there too.
"""

import importlib
import os
import sys
import xmlrpc.client
from collections.abc import Callable, Sequence
from typing import Any

URL = "XAPISIM_URL"
XenAPI: Any = importlib.import_module("XenAPI")
Function = Callable[[Any, dict[str, str]], str]


class Failure(Exception):
    """An error array that reaches the caller of host.call_plugin as it is."""

    def __init__(self, code: str, params: Sequence[object] = ()) -> None:
        super().__init__(code, *params)
        self.code = code
        self.params = [str(param) for param in params]


def xapi_local() -> Any:
    return XenAPI.Session(os.environ[URL])


XenAPI.xapi_local = xapi_local


def dispatch(functions: dict[str, Function]) -> None:
    """Answers the one call in argv; a function gets a session and the arguments."""
    (session_ref, args), name = xmlrpc.client.loads(sys.argv[1])
    function = functions.get(str(name))
    if function is None:
        _reply(_failure("UNKNOWN_XENAPI_PLUGIN_FUNCTION", [str(name)]))
        return
    session = xapi_local()
    vars(session)["_session"] = session_ref
    given = dict(args) if isinstance(args, dict) else {}
    try:
        value = function(session, given)
    except Failure as failure:
        _reply(_failure(failure.code, failure.params))
    except XenAPI.Failure as failure:
        _reply(_failure(failure.details[0], failure.details[1:]))
    else:
        _reply({"Status": "Success", "Value": value})


def _failure(code: str, params: list[str]) -> dict[str, object]:
    return {"Status": "Failure", "ErrorDescription": [code, *params]}


def _reply(envelope: dict[str, object]) -> None:
    sys.stdout.write(xmlrpc.client.dumps((envelope,), methodresponse=True))
