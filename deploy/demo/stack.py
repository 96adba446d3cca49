"""The whole system on one machine: simulator, an agent for each host, controller."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from chassis.channels import open_sync_channel
from chassis.tls import TlsSettings
from deploy.demo import processes
from deploy.demo.processes import Process
from xenferry.controller.v1 import (
    floating_ips_pb2_grpc,
    inventory_pb2,
    inventory_pb2_grpc,
    scheduler_pb2_grpc,
)

ROOT = Path(__file__).resolve().parents[2]
DEMO_WORLD = ROOT / "deploy" / "worlds" / "demo.toml"
# Of a simulator that only this machine can reach.
LOGIN = ("root", "xenferry")
CALL_S = 20.0


@dataclass(frozen=True, slots=True)
class Services:
    """The controller's services over one channel."""

    scheduler: scheduler_pb2_grpc.SchedulerStub
    inventory: inventory_pb2_grpc.InventoryStub
    floating_ips: floating_ips_pb2_grpc.FloatingIpsStub


@dataclass(slots=True)
class Stack:
    """Starts everything on free ports, and ends everything it started; files go to `directory`."""

    directory: Path
    world: Path = DEMO_WORLD
    time_factor: float = 1.0
    """Simulated seconds in a real one."""
    controller_tables: str = ""
    """More TOML for the controller's settings."""
    agent_tables: str = ""
    """More TOML for every agent's settings."""
    agent_tables_of: Mapping[str, str] = field(default_factory=dict)
    """Instead of agent_tables, for the agents of some hosts, by the name of the host."""
    agent_environment_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the agents of some hosts find in their environment, by the name of the host."""
    more_worlds: Sequence[Path] = ()
    """Further pools of the same simulator."""
    simulator_environment: Mapping[str, str] = field(default_factory=dict)
    """What the simulator and its plug-ins find in their environment."""
    launcher: processes.Launcher = processes.execute
    """What starts the programs."""
    password: str = LOGIN[1]
    """What the agents log in to XAPI with."""
    log_level: str = "info"
    """Of controller and agents."""
    simulator: Process = field(init=False)
    controller: Process = field(init=False)
    agents: dict[str, Process] = field(init=False, default_factory=dict)
    """By the name of the host."""

    def __post_init__(self) -> None:
        command = [processes.program("xapisim"), "serve", str(self.world)]
        command += map(str, self.more_worlds)
        command += ["--user", LOGIN[0], "--password", self.password]
        command += ["--time-factor", f"{self.time_factor:g}"]
        log, environment = self.directory / "xapisim.log", self.simulator_environment
        self.simulator = Process("xapisim", command, log, environment, self.launcher)
        self.controller = self._service(
            "xenferry-controller", "controller", self._controller_toml()
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Return host:port of the controller."""
        return str(self.controller.ready["grpc"])

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Return the address of each host's XAPI, by the host's name."""
        found: Mapping[str, str] = self.simulator.ready["endpoints"]
        return found

    @property
    def control(self) -> str:
        """Return the address where the simulator takes faults and tells its domains."""
        return str(self.simulator.ready["control"])

    @property
    def database(self) -> Path:
        """Return the controller's database."""
        return self.directory / "controller.sqlite"

    @property
    def programs(self) -> list[Process]:
        """Return all of them, in the order in which they are ended."""
        return [self.controller, *self.agents.values(), self.simulator]

    def start(self) -> None:
        """Start everything and return once every host is known and alive."""
        try:
            self.simulator.launch()
            self.controller.launch()
            self.simulator.wait_ready()
            self.controller.wait_ready()
            self._start_agents()
            processes.wait_until("all hosts to be alive", self.all_alive)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything that runs; XAPI last, so that the agents can log out."""
        for process in (self.controller, *self.agents.values()):
            process.ask_to_end()
        for process in self.programs:
            process.stop()

    def start_controller(self) -> None:
        """Start the controller again, on its address and its database."""
        self.controller.start()

    def kill_controller(self) -> None:
        """End the controller as a power cut would."""
        self.controller.kill()

    def start_agent(self, host: str) -> None:
        """Start a host's agent again, on its address."""
        self.agents[host].start()

    def kill_agent(self, host: str) -> None:
        """End a host's agent as a power cut would."""
        self.agents[host].kill()

    def command(self, *words: str) -> list[str]:
        """Return the command line of a ferryctl command on this controller."""
        return [processes.program("ferryctl"), "--controller", self.address, *words]

    @contextmanager
    def running_ferryctl(self, *words: str) -> Iterator[processes.Child]:
        """Run a ferryctl command while the block lasts, with its output caught."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with processes.running(self.command(*words), **pipes) as running:
            yield running

    def ferryctl(self, *words: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a ferryctl command to its end, with its output caught."""
        with self.running_ferryctl(*words) as running:
            out, err = running.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    @contextmanager
    def services(self) -> Iterator[Services]:
        """Yield the controller's services."""
        with open_sync_channel(self.address, TlsSettings()) as channel:
            yield Services(
                scheduler_pb2_grpc.SchedulerStub(channel),
                inventory_pb2_grpc.InventoryStub(channel),
                floating_ips_pb2_grpc.FloatingIpsStub(channel),
            )

    def hosts(self) -> Sequence[inventory_pb2.Host]:
        """Return the hosts that the controller knows."""
        with self.services() as services:
            request = inventory_pb2.ListHostsRequest(page_size=1000)
            return services.inventory.ListHosts(request, timeout=CALL_S).hosts

    def all_alive(self) -> bool:
        """Tell whether the controller has heard every agent; False while it can't be asked."""
        try:
            alive = {host.facts.name for host in self.hosts() if host.alive}
        except grpc.RpcError:
            return False
        return alive >= set(self.endpoints)

    def _start_agents(self) -> None:
        for host, url in self.endpoints.items():
            tables = self._agent_toml(host, url)
            environment = self.agent_environment_of.get(host, {})
            self.agents[host] = self._service(
                "xenferry-hostagent", f"agent-{host}", tables, environment
            )
            self.agents[host].launch()
        for agent in self.agents.values():
            agent.wait_ready()

    def _service(
        self, program: str, name: str, tables: str, environment: Mapping[str, str] | None = None
    ) -> Process:
        config = self.directory / f"{name}.toml"
        config.write_text(tables)
        command = [processes.program(program), "--config", str(config)]
        log = self.directory / f"{name}.log"
        return Process(name, command, log, environment or {}, self.launcher)

    def _serve_toml(self) -> str:
        place = f"127.0.0.1:{processes.free_port()}"
        return f'[serve]\ngrpc = "{place}"\nlog_level = "{self.log_level}"\n\n'

    def _controller_toml(self) -> str:
        return (
            f"{self._serve_toml()}"
            f'[store]\nurl = "sqlite:///{self.database}"\n\n{self.controller_tables}'
        )

    def _agent_toml(self, host: str, url: str) -> str:
        return (
            f"{self._serve_toml()}"
            f'[xapi]\nurl = "{url}"\nuser = "{LOGIN[0]}"\npassword = "{self.password}"\n'
            f'host = "{host}"\n\n'
            f'[controller]\naddress = "{self.address}"\n\n'
            f"{self.agent_tables_of.get(host, self.agent_tables)}"
        )
