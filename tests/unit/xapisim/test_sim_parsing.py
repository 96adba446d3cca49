"""The short way to read a plain call says what the long way says."""

import xmlrpc.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xapisim.wire import xml_in

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", " ", "a&b", "<x>", "]]>", "\r\n", "\t", "\u20ac", "OpaqueRef:NULL"]
)


@given(st.lists(TEXTS, max_size=4))
def test_texts_are_read_the_same_both_ways(texts: list[str]) -> None:
    body = xmlrpc.client.dumps(tuple(texts), "VM.get_record").encode()

    assert read(body) == read(b" " + body.split(b"?>")[1])
    plain = xml_in.parse_plain(body)
    assert plain is None or plain == xml_in.parse_general(body)


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (b"<param><value>a</value></param>", ["a"]),
        (b"<param><value></value></param><param><value><string/></value></param>", ["", ""]),
        (b"\n<param>\n<value><string>a b</string></value>\n</param>\n", ["a b"]),
        (b"<param><value><int>5</int></value></param>", [5]),
        (b"", []),
    ],
)
def test_the_forms_that_clients_use_are_read(body: bytes, params: list[object]) -> None:
    call = b"<methodCall><methodName>a.b</methodName><params>%b</params></methodCall>" % body

    assert xml_in.parse_call(call) == ("a.b", params)


def read(body: bytes) -> tuple[str, list[object]] | str:
    try:
        return xml_in.parse_call(body)
    except xml_in.MalformedRequestError:
        return "malformed"
