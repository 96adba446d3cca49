"""XAPI's certificate: who may have signed it, and until when it is good."""

import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from hostagent.model.settings import XapiSettings
from hostagent.xapi.http import Connection


class Untrusted(Exception):
    """The certificate is not signed by an authority of ours, is out of date, or names another."""


def context(settings: XapiSettings) -> ssl.SSLContext | None:
    """Return what checks XAPI's certificate; None for plain http. Raises OSError for a CA file."""
    if not settings.url.startswith("https:"):
        return None
    return ssl.create_default_context(
        cafile=str(settings.ca_file) if settings.ca_file is not None else None
    )


def not_after(settings: XapiSettings) -> datetime:
    """Return until when the certificate at the url is good; raises Untrusted or OSError."""
    checking = context(settings)
    host = urlsplit(settings.url).netloc
    try:
        connection = Connection.open(host, settings.connect_timeout_s, checking)
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(f"{host}: {error.verify_message}") from error
    try:
        told = connection.sock.getpeercert() if isinstance(connection.sock, ssl.SSLSocket) else None
    finally:
        connection.close()
    ends = str((told or {}).get("notAfter", ""))
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
