"""The bytes on the wire against what a XAPI 26.17 sent: status, headers, body."""

import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = Path(__file__).parents[3] / "deploy" / "worlds" / "demo.toml"
GOLDEN = Path(__file__).parents[2] / "golden" / "xapi" / "wire"
NOBODY = "OpaqueRef:00000000-0000-0000-0000-000000000001"
REF = re.compile(r"OpaqueRef:[0-9a-f-]{36}")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """Time passes by itself here: the clients are bare sockets."""
    with Simulator(WORLD) as simulator:
        yield simulator


@dataclass(frozen=True)
class Message:
    """One half of a recorded exchange."""

    start: str
    headers: dict[str, str]
    body: str

    @classmethod
    def parse(cls, text: str) -> "Message":
        head, _, body = text.partition("\n\n")
        start, *lines = head.split("\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = headers.get("content-length") or headers.get("Content-Length") or "0"
        return cls(start, headers, body.encode()[: int(length)].decode())


def recorded(name: str) -> tuple[Message, Message]:
    (path,) = GOLDEN.glob(f"{name}*.http")
    text = path.read_text()
    request, _, response = text.partition("\n--- response ---\n")
    return Message.parse(request.removeprefix("--- request ---\n")), Message.parse(response)


def play(sim: Simulator, request: Message, replace: dict[str, str]) -> Message:
    """Sends the recorded request with other handles."""
    method, path, _ = request.start.split(" ")
    body = request.body
    for old, new in replace.items():
        body = body.replace(old, new)
    connection = http.client.HTTPConnection(sim.endpoints["xs1"].removeprefix("http://"))
    kept = {k: v for k, v in request.headers.items() if k in ("Content-Type", "Origin")}
    connection.request(method, path, body.encode(), kept)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    start = f"HTTP/1.1 {reply.status} {reply.reason}"
    return Message(start, {k.lower(): v for k, v in reply.getheaders()}, text)


def handles(client: Client, request: Message) -> dict[str, str]:
    """This world's handles for those of the recording: the session, then the object asked about."""
    class_name = (re.search(r"(\w+)\.get_record", request.body) or ["", "VM"])[1]
    objects = {
        "VM": client.vm("parked-1"),
        "VBD": client.api.VM.get_VBDs(client.vm("parked-1"))[0],
    }
    found = [ref for ref in dict.fromkeys(REF.findall(request.body)) if ref != NOBODY]
    known = {NOBODY: client.session.handle, "passwd7": "xenferry"}
    return known | dict.fromkeys(found, objects[class_name])


@pytest.mark.parametrize(
    "name",
    [
        "02-xmlrpc-bad-password",
        "04-xmlrpc-void",
        "06-xmlrpc-bool",
        "07-xmlrpc-float",
        "08-xmlrpc-datetime",
        "10-xmlrpc-empty-set",
        "11-xmlrpc-map",
        "12-xmlrpc-empty-map",
        "13-xmlrpc-null-ref",
        "15-xmlrpc-failure-handle",
        "17-xmlrpc-async-failure-arity",
        "19-xmlrpc-escapes",
        "20-xmlrpc-session-invalid",
        "21-xmlrpc-unknown-method",
        "22-xmlrpc-list-methods",
        "26-jsonrpc2-failure",
        "27-jsonrpc1-map",
        "28-jsonrpc1-failure",
        "31-xmlrpc-keepalive",
    ],
)
def test_the_answer_is_the_recorded_one_byte_for_byte(
    client: Client, sim: Simulator, name: str
) -> None:
    request, expected = recorded(name)

    reply = play(sim, request, handles(client, request))

    assert reply.body == expected.body
    assert reply.start == expected.start
    for header in ("content-type", "cache-control", "access-control-allow-origin"):
        wanted = {k.lower(): v for k, v in expected.headers.items()}
        assert reply.headers.get(header) == wanted.get(header)


@pytest.mark.parametrize("name", ["01-xmlrpc-login", "05-xmlrpc-int", "23-jsonrpc2", "24-jsonrpc2"])
def test_the_answer_has_the_recorded_shape(client: Client, sim: Simulator, name: str) -> None:
    request, expected = recorded(name)

    reply = play(sim, request, handles(client, request))

    assert blank(reply.body) == blank(expected.body)


def blank(text: str) -> str:
    """Refs and numbers left out."""
    return re.sub(r"\d+", "0", REF.sub("REF", text)).replace('"id":0', '"id":N')


@pytest.mark.parametrize(
    "name",
    [
        "29-jsonrpc-malformed",
        "30-xmlrpc-malformed",
        "33-get-root",
        "34-get-unknown",
        "36-post-unknown",
    ],
)
def test_what_is_no_request_gets_the_recorded_page_and_a_closed_connection(
    sim: Simulator, name: str
) -> None:
    request, expected = recorded(name)

    reply = play(sim, request, {})

    assert reply.start == expected.start
    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["connection"] == "close"
    start = expected.body.split("Additional information")[0]
    assert reply.body.startswith(start)


def test_an_options_request_is_answered_as_recorded(sim: Simulator) -> None:
    request, expected = recorded("35-options-jsonrpc")

    reply = play(sim, request, {})

    assert (reply.start, reply.body) == (expected.start, "")
    assert reply.headers["access-control-allow-methods"] == "PUT"


def test_a_record_has_the_recorded_fields_in_both_encodings(client: Client, sim: Simulator) -> None:
    for name, names in (
        ("14-xmlrpc-record", re.compile("<name>(.*?)</name>")),
        ("25-jsonrpc2-record", re.compile('"([A-Za-z_]+)":')),
    ):
        request, expected = recorded(name)

        reply = play(sim, request, handles(client, request))

        assert set(names.findall(reply.body)) >= set(names.findall(expected.body)) - {"owner"}


def test_only_valid_ref_counts_carry_tagged_integers(client: Client, sim: Simulator) -> None:
    request, _ = recorded("18-xmlrpc-event-from-empty")

    reply = play(sim, request, handles(client, request))

    counts = reply.body.split("valid_ref_counts")[1]
    assert "<name>vm</name><value><i4>9</i4></value>" in counts
    assert "<i4>" not in reply.body.split("valid_ref_counts")[0]
    assert re.search(r"<name>token</name><value>\d{20},\d{20}</value>", counts)


def test_json_numbers_are_numbers_and_sessions_are_shared_with_xml(
    client: Client, sim: Simulator
) -> None:
    body = json.dumps(
        {
            "method": "VM.get_memory_static_max",
            "params": [client.session.handle, client.vm("web-1")],
            "id": "x",
        }
    )
    request = Message("POST /jsonrpc HTTP/1.1", {"Content-Type": "application/json"}, body)

    reply = play(sim, request, {})

    assert json.loads(reply.body) == {"result": 4294967296, "error": None, "id": "x"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no xml",
        "<methodCall><methodName>VM.get_all</methodName></methodCall>",
        "<methodCall><params/></methodCall>",
        "<methodCall><methodName>x</methodName><params><int>1</int></params></methodCall>",
        "<a/>",
        "<methodCall><methodName>x</methodName><params><param><value><int>a</int></value></param>"
        "</params></methodCall>",
    ],
)
def test_no_body_brings_the_simulator_down(sim: Simulator, body: str) -> None:
    request = Message("POST /RPC2 HTTP/1.1", {"Content-Type": "text/xml"}, body)

    reply = play(sim, request, {})

    assert reply.start == "HTTP/1.1 500 Internal Error"


def test_method_names_work_with_an_underscore_too(client: Client) -> None:
    server = client.session

    reply = server.VM_get_by_name_label(server.handle, "web-1")

    assert reply == {"Status": "Success", "Value": [client.vm("web-1")]}


def test_list_methods_answers_without_envelope_and_without_session(client: Client) -> None:
    names = client.session.system.listMethods()

    assert "VM.pool_migrate" in names
    assert "host.get_all_records" in names


def test_a_missing_session_is_counted_below_zero(client: Client) -> None:
    reply = client.session.VM.get_all()

    assert reply["ErrorDescription"] == [
        "MESSAGE_PARAMETER_COUNT_MISMATCH",
        "VM.get_all",
        "0",
        "-1",
    ]
