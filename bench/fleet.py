"""A fleet of hosts without hypervisors: one gRPC server answers as the agent of every host.

Its moves take no time, or last until they are released, so that what is measured is the controller.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from xenferry.common.v1 import fence_pb2, inventory_pb2
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc
from xenferry.hostagent.v1 import (
    checks_pb2,
    cleanup_pb2,
    host_agent_pb2_grpc,
    move_pb2,
    observation_pb2,
)

GIB = 1024**3
POOL = str(uuid.uuid4())
SHARED_STORAGE = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
REGISTERED_AT_ONCE = 20
# What an agent takes to ask its XAPI.
CHECK_S = 0.005


class Fleet(host_agent_pb2_grpc.HostAgentServicer):
    """All hosts of one pool and what runs on them."""

    AbortMigration: Any = None  # what no run of the benchmark calls
    RollbackAtDestination: Any = None
    RollbackAtSource: Any = None
    ApplyFloatingIps: Any = None
    GetAgentInfo: Any = None
    CheckCanJoinOnHost: Any = None
    CheckCanJoinOnCoordinator: Any = None
    NamePool: Any = None
    DesignateCoordinator: Any = None
    JoinPool: Any = None
    LeavePool: Any = None
    ObservePoolOperation: Any = None

    def __init__(self, hosts: int, instances: int) -> None:
        self.hosts = [_host(number) for number in range(hosts)]
        self._host = {host.host_id: host for host in self.hosts}
        self.places: dict[str, str] = {}
        self.marks: dict[str, str] = {}
        self.facts: dict[str, inventory_pb2.InstanceFacts] = {}
        self.moves_by_epoch: Counter[int] = Counter()
        self.most_at_once = 0
        """The most checks that agents were asked at the same time."""
        self._checks = 0
        self.something = asyncio.Condition()
        self.open_gate = asyncio.Event()
        self.open_gate.set()
        self.address = ""
        for number in range(instances):
            host = self.hosts[number % hosts]
            facts = _instance(number, host.host_id)
            self.places[facts.instance_id] = host.host_id
            self.facts[facts.instance_id] = facts
        self._sessions = {host.host_id: str(uuid.uuid4()) for host in self.hosts}
        self._sequences: Counter[str] = Counter()
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add: Any = host_agent_pb2_grpc.add_HostAgentServicer_to_server
        add(self, self._server)

    async def start(self) -> None:
        """Serve on a free port of this machine."""
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()

    async def stop(self) -> None:
        """Serve no more."""
        self.open_gate.set()
        await self._server.stop(0)

    async def register(self, controller: grpc.aio.Channel) -> None:
        """Register every host."""
        gate = asyncio.Semaphore(REGISTERED_AT_ONCE)

        async def one(host: inventory_pb2.HostFacts) -> None:
            async with gate:
                await self._register(controller, host)

        await asyncio.gather(*(one(host) for host in self.hosts))

    async def heartbeats(self, controller: grpc.aio.Channel, every_s: float) -> None:
        """Send every host's heartbeats, evenly spread, until cancelled."""
        stub: Any = host_registry_pb2_grpc.HostRegistryStub(controller)
        pause_s = every_s / len(self.hosts)
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            for host in self.hosts:
                due_s += pause_s
                await asyncio.sleep(max(due_s - loop.time(), 0))
                await self._heartbeat(stub, controller, host)

    async def wait_for_moves(self, epoch: int, count: int) -> None:
        """Return once so many moves of an epoch were asked for."""
        async with self.something:
            await self.something.wait_for(lambda: self.moves_by_epoch[epoch] >= count)

    async def _register(self, controller: grpc.aio.Channel, host: inventory_pb2.HostFacts) -> None:
        stub: Any = host_registry_pb2_grpc.HostRegistryStub(controller)
        here = [key for key, place in self.places.items() if place == host.host_id]
        request = host_registry_pb2.RegisterHostRequest(
            host=host,
            instances=[self.facts[key] for key in here],
            agent_address=self.address,
            agent_version="bench",
            agent_session_id=self._sessions[host.host_id],
        )
        await stub.RegisterHost(request, timeout=60, wait_for_ready=True)
        self._sequences[host.host_id] = 0

    async def _heartbeat(
        self, stub: Any, controller: grpc.aio.Channel, host: inventory_pb2.HostFacts
    ) -> None:
        self._sequences[host.host_id] += 1
        request = host_registry_pb2.HeartbeatRequest(
            host_id=host.host_id,
            agent_session_id=self._sessions[host.host_id],
            sequence=self._sequences[host.host_id],
        )
        try:
            answer = await stub.Heartbeat(request, timeout=10)
            if answer.register_again:
                await self._register(controller, host)
        except grpc.aio.AioRpcError:
            self._sequences[host.host_id] -= 1

    async def CheckCanLiveMigrateOnDest(
        self, request: checks_pb2.CheckCanLiveMigrateOnDestRequest, _: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnDestResponse:
        """Answer that the host has room."""
        self._checks += 1
        self.most_at_once = max(self.most_at_once, self._checks)
        await asyncio.sleep(CHECK_S)
        self._checks -= 1
        data = checks_pb2.DestCheckData(host=self._host[request.dest_host_id], kind=SHARED_STORAGE)
        return checks_pb2.CheckCanLiveMigrateOnDestResponse(dest_check_data=data)

    async def CheckCanLiveMigrateOnSrc(
        self, request: checks_pb2.CheckCanLiveMigrateOnSrcRequest, _: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnSrcResponse:
        """Answer that the guest may leave."""
        del request
        await asyncio.sleep(CHECK_S)
        return checks_pb2.CheckCanLiveMigrateOnSrcResponse(kind=SHARED_STORAGE)

    async def VerifyExports(
        self, request: checks_pb2.VerifyExportsRequest, _: Any
    ) -> checks_pb2.VerifyExportsResponse:
        """Find everything in order."""
        del request
        return checks_pb2.VerifyExportsResponse()

    async def PreLiveMigration(
        self, request: move_pb2.PreLiveMigrationRequest, _: Any
    ) -> move_pb2.PreLiveMigrationResponse:
        """Prepare nothing."""
        del request
        return move_pb2.PreLiveMigrationResponse()

    async def LiveMigration(
        self, request: move_pb2.LiveMigrationRequest, _: Any
    ) -> AsyncIterator[move_pb2.LiveMigrationResponse]:
        """Move as soon as the gate is open."""
        self.marks[request.instance_id] = request.fence.migration_id
        async with self.something:
            self.moves_by_epoch[request.fence.epoch] += 1
            self.something.notify_all()
        yield move_pb2.LiveMigrationResponse(phase=move_pb2.MOVE_PHASE_MEMORY, percent=1)
        await self.open_gate.wait()
        self.places[request.instance_id] = request.dest_host_id
        self.facts[request.instance_id].host_id = request.dest_host_id
        yield move_pb2.LiveMigrationResponse(percent=100, outcome=move_pb2.MOVE_OUTCOME_ARRIVED)

    async def ObserveMigration(
        self, request: observation_pb2.ObserveMigrationRequest, _: Any
    ) -> observation_pb2.ObserveMigrationResponse:
        """Show where the guest is, and that it is on its way while the gate is closed."""
        place = self.places[request.instance_id]
        marked = self.marks.get(request.instance_id) == request.fence.migration_id
        moving = marked and not self.open_gate.is_set()
        answer = observation_pb2.ObserveMigrationResponse(
            present=True,
            power_state=inventory_pb2.POWER_STATE_RUNNING,
            resident_host_id=place,
            current_operations=["pool_migrate"] if moving else [],
            tagged=marked,
            host_id=request.host_id,
            pool_id=POOL,
            host_live=True,
        )
        if moving:
            answer.task.task_id = "task"
            answer.task.status = observation_pb2.TASK_STATUS_PENDING
        return answer

    async def PostAtSource(
        self, request: cleanup_pb2.PostAtSourceRequest, _: Any
    ) -> cleanup_pb2.PostAtSourceResponse:
        """Detach nothing."""
        del request
        return cleanup_pb2.PostAtSourceResponse()

    async def PostAtDestination(
        self, request: cleanup_pb2.PostAtDestinationRequest, _: Any
    ) -> cleanup_pb2.PostAtDestinationResponse:
        """Clear the mark."""
        self.marks.pop(request.instance_id, None)
        return cleanup_pb2.PostAtDestinationResponse()


def _host(number: int) -> inventory_pb2.HostFacts:
    return inventory_pb2.HostFacts(
        host_id=str(uuid.uuid4()),
        name=f"xs{number}",
        pool_id=POOL,
        pool_name="fleet",
        hypervisor_type="xen",
        software=inventory_pb2.SoftwareVersion(
            product_version="8.3.0", platform_version="3.4.0", xapi_build="24.1", xen="4.17"
        ),
        memory_total_bytes=4096 * GIB,
        memory_free_bytes=4000 * GIB,
        cpu_count=64,
        cpu_vendor="AuthenticAMD",
        enabled=True,
        live=True,
        storage_repositories=[
            inventory_pb2.StorageRepository(
                sr_id=f"00000000-0000-4000-8000-{sr:012d}",
                name=f"nfs-{sr}",
                type="nfs",
                shared=True,
                attached=True,
                free_bytes=1024 * GIB,
            )
            for sr in range(3)
        ],
    )


def _instance(number: int, host_id: str) -> inventory_pb2.InstanceFacts:
    disks = [
        inventory_pb2.Disk(
            vdi_id=str(uuid.uuid4()),
            name=f"disk {disk}",
            sr_id=f"00000000-0000-4000-8000-{disk:012d}",
            sr_name=f"nfs-{disk}",
            shared=True,
            virtual_size_bytes=20 * GIB,
        )
        for disk in range(2)
    ]
    return inventory_pb2.InstanceFacts(
        instance_id=str(uuid.uuid4()),
        name=f"web-{number}",
        host_id=host_id,
        power_state=inventory_pb2.POWER_STATE_RUNNING,
        memory_needed_bytes=4 * GIB,
        vcpus=2,
        disks=disks,
    )
