"""XAPI's secrets: what a device_config names instead of a password."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError

# PBD.create makes a secret of its own out of what a key of this kind names (xapi 26.17).
SUFFIX = "password_secret"


async def value(client: Client, uuid: str) -> str:
    """Return what a secret holds; raises XapiGone."""

    def read() -> str:
        return str(client.read_now("secret.get_value", client.read_now("secret.get_by_uuid", uuid)))

    return await client.run(read)


@asynccontextmanager
async def lent(
    client: Client, values: Mapping[str, str], marks: Mapping[str, str]
) -> AsyncIterator[dict[str, str]]:
    """Yield the uuids of new secrets by the same keys; they go afterwards. Raises XapiError."""
    made: list[str] = []
    try:
        yield {key: await _make(client, text, marks, made) for key, text in values.items()}
    finally:
        for ref in made:
            with contextlib.suppress(XapiError):  # it is marked, and nobody uses it
                await client.change("secret.destroy", ref)


async def _make(client: Client, text: str, marks: Mapping[str, str], made: list[str]) -> str:
    record = {"value": text, "other_config": dict(marks)}
    made.append(str(await client.change("secret.create", record)))
    return str(await client.read("secret.get_uuid", made[-1]))
