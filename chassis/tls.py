"""Mutual TLS for servers and channels; without it only loopback is served or called."""

import ipaddress
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

# Not structlog: command lines import this module, and it would be a third of their start.
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate of this service, its key, and the CA that both sides trust; all or none."""

    certificate_file: Path | None = None
    """PEM chain of this service."""
    key_file: Path | None = None
    """PEM key of the certificate."""
    ca_file: Path | None = None
    """PEM of the CA that signs the certificates of all services and operators."""

    def __post_init__(self) -> None:
        given = [self.certificate_file, self.key_file, self.ca_file]
        if any(given) and not all(given):
            raise ValueError("certificate_file, key_file and ca_file go together")

    @property
    def enabled(self) -> bool:
        """Whether TLS is used at all."""
        return self.certificate_file is not None

    def paths(self) -> tuple[Path, Path, Path]:
        """Return certificate, key, CA."""
        if self.certificate_file is None or self.key_file is None or self.ca_file is None:
            raise ValueError("TLS is not configured")
        return self.certificate_file, self.key_file, self.ca_file


class PlaintextRefused(Exception):
    """Plaintext was asked for on an address that others can reach."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} is not a loopback address: "
            "set certificate_file, key_file and ca_file in [tls]"
        )


def is_loopback(address: str) -> bool:
    """Tell whether host:port can only be reached from this machine."""
    if address.startswith("unix:"):
        return True
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Rotation:
    """Reads the certificate again when its file changes, so that a renewal needs no restart."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._seen = self._mtimes()
        self.initial = self._read()

    def _mtimes(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self._settings.paths())

    def _read(self) -> grpc.ServerCertificateConfiguration:
        certificate, key, ca = (path.read_bytes() for path in self._settings.paths())
        return grpc.ssl_server_certificate_configuration([(key, certificate)], ca)

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the new certificate or None; runs on a thread of gRPC's and never raises."""
        try:
            now = self._mtimes()
            if now == self._seen:
                return None
            renewed = self._read()
        except OSError as error:  # a renewal half done: keep the old one, look again next time
            log.warning("certificate.kept why=%s", error)
            return None
        self._seen = now
        return renewed


def server_credentials(settings: TlsSettings) -> grpc.ServerCredentials:
    """Return credentials that demand a client certificate of our CA and follow renewals."""
    rotation = _Rotation(settings)
    fetch: Any = rotation.fetch  # None means "no change", which the type stubs leave out
    return grpc.dynamic_ssl_server_credentials(
        rotation.initial, fetch, require_client_authentication=True
    )


def channel_credentials(settings: TlsSettings) -> grpc.ChannelCredentials:
    """Return credentials that show our certificate and trust only our CA."""
    certificate, key, ca = (path.read_bytes() for path in settings.paths())
    return grpc.ssl_channel_credentials(ca, key, certificate)
