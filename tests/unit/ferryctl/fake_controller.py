"""A controller that answers what a test tells it to: real gRPC on a real port, no logic."""

import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status

from chassis.errors import NotFound, ServiceError, to_status
from xenferry.common.v1 import inventory_pb2 as facts_pb2
from xenferry.controller.v1 import (
    inventory_pb2,
    inventory_pb2_grpc,
    migration_pb2,
    scheduler_pb2,
    scheduler_pb2_grpc,
)

State: TypeAlias = "migration_pb2.MigrationState.ValueType"

XS1 = "11111111-0000-4000-8000-000000000001"
XS2 = "11111111-0000-4000-8000-000000000002"
WEB_1 = "22222222-0000-4000-8000-000000000001"
MIGRATION = "33333333-0000-4000-8000-000000000001"


def host(host_id: str, name: str) -> inventory_pb2.Host:
    """Return a host that is alive and half empty."""
    facts = facts_pb2.HostFacts(
        host_id=host_id,
        name=name,
        pool_name="demo",
        software=facts_pb2.SoftwareVersion(product_version="8.3.0"),
        memory_total_bytes=8 << 30,
        memory_free_bytes=4 << 30,
        enabled=True,
        live=True,
    )
    return inventory_pb2.Host(facts=facts, alive=True)


def instance(instance_id: str, name: str, on_host: str = XS1) -> inventory_pb2.Instance:
    """Return a running instance of 1.5 GiB."""
    facts = facts_pb2.InstanceFacts(
        instance_id=instance_id,
        name=name,
        host_id=on_host,
        power_state=facts_pb2.POWER_STATE_RUNNING,
        memory_needed_bytes=3 << 29,
        vcpus=2,
    )
    return inventory_pb2.Instance(facts=facts)


def migration(
    state: State = migration_pb2.MIGRATION_STATE_PREPARING,
    percent: float = 0.0,
    revision: int = 1,
) -> migration_pb2.Migration:
    """Return the migration of web-1 from xs1 to xs2."""
    found = migration_pb2.Migration(
        migration_id=MIGRATION,
        instance_id=WEB_1,
        instance_name="web-1",
        source_host_id=XS1,
        source_host_name="xs1",
        dest_host_id=XS2,
        dest_host_name="xs2",
        revision=revision,
        progress=migration_pb2.Progress(phase="memory", percent=percent),
    )
    found.state = state
    found.create_time.FromSeconds(1_700_000_000)
    if state == migration_pb2.MIGRATION_STATE_SUCCEEDED:
        found.end_time.FromMilliseconds(1_700_000_012_300)
    return found


class FakeController(scheduler_pb2_grpc.SchedulerServicer, inventory_pb2_grpc.InventoryServicer):
    """Both services; the attributes are what it answers and what it was asked."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.hosts = [host(XS1, "xs1"), host(XS2, "xs2")]
        self.instances = [instance(WEB_1, "web-1")]
        self.migrations = [migration()]
        self.cells: Sequence[scheduler_pb2.CheckCell] = ()
        self.changes: list[migration_pb2.Migration] = []
        self.break_after: int | None = None
        """End the first watch with UNAVAILABLE after so many changes."""
        self.error: ServiceError | None = None
        """What LiveMigration and CheckLiveMigration answer with."""
        self.failures: list[grpc.StatusCode] = []
        """Bare statuses that LiveMigration answers with first."""
        self.asked: list[Any] = []
        self.closing = threading.Event()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),)
        )
        scheduler_pb2_grpc.add_SchedulerServicer_to_server(self, self._server)
        inventory_pb2_grpc.add_InventoryServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._listen(credentials)}"
        self._server.start()

    def _listen(self, credentials: grpc.ServerCredentials | None) -> int:
        if credentials is None:
            return self._server.add_insecure_port("127.0.0.1:0")
        return self._server.add_secure_port("127.0.0.1:0", credentials)

    def stop(self) -> None:
        """End every watch and close the port."""
        self.closing.set()
        self._server.stop(0).wait()

    def LiveMigration(
        self, request: scheduler_pb2.LiveMigrationRequest, context: Any
    ) -> migration_pb2.Migration:
        """Answer with the first migration, after the failures asked for."""
        self.asked.append(request)
        if self.failures:
            context.abort(self.failures.pop(0), "as the test wants it")
        self._refuse(context)
        answer = self.migrations[0]
        answer.validated_only = request.validate_only
        return answer

    def CheckLiveMigration(
        self, request: scheduler_pb2.CheckLiveMigrationRequest, context: Any
    ) -> scheduler_pb2.CheckLiveMigrationResponse:
        """Answer with the cells."""
        self.asked.append(request)
        self._refuse(context)
        return scheduler_pb2.CheckLiveMigrationResponse(cells=self.cells)

    def GetMigration(
        self, request: scheduler_pb2.GetMigrationRequest, context: Any
    ) -> migration_pb2.Migration:
        """Answer with the migration of that id."""
        for found in self.migrations:
            if found.migration_id == request.migration_id:
                return found
        self.error = NotFound("MIGRATION_NOT_FOUND", "migration", request.migration_id, "no such")
        self._refuse(context)
        raise AssertionError

    def ListMigrations(
        self, request: scheduler_pb2.ListMigrationsRequest, context: Any
    ) -> scheduler_pb2.ListMigrationsResponse:
        """Answer with a page; the token is the offset."""
        del context
        self.asked.append(request)
        begin = int(request.page_token or 0)
        end = begin + (request.page_size or 50)
        token = str(end) if end < len(self.migrations) else ""
        page = self.migrations[begin:end]
        return scheduler_pb2.ListMigrationsResponse(migrations=page, next_page_token=token)

    def WatchMigrations(
        self, request: scheduler_pb2.WatchMigrationsRequest, context: Any
    ) -> Iterator[scheduler_pb2.WatchMigrationsResponse]:
        """Stream the changes after the revision, then stay silent."""
        self.asked.append(request)
        later = [change for change in self.changes if change.revision > request.start_revision]
        for count, change in enumerate(later):
            if count == self.break_after:
                self.break_after = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")
            yield scheduler_pb2.WatchMigrationsResponse(migration=change, revision=change.revision)
        while context.is_active() and not self.closing.wait(0.02):
            pass

    def CancelMigration(self, request: Any, context: Any) -> migration_pb2.Migration:
        """Answer with the first migration."""
        self.asked.append(request)
        self._refuse(context)
        return self.migrations[0]

    def ResolveMigration(self, request: Any, context: Any) -> migration_pb2.Migration:
        """Answer with the first migration."""
        self.asked.append(request)
        self._refuse(context)
        return self.migrations[0]

    def GetHost(self, request: inventory_pb2.GetHostRequest, context: Any) -> inventory_pb2.Host:
        """Answer with the host of that name."""
        del context
        return next(one for one in self.hosts if one.facts.name == request.host)

    def ListHosts(self, request: Any, context: Any) -> inventory_pb2.ListHostsResponse:
        """Answer with all hosts."""
        del request, context
        return inventory_pb2.ListHostsResponse(hosts=self.hosts)

    def ListInstances(
        self, request: inventory_pb2.ListInstancesRequest, context: Any
    ) -> inventory_pb2.ListInstancesResponse:
        """Answer with those that match."""
        del context
        found = [
            one
            for one in self.instances
            if request.name in ("", one.facts.name) and request.host_id in ("", one.facts.host_id)
        ]
        return inventory_pb2.ListInstancesResponse(instances=found)

    def GetInstance(self, request: Any, context: Any) -> inventory_pb2.Instance:
        """Not used."""
        raise NotImplementedError

    def WatchHosts(self, request: Any, context: Any) -> Iterator[Any]:
        """Not used."""
        raise NotImplementedError

    def WatchInstances(self, request: Any, context: Any) -> Iterator[Any]:
        """Not used."""
        raise NotImplementedError

    def SetHostMaintenance(self, request: Any, context: Any) -> inventory_pb2.Host:
        """Not used."""
        raise NotImplementedError

    def _refuse(self, context: Any) -> None:
        if self.error is not None:
            context.abort_with_status(rpc_status.to_status(to_status(self.error)))
