"""host.call_plugin: a program in the host's control domain, called as XAPI calls it.

The call is its one argument, in XML-RPC; the reply is what it writes to stdout.
"""

import asyncio
import os
import sys
import xmlrpc.client
from importlib import resources
from pathlib import Path
from xml.parsers.expat import ExpatError

from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import Value

_FAILURE = "XENAPI_PLUGIN_FAILURE"


async def call_plugin(call: Call, host: str, plugin: str, fn: str, args: dict[str, str]) -> Value:
    """A program of the simulator's machine: whoever describes the world decides which."""
    call.database.row("host", host)
    program = call.engine.site.plugins.get(plugin)
    if program is None or not os.access(program, os.X_OK):
        raise XapiError("XENAPI_MISSING_PLUGIN", plugin)
    text = xmlrpc.client.dumps((call.session, args), fn)
    process = await asyncio.create_subprocess_exec(
        program,
        text,
        env=_environment(call),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        status = f"exit code {process.returncode}"
        raise XapiError(_FAILURE, status, _decoded(out), _decoded(errors))
    return _value(_decoded(out), _decoded(errors))


def _environment(call: Call) -> dict[str, str]:
    """The local XAPI passes on to the coordinator what it can't answer itself."""
    modules = str(Path(str(resources.files("xapisim.dom0"))))
    path = os.environ.get("PATH", os.defpath)
    return {
        **os.environ,
        "XAPISIM_URL": f"http://{call.pool.endpoints[call.pool.coordinator]}",
        "PYTHONPATH": os.pathsep.join(filter(None, [modules, os.environ.get("PYTHONPATH")])),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), path]),
    }


def _decoded(output: bytes) -> str:
    return output.decode("utf-8", "replace")


def _value(out: str, errors: str) -> str:
    try:
        (reply,), _ = xmlrpc.client.loads(out)
    except (ExpatError, ValueError, xmlrpc.client.Error) as error:
        raise XapiError(_FAILURE, str(error), out, errors) from error
    envelope: dict[str, Value] = reply if isinstance(reply, dict) else {}
    if envelope.get("Status") == "Success" and isinstance(envelope.get("Value"), str):
        return str(envelope["Value"])
    description = envelope.get("ErrorDescription")
    if isinstance(description, list) and description:
        raise XapiError(*map(str, description))
    raise XapiError(_FAILURE, "unrecognised response", out, errors)


OPERATIONS: dict[str, Handler] = {"host.call_plugin": call_plugin}
