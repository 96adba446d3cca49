"""The certificates of `--tls-dir`: an own CA, and one certificate for all hosts, made with the
openssl command.

A CA that is there already is used again, so that clients that trust it go on trusting it.
"""

import asyncio
import ssl
import tempfile
from pathlib import Path

from xapisim.errors import WorldError

CA = "ca.pem"
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
_CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")


async def server_context(directory: Path, bind: str, hosts: list[str]) -> ssl.SSLContext:
    """Writes `ca.pem` into the directory if it isn't there; the host's key is kept nowhere."""
    ca, ca_key = directory / CA, directory / "ca.key"
    if await asyncio.to_thread(_is_new, ca, ca_key):
        await _make(ca, ca_key, "xapisim CA", _CA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = ",".join([f"IP:{bind}", "DNS:localhost", *(f"DNS:{host}" for host in hosts)])
    with tempfile.TemporaryDirectory(prefix="xapisim-tls-") as scratch:
        host, key = Path(scratch) / "host.pem", Path(scratch) / "host.key"
        extensions = (f"subjectAltName={names}", "basicConstraints=critical,CA:FALSE")
        signed_by = ("-CA", str(ca), "-CAkey", str(ca_key))
        await _make(host, key, hosts[0], extensions, signed_by)
        context.load_cert_chain(host, key)
    return context


def _is_new(ca: Path, key: Path) -> bool:
    ca.parent.mkdir(parents=True, exist_ok=True)
    return not (ca.exists() and key.exists())


async def _make(
    certificate: Path,
    key: Path,
    name: str,
    extensions: tuple[str, ...],
    signed_by: tuple[str, ...] = (),
) -> None:
    where = ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={name}"]
    extra = [word for extension in extensions for word in ("-addext", extension)]
    command = ["openssl", "req", "-x509", *_KEY, *where, *extra, *signed_by]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise WorldError("--tls-dir", f"a certificate expected from openssl: {errors.decode()}")
