"""Replies, errors and addresses of XAPI."""

import xmlrpc.client

import pytest

from hostagent.xapi import classify, errors, login, parse, wire

REPLY = (
    b'<?xml version="1.0"?><methodResponse><params><param><value>%s</value></param></params>'
    b"</methodResponse>"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"123", "123"),
        (b"", ""),
        (b"a &lt; b", "a < b"),
        (b"<string>x</string>", "x"),
        (b"<i4>5</i4>", 5),
        (b"<boolean>1</boolean>", True),
        (b"<boolean>0</boolean>", False),
        (b"<double>0.5</double>", 0.5),
        (b"<dateTime.iso8601>20120709T16:23:00Z</dateTime.iso8601>", "20120709T16:23:00Z"),
        (b"<array><data></data></array>", []),
        (b"<array><data><value>a</value><value>b</value></data></array>", ["a", "b"]),
        (b"<struct></struct>", {}),
        (
            b"<struct><member><name>k</name><value><boolean>1</boolean></value></member></struct>",
            {"k": True},
        ),
        (b"<nil/>", None),
    ],
)
def test_values_are_read_as_xapi_writes_them(body: bytes, expected: object) -> None:
    assert wire.decode(REPLY % body) == expected


def test_what_the_standard_library_writes_is_read_the_same() -> None:
    value = {"Status": "Success", "Value": [1, True, "x", 0.25, {"a": []}, ""]}

    assert wire.decode(xmlrpc.client.dumps((value,), methodresponse=True).encode()) == value


def test_a_fault_is_raised_as_one() -> None:
    body = xmlrpc.client.dumps(xmlrpc.client.Fault(7, "no"), methodresponse=True)

    with pytest.raises(xmlrpc.client.Fault, match="no"):
        wire.decode(body.encode())


@pytest.mark.parametrize("body", [b"", b"<html>", b"<html></html>", b"HTTP"])
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="reply"):
        wire.decode(body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (["HANDLE_INVALID", "VM", "OpaqueRef:x"], errors.XapiGone),
        (["UUID_INVALID", "VM", "x"], errors.XapiGone),
        (["HOST_STILL_BOOTING"], errors.XapiTransient),
        (["TOO_MANY_STORAGE_MIGRATES", "3"], errors.XapiTransient),
        (["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"], errors.LoginRefused),
        (["HOST_DISABLED", "OpaqueRef:x"], errors.XapiRefused),
        (["A_CODE_OF_TOMORROW"], errors.XapiRefused),
    ],
)
def test_an_error_keeps_its_array_and_gets_its_class(error: list[str], kind: type) -> None:
    failure = classify.failure("VM.x", error)

    assert type(failure) is kind
    assert list(failure.error) == error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (("CANNOT_CONTACT_HOST", "OpaqueRef:x"), True),
        (("INTERNAL_ERROR", "xenopsd internal error: Failed during Synchronisation point 4"), True),
        (("INTERNAL_ERROR", 'Xenopsd_error([S(Sys_error("Connection reset by peer"))])'), True),
        (("INTERNAL_ERROR", 'Domain.Emu_manager_failure("xenguest Invalid argument")'), True),
        (("HOST_NOT_ENOUGH_FREE_MEMORY", "5", "1"), False),
        (("TASK_CANCELLED", "OpaqueRef:x"), False),
        ((), False),
    ],
)
def test_some_failures_prove_nothing_of_the_guest(error: tuple[str, ...], expected: bool) -> None:
    assert classify.proves_nothing(error) is expected


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("https://xs2", "10.0.0.1", "https://10.0.0.1"),
        ("http://xs2:8080", "10.0.0.1", "http://10.0.0.1:8080"),
        ("http://127.0.0.1:8081", "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://xs2", "fd00::1", "https://[fd00::1]"),
    ],
)
def test_the_coordinator_is_followed_by_its_address(url: str, address: str, expected: str) -> None:
    assert login.moved_to(url, address) == expected


def test_null_references_become_empty() -> None:
    assert parse.reference("OpaqueRef:NULL") == ""
    assert parse.references(["OpaqueRef:a", "OpaqueRef:NULL"]) == ("OpaqueRef:a",)
