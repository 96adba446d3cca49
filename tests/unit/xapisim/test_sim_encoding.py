"""Values to the wire and back."""

import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xapisim.values import I4, VOID, DateTime, Record
from xapisim.wire import json_rpc, xml_in, xml_out

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
PARAMS = st.recursive(
    TEXT | st.integers(-(2**31), 2**31 - 1) | st.booleans() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(PARAMS, max_size=4))
def test_what_the_python_client_sends_is_what_the_simulator_reads(params: list[Any]) -> None:
    body = xmlrpc.client.dumps(tuple(params), "VM.call").encode()

    method, read = xml_in.parse_call(body)

    assert method == "VM.call"
    assert read == params


def test_texts_without_a_tag_and_nil_are_read() -> None:
    body = (
        b"<methodCall><methodName>a.b</methodName><params><param><value>x &amp; y</value></param>"
        b"<param><value><nil/></value></param><param><value></value></param></params></methodCall>"
    )

    assert xml_in.parse_call(body) == ("a.b", ["x & y", None, ""])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a<b>&\"'\x01", "<value>a&lt;b&gt;&amp;&quot;'</value>"),
        (5, "<value>5</value>"),
        (I4(5), "<value><i4>5</i4></value>"),
        (True, "<value><boolean>1</boolean></value>"),
        (1.0, "<value><double>1</double></value>"),
        (0.1, "<value><double>0.1</double></value>"),
        (DateTime("19700101T00:00:00Z"), None),
        ([], "<value><array><data></data></array></value>"),
        ({}, "<value><struct></struct></value>"),
        (VOID, "<value></value>"),
    ],
)
def test_values_are_written_as_xapi_writes_them(value: Any, text: str | None) -> None:
    expected = text or "<value><dateTime.iso8601>19700101T00:00:00Z</dateTime.iso8601></value>"

    assert xml_out.encode(value) == expected


def test_a_record_is_encoded_once() -> None:
    record = Record({"uuid": "u", "n": 1})

    assert xml_out.encode(record) is xml_out.encode(record)
    assert "<name>n</name><value>1</value>" in xml_out.encode(record)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"method":"a","params":[]}', b'{"method":"a","params":[],"id":null}', b"{"],
)
def test_a_json_body_without_method_params_and_id_is_malformed(body: bytes) -> None:
    with pytest.raises(xml_in.MalformedRequestError):
        json_rpc.parse_call(body)


def test_json_replies_take_the_version_of_the_request() -> None:
    old = json_rpc.parse_call(b'{"method":"a","params":[],"id":"x"}')
    new = json_rpc.parse_call(b'{"jsonrpc":"2.0","method":"a","params":[],"id":1}')

    assert json_rpc.success(old, VOID) == b'{"result":"","error":null,"id":"x"}'
    assert json_rpc.success(new, [1, True]) == b'{"jsonrpc":"2.0","result":[1,true],"id":1}'
    assert (
        json_rpc.failure(new, ["E", "p"])
        == b'{"jsonrpc":"2.0","error":{"code":1,"message":"E","data":["p"]},"id":1}'
    )
