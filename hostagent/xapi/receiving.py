"""The ticket with which another host's XAPI sends a VM here: a session, so a bearer credential."""

from collections.abc import Mapping

from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError

SESSION = "session_id"


async def receive(client: Client, host: str, network: str) -> dict[str, str]:
    """Return a new ticket; XAPI reserves nothing and the session lives until it is ended."""
    ticket: Mapping[str, str] = await client.change("host.migrate_receive", host, network, {})
    return dict(ticket)


async def end(client: Client, session: str) -> bool:
    """End a ticket's session; tell whether it has ended. One that XAPI forgot has."""
    try:
        await client.run(lambda: client.foreign_now(session, "session.logout"))
    except XapiError as error:
        return error.error[:1] in (("SESSION_INVALID",), ("HANDLE_INVALID",))
    return True


async def touch(client: Client, session: str) -> None:
    """Use a ticket's session, lest XAPI count it among the longest unused; raises XapiError."""
    await client.run(lambda: client.foreign_now(session, "session.get_uuid", session))
