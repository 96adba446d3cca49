"""Where faults strike: two pools, three hosts, a relay before each agent and its controller."""

import functools
import ipaddress
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from deploy.demo import processes, simulator, xapi
from deploy.demo.processes import wait_until
from deploy.demo.stack import CALL_S, ROOT, Stack
from deploy.faults.wire import Wire
from xenferry.controller.v1 import floating_ips_pb2, inventory_pb2, migration_pb2, scheduler_pb2

HOSTS = ("n1", "n2", "f1")
WORLDS = [ROOT / "deploy" / "worlds" / name for name in ("rehearsal.toml", "rehearsal-far.toml")]
TIME_FACTOR = 200.0
OPEN_WITHIN_S = 30.0

# Nothing is waited for longer than a machine with everything on it needs.
CONTROLLER = """[inventory]
heartbeat_s = 0.2
alive_after_s = 4.0

[agents]
step_timeout_s = 3.0
observe_timeout_s = 3.0
move_timeout_s = 6.0
check_timeout_s = 8.0

[saga]
prepare_timeout_s = 6.0
retry_first_s = 0.1
retry_cap_s = 0.5
refused_retry_s = 0.5
settle_first_s = 0.1
settle_cap_s = 0.3
settle_quiet_s = 1.0
settle_timeout_s = 10.0
settle_stuck_s = 0.3
settle_slowest_mib_per_s = 100000.0
crash_retry_s = 1.0

[floating_ips]
retry_first_s = 0.1
retry_cap_s = 0.5
release_first_s = 0.5
"""
AGENT = """[migration]
poll_s = 1.0
doubt_s = 1.0
operations_s = 2.0
lost_reply_s = 1.0
lost_xapi_s = 2.0
sr_matching_filter = "other-config:rehearsal=local"
"""
XAPI_READ_S = "3.0"
POOL, NETWORK = "public", "203.0.113.0/24"
# Each guest has so many floating IPs.
ADDRESSES_EACH = 2


class Ground:
    """Runs a stack whose calls to agents, and whose agents' calls to the controller, can be cut."""

    def __init__(self, directory: Path, launcher: processes.Launcher = processes.execute) -> None:
        self._directory = directory
        self._launcher = launcher
        self._exits = ExitStack()
        self.wire = Wire()
        self.stack: Stack
        self.instance_ids: Mapping[str, str] = {}
        """uuid of each guest by its name."""

    def __enter__(self) -> Self:
        try:
            self._exits.enter_context(self.wire)
            self.stack = self._stack()
            self._exits.enter_context(self.stack)
            self._mark_local_storage()
            self.instance_ids = self._ids()
            self._give_addresses()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    @property
    def control(self) -> str:
        """Return where the simulator takes faults."""
        return self.stack.control

    def host_of(self, instance: str) -> str:
        """Return the name of the host that the controller has an instance on."""
        names = {host.facts.host_id: host.facts.name for host in self.stack.hosts()}
        return names.get(self.instance(instance).facts.host_id, "")

    def instance(self, name: str) -> inventory_pb2.Instance:
        """Return an instance as the controller has it."""
        request = inventory_pb2.GetInstanceRequest(instance=name)
        with self.stack.services() as services:
            return services.inventory.GetInstance(request, timeout=CALL_S)

    def migrate(self, instance: str, dest: str, *, block: bool) -> str:
        """Ask for a migration until it is accepted, and return its id."""
        instance_id = self.instance(instance).facts.instance_id
        request = scheduler_pb2.LiveMigrationRequest(
            instance_id=instance_id, dest=dest, block_migration=block
        )
        deadline = time.monotonic() + OPEN_WITHIN_S
        while True:
            try:
                with self.stack.services() as services:
                    return services.scheduler.LiveMigration(request, timeout=CALL_S).migration_id
            except grpc.RpcError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def migration(self, migration_id: str) -> migration_pb2.Migration | None:
        """Return a migration; None while the controller does not answer."""
        request = scheduler_pb2.GetMigrationRequest(migration_id=migration_id)
        try:
            with self.stack.services() as services:
                return services.scheduler.GetMigration(request, timeout=CALL_S)
        except grpc.RpcError:
            return None

    def cancel(self, migration_id: str) -> bool:
        """Ask for a migration to be stopped; tell whether the controller gave an answer."""
        request = scheduler_pb2.CancelMigrationRequest(migration_id=migration_id)
        try:
            with self.stack.services() as services:
                services.scheduler.CancelMigration(request, timeout=CALL_S)
        except grpc.RpcError as error:
            return error.code() is grpc.StatusCode.FAILED_PRECONDITION
        return True

    def cut(self, hosts: Sequence[str], *, off: bool) -> None:
        """Cut hosts' agents from the controller, in both directions, or mend that."""
        for host in hosts:
            self.wire.cut(host, off=off)
            self.wire.cut(f"controller of {host}", off=off)

    def heal(self) -> None:
        """Lift every fault, mend every wire, start what does not run."""
        simulator.lift_all(self.control)
        self.mend()

    def mend(self) -> None:
        """Mend every wire, start what does not run; faults of the simulator stay armed."""
        self.wire.disarm()
        self.cut(HOSTS, off=False)
        for process in self.stack.programs:
            if not process.running:
                process.start()
        wait_until("all hosts to be alive", self.stack.all_alive)

    def _stack(self) -> Stack:
        environments = {}
        for host in HOSTS:
            agent = self.wire.relay(host, functools.partial(self._grpc_of, host))
            controller = self.wire.relay(f"controller of {host}", lambda: self.stack.address)
            environments[host] = {
                "XENFERRY_SERVE_ADVERTISE": agent,
                "XENFERRY_CONTROLLER_ADDRESS": controller,
                "XENFERRY_XAPI_READ_TIMEOUT_S": XAPI_READ_S,
            }
        return Stack(
            self._directory,
            world=WORLDS[0],
            more_worlds=WORLDS[1:],
            time_factor=TIME_FACTOR,
            controller_tables=CONTROLLER,
            agent_tables=AGENT,
            agent_environment_of=environments,
            launcher=self._launcher,
        )

    def _ids(self) -> dict[str, str]:
        request = inventory_pb2.ListInstancesRequest(page_size=1000)
        with self.stack.services() as services:
            found = services.inventory.ListInstances(request, timeout=CALL_S).instances
        return {one.facts.name: one.facts.instance_id for one in found}

    def _give_addresses(self) -> None:
        """Lead floating IPs to every guest, to addresses that they don't tell of themselves."""
        create = floating_ips_pb2.CreateFloatingIpPoolRequest(name=POOL, cidr=NETWORK)
        fixed = ipaddress.ip_network("10.0.0.0/24").hosts()
        with self.stack.services() as services:
            service = services.floating_ips
            service.CreateFloatingIpPool(create, timeout=CALL_S)
            for instance_id in (*self.instance_ids.values(),) * ADDRESSES_EACH:
                taken = service.AllocateFloatingIp(
                    floating_ips_pb2.AllocateFloatingIpRequest(pool=POOL), timeout=CALL_S
                )
                request = floating_ips_pb2.AssociateFloatingIpRequest(
                    floating_ip=taken.address,
                    instance=instance_id,
                    fixed_address=str(next(fixed)),
                    unverified=True,
                )
                service.AssociateFloatingIp(request, timeout=CALL_S)

    def _grpc_of(self, host: str) -> str:
        return str(self.stack.agents[host].ready["grpc"])

    def _mark_local_storage(self) -> None:
        """Make the local SRs those that agents choose for disks that come."""
        for url in xapi.coordinators(self.stack.endpoints.values()):
            with xapi.session(url) as xenapi:
                for ref, record in xenapi.SR.get_all_records().items():
                    if record["name_label"].endswith("-local"):
                        xenapi.SR.add_to_other_config(ref, "rehearsal", "local")
