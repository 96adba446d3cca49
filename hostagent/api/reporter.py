"""Tells the controller of this host: everything once, then what changed, and that we live.

The controller may be away as long as it likes: the agent serves all the same and keeps trying.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import structlog

from chassis import answers, channels
from chassis.tls import TlsSettings
from hostagent.api import inventory_messages
from hostagent.api.changes import Changes
from hostagent.model.facts import HostFacts
from hostagent.model.settings import ControllerSettings
from hostagent.operations import agent_info, inventory, look
from hostagent.operations.agent import Agent
from hostagent.xapi import hosts, login
from hostagent.xapi.errors import XapiError
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc

log = structlog.get_logger()

CALL_S = 5.0
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)
# Changes come in bursts: a move touches its VM five times, and moves come together. A fifth of a
# second is early enough for an inventory whose figures are asked for again before they are used.
DEBOUNCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells this run of this agent apart."""

    agent_address: str
    agent_version: str
    session_id: str


class Reporter:
    """Registers, then sends heartbeats, until it is cancelled."""

    def __init__(
        self, agent: Agent, settings: ControllerSettings, tls: TlsSettings, identity: Identity
    ) -> None:
        self._agent = agent
        self._settings = settings
        self._tls = tls
        self._identity = identity
        self._changes = Changes(agent.mirror, agent.host_id, agent.settings, agent.retold)
        self._channel: grpc.aio.Channel | None = None
        self._turn = 0
        self._interval_s = settings.heartbeat_s
        self._registered = False
        self._sequence = 0
        self._unanswered: host_registry_pb2.HeartbeatRequest | None = None
        self._host: HostFacts | None = None
        self._failures = 0

    async def run(self) -> None:
        """Report for ever."""
        try:
            while True:
                try:
                    await (self._heartbeat() if self._registered else self._register())
                    self._failures = 0
                except grpc.aio.AioRpcError as error:
                    await self._controller_away(error)
                except XapiError as error:
                    await self._pause("report.waits_for_xapi", login.describe(error))
        finally:
            await self._hang_up()

    async def _register(self) -> None:
        facts = await agent_info.host_facts(self._agent)
        instances = self._changes.everything()
        reply = await self._stub().RegisterHost(
            host_registry_pb2.RegisterHostRequest(
                host=inventory_messages.host_message(facts),
                instances=[inventory_messages.instance_message(instance) for instance in instances],
                agent_address=self._identity.agent_address,
                agent_version=self._identity.agent_version,
                agent_session_id=self._identity.session_id,
            ),
            timeout=CALL_S,
        )
        self._host = facts
        self._registered, self._sequence, self._unanswered = True, 0, None
        asked = reply.heartbeat_interval.ToMilliseconds() / 1000
        self._interval_s = asked or self._settings.heartbeat_s
        log.info("report.registered", host=facts.name, instances=len(instances))

    async def _heartbeat(self) -> None:
        """Tell what changed, when something did or when it is time.

        One that got no answer is sent again as it was: the controller knows it by its number.
        """
        if self._unanswered is None:
            await self._news()
            self._unanswered = await self._request()
        reply = await self._stub().Heartbeat(self._unanswered, timeout=CALL_S)
        self._unanswered = None
        if reply.register_again:
            log.info("report.register_again", sequence=self._sequence)
            self._registered = False

    async def _news(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval_s):
                await self._changes.waiting.wait()
                await asyncio.sleep(DEBOUNCE_S)

    async def _request(self) -> host_registry_pb2.HeartbeatRequest:
        host = await self._host_if_changed()
        delta = self._changes.take()
        self._sequence += 1
        return host_registry_pb2.HeartbeatRequest(
            host_id=self._agent.host_id,
            agent_session_id=self._identity.session_id,
            sequence=self._sequence,
            host=inventory_messages.host_message(host) if host else None,
            changed_instances=[inventory_messages.instance_message(one) for one in delta.changed],
            gone_instance_ids=delta.gone,
        )

    async def _host_if_changed(self) -> HostFacts | None:
        before, changes = self._host, self._changes
        if not (changes.host or changes.memory):
            return None
        free = before.memory_free_bytes if before else 0
        host = look.own_host(self._agent)
        if changes.memory:
            changes.memory = False
            free = await hosts.free_memory(self._agent.client, host.ref)
        changes.host = False
        self._host = inventory.host_facts(self._agent.mirror, host, free, self._agent.settings)
        return self._host if self._host != before else None

    def _stub(self) -> Any:  # only the type stubs know of the stub's asynchronous kind
        if self._channel is None:
            addresses = self._settings.addresses
            address = addresses[self._turn % len(addresses)]
            self._channel = channels.open_channel(address, self._tls)
        return host_registry_pb2_grpc.HostRegistryStub(self._channel)

    async def _controller_away(self, error: grpc.aio.AioRpcError) -> None:
        # A channel that failed waits ever longer before it connects again; a new one does not, and
        # it leads to the next replica.
        await self._hang_up()
        self._turn += 1
        answer = answers.read(error)
        await self._pause("report.waits_for_controller", f"{answer.code.name}: {answer.message}")

    async def _pause(self, event: str, why: str) -> None:
        if self._failures == 0:
            log.warning(event, why=why)
        pause = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        await asyncio.sleep(pause)

    async def _hang_up(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
