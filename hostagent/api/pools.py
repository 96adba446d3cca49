"""The pool calls of the HostAgent service."""

from dataclasses import replace
from typing import Any

from hostagent.api import inventory_messages, messages, requests
from hostagent.model.pools import JoinerFacts, PoolOperation, PoolOrder, PoolOutcome
from hostagent.operations.agent import Agent
from hostagent.operations.pools import (
    check_on_coordinator,
    check_on_host,
    designate_coordinator,
    membership,
    name_pool,
)
from xenferry.hostagent.v1 import host_agent_pb2_grpc, pools_pb2

_OUTCOMES = {
    None: pools_pb2.POOL_OPERATION_OUTCOME_UNSPECIFIED,
    PoolOutcome.DONE: pools_pb2.POOL_OPERATION_OUTCOME_DONE,
    PoolOutcome.FAILED: pools_pb2.POOL_OPERATION_OUTCOME_FAILED,
    PoolOutcome.UNKNOWN: pools_pb2.POOL_OPERATION_OUTCOME_UNKNOWN,
}


class PoolCalls(host_agent_pb2_grpc.HostAgentServicer):
    """One handler an RPC; the contract says what each promises."""

    _agent: Agent

    async def CheckCanJoinOnHost(
        self, request: pools_pb2.CheckCanJoinOnHostRequest, _context: Any
    ) -> pools_pb2.CheckCanJoinOnHostResponse:
        requests.uuids(host_id=request.host_id)
        facts, findings = await check_on_host.run(self._agent, request.host_id)
        return pools_pb2.CheckCanJoinOnHostResponse(
            joiner=_joiner_message(facts), findings=messages.finding_messages(findings)
        )

    async def CheckCanJoinOnCoordinator(
        self, request: pools_pb2.CheckCanJoinOnCoordinatorRequest, _context: Any
    ) -> pools_pb2.CheckCanJoinOnCoordinatorResponse:
        requests.uuids(
            coordinator_id=request.coordinator_id, joiner_host_id=request.joiner.host.host_id
        )
        findings = await check_on_coordinator.run(
            self._agent, request.coordinator_id, _joiner(request.joiner), force=request.force
        )
        return pools_pb2.CheckCanJoinOnCoordinatorResponse(
            findings=messages.finding_messages(findings)
        )

    async def NamePool(
        self, request: pools_pb2.NamePoolRequest, _context: Any
    ) -> pools_pb2.NamePoolResponse:
        requests.uuids(coordinator_id=request.coordinator_id)
        pool_id = await name_pool.run(self._agent, request.coordinator_id, request.name)
        return pools_pb2.NamePoolResponse(pool_id=pool_id)

    async def DesignateCoordinator(
        self, request: pools_pb2.DesignateCoordinatorRequest, _context: Any
    ) -> pools_pb2.DesignateCoordinatorResponse:
        requests.uuids(coordinator_id=request.coordinator_id, host_id=request.host_id)
        await designate_coordinator.run(self._agent, request.coordinator_id, request.host_id)
        return pools_pb2.DesignateCoordinatorResponse()

    async def JoinPool(
        self, request: pools_pb2.JoinPoolRequest, _context: Any
    ) -> pools_pb2.PoolOperation:
        order = replace(_order(request), address=request.address, force=request.force)
        return _operation_message(await membership.join(self._agent, order))

    async def LeavePool(
        self, request: pools_pb2.LeavePoolRequest, _context: Any
    ) -> pools_pb2.PoolOperation:
        order = _order(request)
        return _operation_message(
            await membership.leave(self._agent, order, confirm_wipe=request.confirm_wipe)
        )

    async def ObservePoolOperation(
        self, request: pools_pb2.ObservePoolOperationRequest, _context: Any
    ) -> pools_pb2.PoolOperation:
        requests.uuids(operation_id=request.operation_id, coordinator_id=request.coordinator_id)
        return _operation_message(
            await membership.observe(self._agent, request.coordinator_id, request.operation_id)
        )


def _order(request: pools_pb2.JoinPoolRequest | pools_pb2.LeavePoolRequest) -> PoolOrder:
    requests.uuids(
        operation_id=request.operation_id,
        coordinator_id=request.coordinator_id,
        host_id=request.host_id,
    )
    return PoolOrder(
        operation_id=request.operation_id,
        coordinator_id=request.coordinator_id,
        host_id=request.host_id,
        agent_instance_id=request.agent_instance_id,
    )


def _joiner_message(facts: JoinerFacts) -> pools_pb2.JoinerFacts:
    return pools_pb2.JoinerFacts(
        host=inventory_messages.host_message(facts.host),
        running_vms=facts.running_vms,
        shared_storage_repositories=facts.shared_srs,
        forbidden_networks=facts.forbidden_networks,
        pool_size=facts.pool_size,
        product_brand=facts.product_brand,
    )


def _joiner(message: pools_pb2.JoinerFacts) -> JoinerFacts:
    return JoinerFacts(
        host=inventory_messages.host(message.host),
        running_vms=tuple(message.running_vms),
        shared_srs=tuple(message.shared_storage_repositories),
        forbidden_networks=tuple(message.forbidden_networks),
        pool_size=message.pool_size,
        product_brand=message.product_brand,
    )


def _operation_message(operation: PoolOperation) -> pools_pb2.PoolOperation:
    return pools_pb2.PoolOperation(
        operation_id=operation.operation_id,
        phase=operation.phase,
        outcome=_OUTCOMES[operation.outcome],
        agent_state=operation.agent_state,
        errors=messages.finding_messages(operation.errors),
        notes=operation.notes,
    )
