"""Does XAPI answer, is its certificate good, and are we let in?"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from chassis.tls import is_loopback
from hostagent.doctor.report import Check, doubtful, well, wrong
from hostagent.model.settings import XapiSettings
from hostagent.xapi import certificate, login
from hostagent.xapi.client import Client
from hostagent.xapi.errors import LoginRefused, XapiError

SOON = timedelta(days=30)


def certified(settings: XapiSettings, now: datetime) -> Check:
    """Look at XAPI's certificate; over http there is none, and the password travels in clear."""
    name = "certificate"
    place = urlsplit(settings.url)
    if place.scheme == "http":
        text = f"{settings.url} is not encrypted"
        if is_loopback(place.netloc):
            return well(name, f"{text}; it does not leave this machine")
        return doubtful(name, f"{text}: the password travels in clear", "use https in xapi.url")
    try:
        ends = certificate.not_after(settings)
    except certificate.Untrusted as error:
        mend = "set xapi.ca_file to the authority that signed XAPI's certificate, or correct the"
        return wrong(name, str(error), f"{mend} name in xapi.url")
    except OSError as error:
        return wrong(name, f"{settings.url}: {error}", "see to what is told of reaching XAPI")
    told = f"XAPI's certificate is trusted until {ends:%Y-%m-%d}"
    if ends - now < SOON:
        return doubtful(name, told, "renew it (xe host-refresh-server-certificate)")
    return well(name, told)


async def let_in(client: Client, settings: XapiSettings) -> list[Check]:
    """Log in; the login is only looked at where XAPI was reached."""
    reached = well("reach", f"XAPI answers at {client.url}")
    try:
        await client.read("pool.get_all")
    except LoginRefused as refusal:
        text = f"XAPI refuses {settings.user}: {login.describe(refusal)}"
        mend = "correct xapi.user and xapi.password_file"
        return [reached, wrong("login", text, mend)]
    except XapiError as error:
        mend = "correct xapi.url; is XAPI running there (xe-toolstack-restart), and reachable?"
        return [wrong("reach", login.describe(error), mend)]
    where = client.login.current().url
    return [reached, well("login", f"logged in as {settings.user} at {where}")]
