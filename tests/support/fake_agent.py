"""A host agent without a hypervisor: a real gRPC servicer over a FakePool, with faults by name.

A fault is armed for a method and used up by its next calls:
  unavailable   UNAVAILABLE before anything is done
  lost_reply    the thing is done, and the answer is UNAVAILABLE
  refused       FAILED_PRECONDITION with XAPI's error array
  stale         ABORTED, STALE_EPOCH
  busy          RESOURCE_EXHAUSTED, TOO_MANY_MIGRATIONS, come back in 50 ms
  silent        no answer until the caller gives up
  broken        an exception that nobody foresaw
"""

import asyncio
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from chassis.errors import Conflict, ServiceError, Unavailable
from chassis.server import Service
from tests.support import fake_answers
from tests.support.fake_carrier import FakeCarrier
from tests.support.fake_checks import FakeChecks, local_storage
from tests.support.fake_pool import GIB, FakePool
from xenferry.common.v1 import fence_pb2, inventory_pb2
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc
from xenferry.hostagent.v1 import (
    cleanup_pb2,
    host_agent_pb2_grpc,
    move_pb2,
    observation_pb2,
)


class FakeAgent(FakeChecks, FakeCarrier):
    """The agent of one host of a pool."""

    GetAgentInfo: Any = None  # what no test of the controller calls
    CheckCanJoinOnHost: Any = None
    CheckCanJoinOnCoordinator: Any = None
    NamePool: Any = None
    DesignateCoordinator: Any = None
    JoinPool: Any = None
    LeavePool: Any = None
    ObservePoolOperation: Any = None

    def __init__(self, pool: FakePool, name: str, free_bytes: int = 64 * GIB) -> None:
        super().__init__()
        self.pool = pool
        self.session_id = str(uuid.uuid4())
        self.calls: Counter[str] = Counter()
        self.epochs: dict[str, int] = {}
        self.host = inventory_pb2.HostFacts(
            host_id=str(uuid.uuid4()),
            name=name,
            pool_id=pool.pool_id,
            pool_name="pool",
            hypervisor_type="xen",
            software=inventory_pb2.SoftwareVersion(
                product_version="8.3.0", platform_version="3.4.0", xapi_build="24.1", xen="4.17"
            ),
            memory_total_bytes=128 * GIB,
            memory_free_bytes=free_bytes,
            enabled=True,
            live=True,
            storage_repositories=[local_storage(name)],
        )
        self.stubborn: list[str] = []
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self._sequence = 0

    @property
    def host_id(self) -> str:
        """The host's uuid."""
        return self.host.host_id

    def service(self) -> Service:
        """Return what a chassis server serves."""
        add: Any = host_agent_pb2_grpc.add_HostAgentServicer_to_server
        return Service("xenferry.hostagent.v1.HostAgent", self, add)

    def guest(self, name: str, disk_bytes: int = 0) -> inventory_pb2.InstanceFacts:
        """Put a running guest on this host and return its facts."""
        disk = inventory_pb2.Disk(
            vdi_id=str(uuid.uuid4()), sr_id=self.sr.sr_id, virtual_size_bytes=disk_bytes
        )
        facts = inventory_pb2.InstanceFacts(
            instance_id=str(uuid.uuid4()),
            name=name,
            host_id=self.host_id,
            power_state=inventory_pb2.POWER_STATE_RUNNING,
            memory_needed_bytes=4 * GIB,
            vcpus=2,
            disks=[disk] if disk_bytes else [],
        )
        self.pool.add(facts)
        return facts

    def fail(self, method: str, *faults: str) -> None:
        """Arm faults for the next calls of a method."""
        self._faults[method].extend(faults)

    def lift(self, method: str) -> None:
        """Disarm the faults of a method."""
        self._faults[method].clear()

    async def register(self, controller: grpc.aio.Channel, address: str) -> None:
        """Tell a controller of this host and of what runs on it."""
        stub = host_registry_pb2_grpc.HostRegistryStub(controller)
        mine = [g.facts for g in self.pool.guests.values() if self._is_mine(g.facts)]
        request = host_registry_pb2.RegisterHostRequest(
            host=self.host,
            instances=mine,
            agent_address=address,
            agent_version="fake",
            agent_session_id=self.session_id,
        )
        await stub.RegisterHost(request, timeout=10)
        self._sequence = 0

    async def heartbeat(self, controller: grpc.aio.Channel, **changes: Any) -> bool:
        """Send a heartbeat; returns whether the controller asks to register again."""
        self._sequence += 1
        stub = host_registry_pb2_grpc.HostRegistryStub(controller)
        request = host_registry_pb2.HeartbeatRequest(
            host_id=self.host_id,
            agent_session_id=self.session_id,
            sequence=self._sequence,
            **changes,
        )
        return bool((await stub.Heartbeat(request, timeout=10)).register_again)

    async def PreLiveMigration(
        self, request: move_pb2.PreLiveMigrationRequest, _: Any
    ) -> move_pb2.PreLiveMigrationResponse:
        """Prepare volumes; for a block migration, give a ticket that is good once."""
        lost = await self._enter("PreLiveMigration", request.fence, request.dest_host_id)
        self.pool.attached = list(request.volumes) or self.pool.attached
        self._reply(lost)
        answer = move_pb2.PreLiveMigrationResponse()
        if request.kind == fence_pb2.MIGRATION_KIND_BLOCK:
            if request.dest_check_data.dest_sr_id != self.sr.sr_id:
                raise ServiceError("INTERNAL", "the destination's own answer did not come back")
            answer.receive_ticket.values["ticket"] = self.pool.issue_ticket()
        return answer

    async def LiveMigration(
        self, request: move_pb2.LiveMigrationRequest, _: Any
    ) -> AsyncIterator[move_pb2.LiveMigrationResponse]:
        """Move, and stream how far it is."""
        lost = await self._enter("LiveMigration", request.fence, request.source_host_id)
        guest = self.pool.guests.get(request.instance_id)
        if guest is None:
            yield move_pb2.LiveMigrationResponse(outcome=move_pb2.MOVE_OUTCOME_ARRIVED)
            return
        into = None
        if request.kind == fence_pb2.MIGRATION_KIND_BLOCK:
            into = self.pool.redeem(request.receive_ticket.values["ticket"])
            if into is None or not request.dest_check_data.dest_sr_id:
                raise fake_answers.ERRORS["refused"]()
        self.pool.move(request.instance_id, request.dest_host_id, request.fence.migration_id, into)
        while self.pool.is_moving(request.instance_id):
            yield move_pb2.LiveMigrationResponse(
                phase=move_pb2.MOVE_PHASE_MEMORY,
                percent=guest.percent,
                cancellable=True,
                task_id="task",
                bytes_done=int(guest.percent * GIB / 100),
                bytes_total=GIB,
            )
            self._reply(lost)
            await asyncio.sleep(max(self.pool.move_s / 20, 0.001))
        self._reply(lost)
        last = move_pb2.LiveMigrationResponse(percent=guest.percent)
        if guest.facts.host_id == request.dest_host_id:
            last.outcome = move_pb2.MOVE_OUTCOME_ARRIVED
        else:
            last.outcome = move_pb2.MOVE_OUTCOME_STAYED
            last.error.CopyFrom(fake_answers.failed(guest.error))
        yield last

    async def AbortMigration(
        self, request: move_pb2.AbortMigrationRequest, _: Any
    ) -> move_pb2.AbortMigrationResponse:
        """Stop the move, if there is one."""
        lost = await self._enter("AbortMigration", request.fence, request.source_host_id)
        guest = self.pool.guests.get(request.instance_id)
        self.pool.abort(request.instance_id)
        self._reply(lost)
        stayed = guest is not None and guest.facts.host_id == request.source_host_id
        outcome = move_pb2.MOVE_OUTCOME_STAYED if stayed else move_pb2.MOVE_OUTCOME_ARRIVED
        return move_pb2.AbortMigrationResponse(outcome=outcome)

    async def ObserveMigration(
        self, request: observation_pb2.ObserveMigrationRequest, _: Any
    ) -> observation_pb2.ObserveMigrationResponse:
        """Show what the pool knows."""
        await self._enter("ObserveMigration", host_id=request.host_id)
        guest = self.pool.guests.get(request.instance_id)
        if guest is None:
            return observation_pb2.ObserveMigrationResponse(
                host_id=self.host_id,
                pool_id=self.host.pool_id,
                host_live=True,
                residue=self.stubborn,
            )
        answer = observation_pb2.ObserveMigrationResponse(
            present=True,
            power_state=guest.facts.power_state,
            resident_host_id=guest.facts.host_id,
            current_operations=guest.facts.current_operations,
            tagged=request.fence.migration_id in guest.marks,
            host_id=self.host_id,
            pool_id=self.host.pool_id,
            host_live=True,
            residue=self.stubborn,
        )
        if guest.task_status and answer.tagged:
            answer.task.task_id = "task"
            answer.task.status = observation_pb2.TaskStatus.Value(
                f"TASK_STATUS_{guest.task_status}"
            )
            answer.task.error_info[:] = guest.error
        return answer

    async def PostAtSource(
        self, request: cleanup_pb2.PostAtSourceRequest, _: Any
    ) -> cleanup_pb2.PostAtSourceResponse:
        """Detach nothing."""
        self._reply(await self._enter("PostAtSource", request.fence, request.source_host_id))
        return cleanup_pb2.PostAtSourceResponse()

    async def PostAtDestination(
        self, request: cleanup_pb2.PostAtDestinationRequest, _: Any
    ) -> cleanup_pb2.PostAtDestinationResponse:
        """Verify, and clear the mark."""
        lost = await self._enter("PostAtDestination", request.fence, request.dest_host_id)
        removed = self._clear(request.instance_id, request.fence.migration_id)
        self.pool.end(request.receive_tickets)
        self._reply(lost)
        return cleanup_pb2.PostAtDestinationResponse(
            findings=[fake_answers.passed("instance/x", "it runs here")], items=removed
        )

    async def RollbackAtSource(
        self, request: cleanup_pb2.RollbackAtSourceRequest, _: Any
    ) -> cleanup_pb2.RollbackAtSourceResponse:
        """Clear the mark."""
        lost = await self._enter("RollbackAtSource", request.fence, request.source_host_id)
        removed = self._clear(request.instance_id, request.fence.migration_id)
        self._reply(lost)
        return cleanup_pb2.RollbackAtSourceResponse(items=removed)

    async def RollbackAtDestination(
        self, request: cleanup_pb2.RollbackAtDestinationRequest, _: Any
    ) -> cleanup_pb2.RollbackAtDestinationResponse:
        """Release nothing but tickets."""
        lost = await self._enter("RollbackAtDestination", request.fence, request.dest_host_id)
        self.pool.end(request.receive_tickets)
        self._reply(lost)
        return cleanup_pb2.RollbackAtDestinationResponse(items=fake_answers.left(self.stubborn))

    def _is_mine(self, facts: inventory_pb2.InstanceFacts) -> bool:
        return facts.host_id in (self.host_id, "")

    def _clear(self, instance_id: str, migration_id: str) -> list[cleanup_pb2.CleanupItem]:
        guest = self.pool.guests.get(instance_id)
        marks = guest.marks if guest else set()
        if migration_id not in marks:
            return []
        marks.discard(migration_id)
        removed = cleanup_pb2.CLEANUP_ACTION_REMOVED
        return [cleanup_pb2.CleanupItem(subject="tag/migration_id", action=removed)]

    async def _enter(
        self, method: str, fence: fence_pb2.Fence | None = None, host_id: str | None = None
    ) -> bool:
        """Count the call, keep the fence, act out a fault; True: the answer is to get lost."""
        self.calls[method] += 1
        if host_id not in (None, self.host_id):
            raise ServiceError("WRONG_HOST", f"this is {self.host_id}, not {host_id}")
        fault = self._faults[method].popleft() if self._faults[method] else ""
        if fence is not None:
            newest = max(fence.epoch, self.epochs.get(fence.migration_id, 0))
            self.epochs[fence.migration_id] = newest
            if fence.epoch < newest or fault == "stale":
                raise Conflict("STALE_EPOCH", f"epoch {fence.epoch} is over")
        if fault == "silent":
            await asyncio.sleep(60)
        if fault == "broken":
            raise ZeroDivisionError(method)
        if fault in fake_answers.ERRORS:
            raise fake_answers.ERRORS[fault]()
        return fault == "lost_reply"

    def _reply(self, lost: bool) -> None:
        if lost:
            raise Unavailable("AGENT_UNAVAILABLE", "the answer got lost")
