"""The checks of a fake agent: what the host has, and that the guest may leave."""

import asyncio
import uuid
from typing import Any

from chassis.errors import ServiceError
from tests.support import fake_answers
from tests.support.fake_pool import GIB, FakePool
from xenferry.common.v1 import fence_pb2, inventory_pb2
from xenferry.hostagent.v1 import checks_pb2


def local_storage(host: str, free_bytes: int = 100 * GIB) -> inventory_pb2.StorageRepository:
    """Return the SR of a host that takes disks."""
    return inventory_pb2.StorageRepository(
        sr_id=str(uuid.uuid4()),
        name=f"Local storage of {host}",
        type="ext",
        attached=True,
        free_bytes=free_bytes,
    )


class FakeChecks:
    """Answers of an agent that has nothing against a move."""

    host: inventory_pb2.HostFacts
    pool: FakePool
    _enter: Any
    asked = 0
    most_asked = 0

    @property
    def sr(self) -> inventory_pb2.StorageRepository:
        """The SR that takes disks."""
        return self.host.storage_repositories[0]

    async def CheckCanLiveMigrateOnDest(
        self, request: checks_pb2.CheckCanLiveMigrateOnDestRequest, _: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnDestResponse:
        """Answer what the host has, and for disks that come along where they would go."""
        self.asked += 1
        self.most_asked = max(self.most_asked, self.asked)
        await asyncio.sleep(0.002)
        self.asked -= 1
        await self._enter("CheckCanLiveMigrateOnDest", host_id=request.dest_host_id)
        data = checks_pb2.DestCheckData(
            host=self.host, kind=fence_pb2.MIGRATION_KIND_SHARED_STORAGE
        )
        if request.block_migration or request.source_pool_id != self.host.pool_id:
            data.kind = fence_pb2.MIGRATION_KIND_BLOCK
            data.dest_sr_id = self.sr.sr_id
            data.disk_needed_bytes = sum(d.virtual_size_bytes for d in request.instance.disks)
        passed = fake_answers.passed(f"host/{self.host.name}", f"{self.host.name} could take it")
        return checks_pb2.CheckCanLiveMigrateOnDestResponse(dest_check_data=data, findings=[passed])

    async def CheckCanLiveMigrateOnSrc(
        self, request: checks_pb2.CheckCanLiveMigrateOnSrcRequest, _: Any
    ) -> checks_pb2.CheckCanLiveMigrateOnSrcResponse:
        """Answer that the guest may leave, if the destination was asked before."""
        await self._enter("CheckCanLiveMigrateOnSrc", host_id=request.source_host_id)
        if not request.dest_check_data.host.host_id:
            raise ServiceError("INTERNAL", "the destination's answer was not carried over")
        return checks_pb2.CheckCanLiveMigrateOnSrcResponse(
            kind=request.dest_check_data.kind,
            findings=[fake_answers.passed("instance/x", "it could leave")],
            estimate=checks_pb2.MoveEstimate(
                total_bytes=4 * GIB, duration_p50_s=40, duration_p90_s=60, downtime_s=0.2
            ),
        )

    async def VerifyExports(
        self, request: checks_pb2.VerifyExportsRequest, _: Any
    ) -> checks_pb2.VerifyExportsResponse:
        """Find all storage in order; describe the pool's volumes to another pool."""
        await self._enter("VerifyExports", request.fence, request.source_host_id)
        leaves = request.dest_pool_id not in ("", self.host.pool_id)
        return checks_pb2.VerifyExportsResponse(
            findings=[fake_answers.passed("sr/nfs", "nfs answers")],
            volumes=self.pool.volumes if leaves else (),
        )
