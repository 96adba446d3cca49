"""host.call_plugin runs programs as a host's control domain does."""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import PATIENCE_S, Simulator

WORLD = """
[pool]
name = "small"
[[host]]
name = "h1"
[[host]]
name = "h2"
[[network]]
name = "lan"
[[plugin]]
name = "greeter"
program = "greeter"
"""
PLUGIN = """#!/usr/bin/env python3
import os
import sys

import XenAPI
import XenAPIPlugin


def greet(session, args):
    (pool,) = session.xenapi.pool.get_all_records().values()
    return args["word"] + " from " + pool["name_label"]


def refuse(session, args):
    raise XenAPIPlugin.Failure("TOO_EARLY", ["wait", 5])


def misuse(session, args):
    return session.xenapi.VM.get_by_uuid("nothing")


def log_in(session, args):
    local = XenAPI.xapi_local()
    local.xenapi.login_with_password("root", args["password"], "1.0", "plugin")
    return str(len(local.xenapi.host.get_all()))


def wait(session, args):
    with open(args["fifo"]) as fifo:
        return fifo.read()


def crash(session, args):
    sys.stdout.write("so far")
    sys.stderr.write("no further")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(3)


def babble(session, args):
    sys.stdout.write("hello")
    sys.stdout.flush()
    os._exit(0)


XenAPIPlugin.dispatch(
    {f.__name__: f for f in (greet, refuse, misuse, log_in, wait, crash, babble)}
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plugins")
    (made / "world.toml").write_text(WORLD)
    (made / "greeter").write_text(PLUGIN)
    (made / "greeter").chmod(0o755)
    return made


@pytest.fixture(scope="module")
def sim(folder: Path) -> Iterator[Simulator]:
    with Simulator(folder / "world.toml") as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


def test_a_plug_in_is_called_with_its_arguments_and_the_callers_session(client: Client) -> None:
    answer = client.api.host.call_plugin(client.host("h2"), "greeter", "greet", {"word": "hello"})

    assert answer == "hello from small"


def test_a_plug_in_can_log_in_at_its_own_host(client: Client, sim: Simulator) -> None:
    given = {"password": sim.password}

    assert client.api.host.call_plugin(client.host("h1"), "greeter", "log_in", given) == "2"


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("refuse", ["TOO_EARLY", "wait", "5"]),
        ("misuse", ["UUID_INVALID", "VM", "nothing"]),
        ("nothing", ["UNKNOWN_XENAPI_PLUGIN_FUNCTION", "nothing"]),
        ("crash", ["XENAPI_PLUGIN_FAILURE", "exit code 3", "so far", "no further"]),
    ],
)
def test_a_failing_plug_in_fails_the_call(client: Client, function: str, error: list[str]) -> None:
    call = client.api.host.call_plugin

    assert client.failure(call, client.host("h1"), "greeter", function, {}) == error


def test_a_reply_that_is_none_is_a_failure_of_the_plug_in(client: Client) -> None:
    call = client.api.host.call_plugin

    failure = client.failure(call, client.host("h1"), "greeter", "babble", {})

    assert (failure[0], failure[2:]) == ("XENAPI_PLUGIN_FAILURE", ["hello", ""])


def test_an_unknown_plug_in_is_missing(client: Client) -> None:
    call = client.api.host.call_plugin

    failure = client.failure(call, client.host("h1"), "none", "greet", {})

    assert failure == ["XENAPI_MISSING_PLUGIN", "none"]


def test_other_calls_are_answered_while_a_plug_in_works(
    client: Client, sim: Simulator, folder: Path
) -> None:
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    host = client.host("h1")
    task = client.api.Async.host.call_plugin(host, "greeter", "wait", {"fifo": str(fifo)})

    assert client.api.host.get_name_label(host) == "h1"
    assert client.api.task.get_status(task) == "pending"

    fifo.write_text("done")
    assert client.wait(task)["result"] == "<value>done</value>"


def test_a_plug_in_can_be_added_while_the_simulator_runs(
    client: Client, sim: Simulator, folder: Path
) -> None:
    status, _ = post(sim, {"name": "again", "program": str(folder / "greeter")})

    answer = client.api.host.call_plugin(client.host("h1"), "again", "greet", {"word": "hi"})

    assert (status, answer) == (200, "hi from small")
    assert post(sim, {"name": "again"})[0] == 400


def post(sim: Simulator, body: object) -> tuple[int, dict[str, str]]:
    control = http.client.HTTPConnection(sim.control.removeprefix("http://"), timeout=PATIENCE_S)
    control.request("POST", "/sim/plugins", json.dumps(body))
    reply = control.getresponse()
    answer = reply.status, json.loads(reply.read())
    control.close()
    return answer


def test_a_world_whose_plug_in_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text(WORLD)

    with pytest.raises(RuntimeError, match=r"plugin\[0\].program: a file expected"):
        Simulator(tmp_path / "world.toml")
