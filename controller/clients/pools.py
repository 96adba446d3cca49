"""The calls to host agents that change pools; implements PoolAgents."""

from collections.abc import Callable
from typing import Any

from controller.clients import calling
from controller.clients.connections import Connections
from controller.clients.settings import AgentSettings
from controller.model.aggregates import Operation
from controller.model.findings import Finding
from controller.ports.aggregates import JoinCheck, PoolProgress
from controller.ports.clock import Clock
from controller.wire import findings
from xenferry.hostagent.v1 import pools_pb2

_OUTCOMES = {
    pools_pb2.POOL_OPERATION_OUTCOME_DONE: "DONE",
    pools_pb2.POOL_OPERATION_OUTCOME_FAILED: "FAILED",
    pools_pb2.POOL_OPERATION_OUTCOME_UNKNOWN: "UNKNOWN",
}


class PoolClients:
    """Every method raises AgentError and nothing else."""

    def __init__(self, connections: Connections, settings: AgentSettings, clock: Clock) -> None:
        self._connections = connections
        self._settings = settings
        self._clock = clock

    async def check_join_on_host(self, host_id: str) -> JoinCheck:
        """Ask a host what stands against its joining a pool."""
        request = pools_pb2.CheckCanJoinOnHostRequest(host_id=host_id)
        method = self._connections.stub(host_id).CheckCanJoinOnHost
        answer = await self._call(method, request, host_id, self._settings.check_timeout_s)
        return JoinCheck(findings.from_messages(answer.findings), answer.joiner)

    async def check_join_on_coordinator(
        self, coordinator_id: str, check: JoinCheck, *, force: bool
    ) -> tuple[Finding, ...]:
        """Ask a pool's coordinator whether that host could join."""
        request = pools_pb2.CheckCanJoinOnCoordinatorRequest(
            coordinator_id=coordinator_id, joiner=check.joiner, force=force
        )
        method = self._connections.stub(coordinator_id).CheckCanJoinOnCoordinator
        answer = await self._call(method, request, coordinator_id, self._settings.check_timeout_s)
        return findings.from_messages(answer.findings)

    async def name_pool(self, coordinator_id: str, name: str) -> str:
        """Give a pool its name and return its uuid."""
        request = pools_pb2.NamePoolRequest(coordinator_id=coordinator_id, name=name)
        method = self._connections.stub(coordinator_id).NamePool
        pool_id: str = (await self._call(method, request, coordinator_id)).pool_id
        return pool_id

    async def designate(self, coordinator_id: str, host_id: str) -> None:
        """Have another member coordinate a pool."""
        request = pools_pb2.DesignateCoordinatorRequest(
            coordinator_id=coordinator_id, host_id=host_id
        )
        method = self._connections.stub(coordinator_id).DesignateCoordinator
        await self._call(method, request, coordinator_id)

    async def join(self, coordinator_id: str, operation: Operation) -> PoolProgress:
        """Have dom0 begin to join a host."""
        plan = operation.plan
        request = pools_pb2.JoinPoolRequest(
            operation_id=operation.operation_id,
            coordinator_id=coordinator_id,
            host_id=plan.host_id,
            address=plan.address,
            agent_instance_id=plan.agent_instance_id,
            force=plan.force,
        )
        method = self._connections.stub(coordinator_id).JoinPool
        return _progress(await self._call(method, request, coordinator_id))

    async def leave(self, coordinator_id: str, operation: Operation) -> PoolProgress:
        """Have dom0 begin to eject a host."""
        request = pools_pb2.LeavePoolRequest(
            operation_id=operation.operation_id,
            coordinator_id=coordinator_id,
            host_id=operation.plan.host_id,
            agent_instance_id=operation.plan.agent_instance_id,
            confirm_wipe=True,
        )
        method = self._connections.stub(coordinator_id).LeavePool
        return _progress(await self._call(method, request, coordinator_id))

    async def observe(self, coordinator_id: str, operation_id: str) -> PoolProgress:
        """Ask how far dom0 is."""
        request = pools_pb2.ObservePoolOperationRequest(
            operation_id=operation_id, coordinator_id=coordinator_id
        )
        method = self._connections.stub(coordinator_id).ObservePoolOperation
        return _progress(await self._call(method, request, coordinator_id))

    async def _call(
        self, method: Callable[..., Any], request: Any, host_id: str, timeout_s: float = 0.0
    ) -> Any:
        """Make a call; without a time of its own it may take as long as a step."""
        within_s = timeout_s or self._settings.step_timeout_s
        return await calling.call(method, request, host_id, within_s, self._settings, self._clock)


def _progress(message: pools_pb2.PoolOperation) -> PoolProgress:
    return PoolProgress(
        phase=message.phase,
        outcome=_OUTCOMES.get(message.outcome, ""),
        agent_state=message.agent_state,
        errors=findings.from_messages(message.errors),
        notes=tuple(message.notes),
    )
