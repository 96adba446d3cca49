"""Mutual TLS: a certificate of our CA on both sides, or no call at all."""

import ipaddress
import os
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme

from chassis.channels import open_channel
from chassis.tls import TlsSettings
from tests.service.chassis import moody
from tests.support.serving import serving
from xenferry.controller.v1 import inventory_pb2, inventory_pb2_grpc


def issue(ca: trustme.CA, folder: Path, name: str) -> TlsSettings:
    """Write a certificate for `name` and 127.0.0.1, and return the settings that use it."""
    folder.mkdir(exist_ok=True)
    issued = ca.issue_cert(str(ipaddress.ip_address("127.0.0.1")), name)
    certificate, key, root = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    root.write_bytes(ca.cert_pem.bytes())
    return TlsSettings(certificate, key, root)


async def ask(address: str, tls: TlsSettings) -> str:
    async with open_channel(address, tls) as channel:
        stub = inventory_pb2_grpc.InventoryStub(channel)
        host = await stub.GetHost(inventory_pb2.GetHostRequest(host="xs1"), timeout=5)
        return host.agent_address


async def test_both_sides_show_a_certificate_of_the_same_ca(tmp_path: Path) -> None:
    ca = trustme.CA()
    server, client = issue(ca, tmp_path / "s", "agent"), issue(ca, tmp_path / "c", "controller")

    async with serving([moody.service(moody.Moody())], tls=server) as address:
        assert await ask(address, client) == "xs1"


async def test_a_client_without_a_certificate_of_our_ca_gets_nothing(tmp_path: Path) -> None:
    ours, other = trustme.CA(), trustme.CA()
    server, stranger = issue(ours, tmp_path / "s", "agent"), issue(other, tmp_path / "c", "eve")

    async with serving([moody.service(moody.Moody())], tls=server) as address:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(address, stranger)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    server = issue(old, tmp_path / "s", "agent")
    client = issue(new, tmp_path / "c", "controller")

    async with serving([moody.service(moody.Moody())], tls=server) as address:
        issue(new, tmp_path / "s", "agent")
        for path in server.paths():
            os.utime(path, ns=(0, 0))  # a clock too coarse must not hide the renewal

        assert await ask(address, client) == "xs1"


def test_half_a_tls_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="go together"):
        TlsSettings(certificate_file=tmp_path / "cert.pem")
