"""The calls to host agents, one method a call; implements CheckAgents and MoveAgents."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio

from controller.clients import calling, failures, messages
from controller.clients.connections import Connections
from controller.clients.patience import Patience
from controller.clients.settings import AgentSettings
from controller.clients.valuables import Valuables
from controller.model.findings import Finding, errors
from controller.model.migration import CleanupItem, MigrationKind
from controller.ports.agents import (
    CheckOrder,
    DestCheck,
    MoveProgress,
    Observation,
    Order,
    PostReport,
    SourceCheck,
    StepRefused,
)
from controller.ports.clock import Clock
from controller.wire import findings, instances
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2, observation_pb2


class HostAgents:
    """Every method raises AgentError and nothing else."""

    def __init__(self, connections: Connections, settings: AgentSettings, clock: Clock) -> None:
        self._connections = connections
        self._settings = settings
        self._clock = clock
        self._valuables = Valuables()
        self._asked: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.checks_at_once)
        )

    async def check_dest(self, order: CheckOrder) -> DestCheck:
        """Ask the destination whether the instance could come."""
        request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            instance=instances.to_message(order.instance),
            source_pool_id=order.source.facts.pool_id,
            block_migration=order.block_migration,
            disk_over_commit=order.disk_over_commit,
            dest_host_id=order.dest.host_id,
        )
        stub = self._connections.stub(order.dest.host_id)
        answer = await self._check(stub.CheckCanLiveMigrateOnDest, request, order.dest.host_id)
        told = answer.dest_check_data
        found = findings.from_messages(answer.findings)
        return DestCheck(found, told.SerializeToString(), messages.disk_room(told))

    async def check_source(self, order: CheckOrder, dest: DestCheck) -> SourceCheck:
        """Ask the source whether the instance could leave for what the destination described."""
        request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
            instance_id=order.instance.instance_id,
            dest_check_data=messages.dest_check_data(dest.data),
            block_migration=order.block_migration,
            source_host_id=order.source.host_id,
        )
        stub = self._connections.stub(order.source.host_id)
        answer = await self._check(stub.CheckCanLiveMigrateOnSrc, request, order.source.host_id)
        kind = messages.kind_from_message(answer.kind)
        found = findings.from_messages(answer.findings)
        return SourceCheck(found, kind, messages.estimate(answer))

    async def verify_exports(self, order: Order) -> tuple[Finding, ...]:
        """Make the source verify the instance's storage; StepRefused names what is lost."""
        async with self._valuables.asking(order):
            answer = await self._verify(order)
        found = findings.from_messages(answer.findings)
        if errors(found):
            raise StepRefused(found)
        return found

    async def prepare_dest(self, order: Order) -> None:
        """Make the destination ready; the move takes another ticket than the one of this answer.

        A block migration waits for what the source tells of volumes, and asks where that was told
        to a process before this one.
        """
        if order.kind is MigrationKind.BLOCK:
            async with self._valuables.asking(order):
                if not self._valuables.knows_volumes(order):
                    await self._verify(order)
        await self._prepare(order)

    async def move(self, order: Order) -> AsyncIterator[MoveProgress]:
        """Move, or join the move under way; AgentBusy when the source has too many.

        A call that the agent may have heard is not made again here: where the guest is comes first.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.move_timeout_s
        patience = Patience(self._settings, failures.was_never_sent)
        while True:
            timeout_s = deadline - asyncio.get_running_loop().time()
            try:
                async for progress in self._stream(order, timeout_s):
                    yield progress
            except grpc.aio.AioRpcError as error:
                pause_s = patience.unheard_pause_s(error)
                if pause_s is None or pause_s >= timeout_s:
                    raise failures.classify(error, order.source_host_id) from error
            else:
                return
            await self._clock.sleep(pause_s)

    async def abort(self, order: Order) -> str:
        """Stop the move if XAPI still can; the outcome is what the source then saw."""
        request = move_pb2.AbortMigrationRequest(
            fence=messages.fence(order),
            instance_id=order.instance_id,
            dest_host_id=order.dest_host_id,
            source_host_id=order.source_host_id,
        )
        stub = self._connections.stub(order.source_host_id)
        answer = await self._step(stub.AbortMigration, request, order.source_host_id)
        return messages.outcome(answer.outcome)

    async def observe_source(self, order: Order) -> Observation:
        """Ask the source's agent what XAPI shows."""
        return await self._observe(order, order.source_host_id)

    async def observe_dest(self, order: Order) -> Observation:
        """Ask the destination's agent what XAPI shows."""
        return await self._observe(order, order.dest_host_id)

    async def post_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Detach at the source what only the moved guest used."""
        request = cleanup_pb2.PostAtSourceRequest(
            fence=messages.fence(order),
            instance_id=order.instance_id,
            source_host_id=order.source_host_id,
        )
        stub = self._connections.stub(order.source_host_id)
        answer = await self._step(stub.PostAtSource, request, order.source_host_id)
        return messages.cleanup(answer.items)

    async def post_at_dest(self, order: Order) -> PostReport:
        """Verify at the destination and clear the marks."""
        request = cleanup_pb2.PostAtDestinationRequest(
            fence=messages.fence(order),
            instance_id=order.instance_id,
            dest_host_id=order.dest_host_id,
            receive_tickets=self._valuables.tickets(order),
        )
        stub = self._connections.stub(order.dest_host_id)
        answer = await self._step(stub.PostAtDestination, request, order.dest_host_id)
        found = findings.from_messages(answer.findings)
        if not errors(found):
            self._valuables.forget(order)
        return PostReport(found, messages.cleanup(answer.items))

    async def rollback_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Clear the marks at the source, where the guest stays."""
        request = cleanup_pb2.RollbackAtSourceRequest(
            fence=messages.fence(order),
            instance_id=order.instance_id,
            source_host_id=order.source_host_id,
        )
        stub = self._connections.stub(order.source_host_id)
        answer = await self._step(stub.RollbackAtSource, request, order.source_host_id)
        return messages.cleanup(answer.items)

    async def rollback_at_dest(self, order: Order) -> tuple[CleanupItem, ...]:
        """Release at the destination what is leased to the migration."""
        request = cleanup_pb2.RollbackAtDestinationRequest(
            fence=messages.fence(order),
            instance_id=order.instance_id,
            dest_host_id=order.dest_host_id,
            receive_tickets=self._valuables.tickets(order),
        )
        stub = self._connections.stub(order.dest_host_id)
        answer = await self._step(stub.RollbackAtDestination, request, order.dest_host_id)
        self._valuables.forget(order)
        return messages.cleanup(answer.items)

    async def _verify(self, order: Order) -> checks_pb2.VerifyExportsResponse:
        stub = self._connections.stub(order.source_host_id)
        request = messages.verify_request(order)
        answer: checks_pb2.VerifyExportsResponse = await self._step(
            stub.VerifyExports, request, order.source_host_id
        )
        if order.kind is MigrationKind.BLOCK:
            self._valuables.keep_volumes(order, answer.volumes)
        return answer

    async def _prepare(self, order: Order) -> move_pb2.ReceiveTicket | None:
        stub = self._connections.stub(order.dest_host_id)
        request = messages.prepare_request(order, self._valuables.volumes(order))
        answer = await self._step(stub.PreLiveMigration, request, order.dest_host_id)
        if not answer.HasField("receive_ticket"):
            return None
        ticket: move_pb2.ReceiveTicket = answer.receive_ticket
        self._valuables.keep_ticket(order, ticket)
        return ticket

    async def _stream(self, order: Order, timeout_s: float) -> AsyncIterator[MoveProgress]:
        ticket = await self._prepare(order) if order.kind is MigrationKind.BLOCK else None
        stub: Any = self._connections.stub(order.source_host_id)
        outcome = ""
        request = messages.move_request(order, ticket)
        async for message in stub.LiveMigration(request, timeout=timeout_s):
            progress = messages.progress(message)
            outcome = progress.outcome
            yield progress
        if not outcome:
            raise failures.incomplete(order.source_host_id)

    async def _observe(self, order: Order, host_id: str) -> Observation:
        request = observation_pb2.ObserveMigrationRequest(
            fence=messages.fence(order), instance_id=order.instance_id, host_id=host_id
        )
        method = self._connections.stub(host_id).ObserveMigration
        patience = Patience(self._settings, failures.is_transient).pause_s
        timeout_s = self._settings.observe_timeout_s
        answer = await self._call(method, request, host_id, timeout_s, patience)
        return messages.observation(answer)

    async def _check(self, method: Callable[..., Any], request: Any, host_id: str) -> Any:
        async with self._asked[host_id]:
            patience = Patience(self._settings, failures.is_transient).pause_s
            timeout_s = self._settings.check_timeout_s
            return await self._call(method, request, host_id, timeout_s, patience)

    async def _step(self, method: Callable[..., Any], request: Any, host_id: str) -> Any:
        """Do a step; who has to wait for a busy agent is told so, because a wait may be ended."""
        patience = Patience(self._settings, failures.is_transient).unheard_pause_s
        timeout_s = self._settings.step_timeout_s
        return await self._call(method, request, host_id, timeout_s, patience)

    async def _call(
        self,
        method: Callable[..., Any],
        request: Any,
        host_id: str,
        timeout_s: float,
        pause_of: calling.PauseOf,
    ) -> Any:
        return await calling.attempt(method, request, host_id, timeout_s, pause_of, self._clock)
