"""Puts the agent together: XAPI first, then the service, then the reports to the controller."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from chassis.lifetime import Lifetime
from chassis.program import Application, StartRefused
from hostagent.api import errors, host_agent
from hostagent.api.reporter import Identity, Reporter
from hostagent.dataplane import choosing
from hostagent.dataplane.carrier import Carrier, Unusable
from hostagent.model.floating_ips import FloatingIpSettings
from hostagent.model.records import HostRecord
from hostagent.model.settings import MigrationSettings, XapiSettings
from hostagent.operations import look
from hostagent.operations.agent import Agent
from hostagent.operations.block import keeping
from hostagent.operations.fences import Fences
from hostagent.operations.leases.arrivals import Arrivals
from hostagent.operations.moves import Moves
from hostagent.settings import Settings
from hostagent.xapi import login
from hostagent.xapi.client import Client
from hostagent.xapi.errors import LoginRefused, XapiError
from hostagent.xapi.events import EventPump
from hostagent.xapi.mirror import Mirror

log = structlog.get_logger()

RETRY_S = 1.0
# A guest of Xen finds its own uuid here.
OWN_VM = Path("/sys/hypervisor/uuid")


@asynccontextmanager
async def assemble(settings: Settings, lifetime: Lifetime) -> AsyncIterator[Application]:
    """Yield the agent once XAPI has told of the pool; raises StartRefused."""
    del lifetime
    carrier = await _carrier(settings.floating_ips)
    client = open_client(settings)
    mirror = Mirror()
    pump = EventPump(client, mirror, asyncio.get_running_loop())
    limits = settings.migration
    moves = Moves(limits.max_concurrent_moves, limits.max_storage_moves)
    try:
        await _log_in(client)
        pump.start()
        await mirror.synced.wait()
        agent = _agent(settings, client, mirror, moves, carrier)
        Arrivals(agent)
        async with (
            contextlib.aclosing(agent.turns),
            keeping.keeping(agent),
            _reports(agent, settings) as report,
        ):
            yield Application(
                services=(host_agent.service(agent),),
                on_serving=report,
                trouble=lambda: mirror.trouble,
                translate=errors.translate,
            )
    finally:
        await moves.close()
        pump.stop()
        await client.close()
        await carrier.close()


async def _carrier(settings: FloatingIpSettings) -> Carrier:
    try:
        return await choosing.open_carrier(settings)
    except Unusable as why:
        raise StartRefused(str(why)) from why


def _agent(
    settings: Settings, client: Client, mirror: Mirror, moves: Moves, carrier: Carrier
) -> Agent:
    host = served_host(settings.xapi, mirror)
    client.login.guard.serve(host.uuid, look.pool(mirror).uuid)
    log.info("agent.serves", host=host.name, host_id=host.uuid)
    return Agent(
        client=client,
        mirror=mirror,
        host_id=host.uuid,
        settings=with_own_vm(settings.migration),
        fences=Fences(),
        moves=moves,
        carrier=carrier,
        session_id=str(uuid.uuid4()),
        version=version("xenferry"),
    )


def open_client(settings: Settings) -> Client:
    """Return what reaches XAPI, not logged in; raises StartRefused for the password's file."""
    password = settings.xapi.password
    file = settings.xapi.password_file
    if file is not None:
        try:
            password = file.read_text("utf-8").partition("\n")[0]
        except OSError as error:
            raise StartRefused(f"xapi.password_file: {file}: {error.strerror}") from error
    return Client(settings.xapi, password, settings.migration.max_concurrent_moves)


async def _log_in(client: Client) -> None:
    """Wait for XAPI as long as it takes, but not with a password that it does not accept."""
    told = ""
    while True:
        try:
            await client.read("pool.get_all")
        except LoginRefused as refusal:
            raise StartRefused(f"XAPI at {client.url} refuses: {login.describe(refusal)}") from None
        except XapiError as error:
            if str(error) != told:
                log.warning("agent.waits_for_xapi", why=str(error))
            told = str(error)
            await asyncio.sleep(RETRY_S)
        else:
            return


def served_host(settings: XapiSettings, mirror: Mirror) -> HostRecord:
    """Return the host that the settings mean; raises StartRefused unless it is exactly one."""
    hosts = list(mirror.hosts.values())
    if settings.host:
        found = [host for host in hosts if settings.host in (host.uuid, host.name)]
    elif len(hosts) == 1:
        found = hosts
    else:
        place = urlsplit(settings.url)
        found = [host for host in hosts if host.address in (place.hostname, place.netloc)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(f"{host.name} ({host.uuid}, {host.address})" for host in hosts))
    meant = f"xapi.host {settings.host!r}" if settings.host else f"the address in {settings.url}"
    raise StartRefused(
        f"{meant} names {len(found)} hosts of the pool; set xapi.host to the uuid of one of {names}"
    )


def with_own_vm(settings: MigrationSettings) -> MigrationSettings:
    """Return the settings with the VM that this machine is, where they name none."""
    if settings.own_vm or not OWN_VM.exists():
        return settings
    return replace(settings, own_vm=OWN_VM.read_text("ascii").strip())


class _Reports:
    """Starts the reports once the address is known at which the agent serves."""

    def __init__(self, agent: Agent, settings: Settings) -> None:
        self._agent = agent
        self._settings = settings
        self.task: asyncio.Task[None] | None = None

    async def start(self, address: str) -> None:
        """Report from now on, if a controller is configured."""
        if not self._settings.controller.address:
            return
        identity = Identity(address, self._agent.version, self._agent.session_id)
        settings = self._settings
        reporter = Reporter(self._agent, settings.controller, settings.tls, identity)
        self.task = asyncio.create_task(reporter.run())


@asynccontextmanager
async def _reports(
    agent: Agent, settings: Settings
) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    reports = _Reports(agent, settings)
    try:
        yield reports.start
    finally:
        if reports.task is not None:
            reports.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reports.task
