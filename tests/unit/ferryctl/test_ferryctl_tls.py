"""ferryctl and a controller that show each other certificates."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from chassis import tls
from ferryctl import exits, main
from tests.unit.ferryctl.fake_controller import FakeController


def issue(ca: trustme.CA, directory: Path, name: str) -> tls.TlsSettings:
    """Return the files of a certificate for 127.0.0.1."""
    issued = ca.issue_cert("127.0.0.1", common_name=name)
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    authority = directory / f"{name}.ca"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    ca.cert_pem.write_to_path(str(authority))
    return tls.TlsSettings(certificate, key, authority)


def options(files: tls.TlsSettings) -> list[str]:
    certificate, key, authority = files.paths()
    return ["--certificate", str(certificate), "--key", str(key), "--ca", str(authority)]


@pytest.fixture
def authority() -> trustme.CA:
    """Return the authority that the controller trusts."""
    return trustme.CA()


@pytest.fixture
def controller(authority: trustme.CA, tmp_path: Path) -> Iterator[FakeController]:
    """Yield a controller that wants to see certificates."""
    files = issue(authority, tmp_path, "controller")
    fake = FakeController(tls.server_credentials(files))
    yield fake
    fake.stop()


def test_a_certificate_of_the_same_authority_is_let_in(
    controller: FakeController, authority: trustme.CA, tmp_path: Path
) -> None:
    files = issue(authority, tmp_path, "operator")

    code = main.run(["--controller", controller.address, *options(files), "hosts"])

    assert code == exits.OK


def test_a_certificate_of_another_authority_is_not(
    controller: FakeController, tmp_path: Path
) -> None:
    files = issue(trustme.CA(), tmp_path, "stranger")

    code = main.run(["--controller", controller.address, *options(files), "hosts"])

    assert code == exits.UNAVAILABLE
