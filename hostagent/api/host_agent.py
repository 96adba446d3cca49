"""The HostAgent service: reads requests, calls operations, writes answers."""

from collections.abc import AsyncIterator
from typing import Any

from chassis.server import Service
from hostagent.api import inventory_messages, messages, requests, volume_messages
from hostagent.api.floating_ips import FloatingIpCalls
from hostagent.api.pools import PoolCalls
from hostagent.operations import (
    abort_migration,
    agent_info,
    check_on_dest,
    check_on_src,
    live_migration,
    observe_migration,
    post_at_destination,
    post_at_source,
    pre_live_migration,
    rollback_at_destination,
    rollback_at_source,
    verify_exports,
)
from hostagent.operations.agent import Agent
from xenferry.hostagent.v1 import (
    checks_pb2,
    cleanup_pb2,
    host_agent_pb2,
    host_agent_pb2_grpc,
    move_pb2,
    observation_pb2,
)

NAME = "xenferry.hostagent.v1.HostAgent"


class HostAgent(PoolCalls, FloatingIpCalls):
    """One handler an RPC; the contract says what each promises."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def CheckCanLiveMigrateOnDest(
        self, request: checks_pb2.CheckCanLiveMigrateOnDestRequest, _context: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnDestResponse:
        answer = await check_on_dest.run(self._agent, requests.dest_question(request))
        return checks_pb2.CheckCanLiveMigrateOnDestResponse(
            dest_check_data=messages.dest_check_message(answer.data),
            findings=messages.finding_messages(answer.findings),
        )

    async def CheckCanLiveMigrateOnSrc(
        self, request: checks_pb2.CheckCanLiveMigrateOnSrcRequest, _context: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnSrcResponse:
        answer = await check_on_src.run(self._agent, requests.source_question(request))
        return checks_pb2.CheckCanLiveMigrateOnSrcResponse(
            kind=messages.kind_message(answer.kind),
            findings=messages.finding_messages(answer.findings),
            estimate=messages.estimate_message(answer.estimate),
        )

    async def VerifyExports(
        self, request: checks_pb2.VerifyExportsRequest, _context: Any
    ) -> checks_pb2.VerifyExportsResponse:
        fence = requests.fence(request)
        found = await verify_exports.run(
            self._agent, fence, request.instance_id, request.source_host_id, request.dest_pool_id
        )
        return checks_pb2.VerifyExportsResponse(
            findings=messages.finding_messages(found.findings),
            volumes=[volume_messages.message(volume) for volume in found.volumes],
        )

    async def PreLiveMigration(
        self, request: move_pb2.PreLiveMigrationRequest, _context: Any
    ) -> move_pb2.PreLiveMigrationResponse:
        prepared = await pre_live_migration.run(self._agent, requests.preparation(request))
        return messages.prepared_message(prepared.leased, prepared.ticket)

    async def LiveMigration(
        self, request: move_pb2.LiveMigrationRequest, _context: Any
    ) -> AsyncIterator[move_pb2.LiveMigrationResponse]:
        async for report in live_migration.run(self._agent, requests.move(request)):
            yield messages.report_message(report)

    async def AbortMigration(
        self, request: move_pb2.AbortMigrationRequest, _context: Any
    ) -> move_pb2.AbortMigrationResponse:
        ending = await abort_migration.run(self._agent, requests.abort(request))
        return messages.ending_message(ending)

    async def ObserveMigration(
        self, request: observation_pb2.ObserveMigrationRequest, _context: Any
    ) -> observation_pb2.ObserveMigrationResponse:
        fence = requests.fence(request)
        seen = await observe_migration.run(self._agent, fence, request.instance_id, request.host_id)
        return messages.observation_message(seen)

    async def PostAtDestination(
        self, request: cleanup_pb2.PostAtDestinationRequest, _context: Any
    ) -> cleanup_pb2.PostAtDestinationResponse:
        fence = requests.fence(request)
        verified = await post_at_destination.run(
            self._agent,
            fence,
            request.instance_id,
            request.dest_host_id,
            requests.sessions(request),
        )
        return cleanup_pb2.PostAtDestinationResponse(
            findings=messages.finding_messages(verified.findings),
            items=messages.item_messages(verified.items),
        )

    async def PostAtSource(
        self, request: cleanup_pb2.PostAtSourceRequest, _context: Any
    ) -> cleanup_pb2.PostAtSourceResponse:
        fence = requests.fence(request)
        items = await post_at_source.run(
            self._agent, fence, request.instance_id, request.source_host_id
        )
        return cleanup_pb2.PostAtSourceResponse(items=messages.item_messages(items))

    async def RollbackAtDestination(
        self, request: cleanup_pb2.RollbackAtDestinationRequest, _context: Any
    ) -> cleanup_pb2.RollbackAtDestinationResponse:
        fence = requests.fence(request)
        items = await rollback_at_destination.run(
            self._agent,
            fence,
            request.instance_id,
            request.dest_host_id,
            requests.sessions(request),
        )
        return cleanup_pb2.RollbackAtDestinationResponse(items=messages.item_messages(items))

    async def RollbackAtSource(
        self, request: cleanup_pb2.RollbackAtSourceRequest, _context: Any
    ) -> cleanup_pb2.RollbackAtSourceResponse:
        fence = requests.fence(request)
        items = await rollback_at_source.run(
            self._agent, fence, request.instance_id, request.source_host_id
        )
        return cleanup_pb2.RollbackAtSourceResponse(items=messages.item_messages(items))

    async def GetAgentInfo(
        self, _request: host_agent_pb2.GetAgentInfoRequest, _context: Any
    ) -> host_agent_pb2.GetAgentInfoResponse:
        info = await agent_info.run(self._agent)
        return host_agent_pb2.GetAgentInfoResponse(
            agent_version=info.version,
            host=inventory_messages.host_message(info.host),
            xapi_url=info.xapi_url,
            agent_session_id=info.session_id,
            floating_ips=info.floating_ips,
        )


def service(agent: Agent) -> Service:
    """Return the service to be served."""
    return Service(NAME, HostAgent(agent), host_agent_pb2_grpc.add_HostAgentServicer_to_server)
