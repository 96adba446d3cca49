"""The order of the checks: what depends on another that is wrong is not looked at."""

import asyncio
from datetime import UTC, datetime

from chassis.program import StartRefused
from hostagent import assembly
from hostagent.doctor import access, controller, place
from hostagent.doctor.report import Check, healthy, wrong
from hostagent.settings import Settings
from hostagent.xapi.client import Client
from hostagent.xapi.events import EventPump
from hostagent.xapi.mirror import Mirror

PATIENCE_S = 30.0


async def examine(settings: Settings) -> list[Check]:
    """Return every check that could be made."""
    try:
        client = assembly.open_client(settings)
    except StartRefused as refused:
        mend = "correct what is named in [xapi] of the settings file"
        return [wrong("login", str(refused), mend), *await controller.reached(settings)]
    except OSError as error:
        text = f"xapi.ca_file: {settings.xapi.ca_file}: {error.strerror}"
        mend = "set it to a file with the authority's certificate in PEM"
        return [wrong("certificate", text, mend), *await controller.reached(settings)]
    try:
        return [*await _of_xapi(settings, client), *await controller.reached(settings)]
    finally:
        await client.close()


async def _of_xapi(settings: Settings, client: Client) -> list[Check]:
    now = datetime.now(UTC)
    certified = await asyncio.to_thread(access.certified, settings.xapi, now)
    entered = await access.let_in(client, settings.xapi)
    if not healthy(entered):
        return [certified, *entered]
    return [certified, *entered, *await _of_pool(settings, client)]


async def _of_pool(settings: Settings, client: Client) -> list[Check]:
    mirror = Mirror()
    pump = EventPump(client, mirror, asyncio.get_running_loop())
    pump.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await mirror.synced.wait()
        host = assembly.served_host(settings.xapi, mirror)
    except TimeoutError:
        return [wrong("pool", f"XAPI did not tell of its pool: {mirror.trouble}", "look at XAPI")]
    except StartRefused as refused:
        return [wrong("host", str(refused), "set xapi.host to the uuid of the host")]
    finally:
        pump.stop()
    own = await asyncio.to_thread(assembly.with_own_vm, settings.migration)
    return place.all_of(mirror, host, own)
