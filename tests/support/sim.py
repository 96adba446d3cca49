"""The simulator as a process of its own, for tests that want a XAPI to talk to."""

import http.client
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support import nursery

PASSWORD = "xenferry"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def xapisim(*arguments: str) -> Ran:
    """The simulator's command line; raises TimeoutExpired."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = nursery.launch(["xapisim", *arguments], complaints, {})
        with process.stdout:
            printed = process.stdout.read()
        status = process.wait(PATIENCE_S)
        complaints.seek(0)
        return Ran(status, printed, complaints.read())


class Simulator:
    """Runs `xapisim serve` on free ports from a world file, or from the text of a TOML world.

    `endpoints` maps a host's name to its URL. Use it as a context manager, or call stop().
    """

    def __init__(
        self,
        world: Path | str,
        *more_worlds: Path,
        time_factor: float = 1.0,
        seed: int = 0,
        password: str = PASSWORD,
        options: Sequence[str] = (),
        lockstep: bool = False,
    ) -> None:
        """In lockstep time passes by step() alone, for everything."""
        self._scratch = tempfile.TemporaryDirectory(prefix="xapisim-")
        paths = [self._as_file(world), *more_worlds]
        command = ["xapisim", "serve", *map(str, paths)]
        command += ["--time-factor", str(time_factor), "--seed", str(seed), "--password", password]
        command += [*options, *(["--clock", "lockstep"] if lockstep else [])]
        self.is_in_lockstep = lockstep
        self.user = "root"
        self.password = password
        self._log = (Path(self._scratch.name) / "stderr.log").open("w+")
        self.process = nursery.launch(command, self._log, {})
        ready = self._read_ready()
        self.endpoints: dict[str, str] = ready["endpoints"]
        self.ready = ready
        self.control: str = ready["control"]

    def _as_file(self, world: Path | str) -> Path:
        if isinstance(world, Path):
            return world
        path = Path(self._scratch.name) / "world.toml"
        path.write_text(world)
        return path

    def _read_ready(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(timeout=PATIENCE_S)
            raise RuntimeError(f"the simulator didn't start: {self.log()}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def log(self) -> str:
        """What the simulator wrote on stderr so far."""
        return Path(self._log.name).read_text()

    def fault(self, **fault: Any) -> str:
        """Arms a fault, such as `fault="hold", phase="precopy", vm="web-1"`; returns its id."""
        armed: str = self._ask("POST", "/sim/faults", fault)["faults"][0]["id"]
        return armed

    def lift(self, fault_id: str) -> None:
        self._ask("DELETE", f"/sim/faults/{fault_id}")

    def clear_faults(self) -> None:
        self._ask("DELETE", "/sim/faults")

    def step(self, seconds: float) -> float:
        """Lets a stepped clock go on; the result is how much has passed in all."""
        passed_s: float = self._ask("POST", "/sim/clock", {"step_s": seconds})["passed_s"]
        return passed_s

    def step_calls(self, seconds: float, received: int, awaited: list[int]) -> dict[str, Any]:
        """In lockstep: lets time pass once so many requests have come in, until one of the clients
        with these ports is answered; `passed_s`, `received` and the ports `under_way`.
        """
        step = {"step_s": seconds, "received": received, "awaited": awaited}
        told: dict[str, Any] = self._ask("POST", "/sim/clock", step)
        return told

    def domains(self) -> list[dict[str, Any]]:
        """What really runs: pool, host, vm (names), their uuids, domid, state, alive."""
        listed: list[dict[str, Any]] = self._ask("GET", "/sim/domains")["domains"]
        return listed

    def where(self, vm: str) -> list[str]:
        """The names of the hosts where a copy of this VM (name or uuid) is alive."""
        return [
            domain["host"]
            for domain in self.domains()
            if vm in (domain["vm"], domain["vm_uuid"]) and domain["alive"]
        ]

    def trace(self, since: int = 0) -> list[dict[str, Any]]:
        """Every call answered after that number: host, method, originator, params, outcome."""
        calls: list[dict[str, Any]] = self._ask("GET", f"/sim/trace?since={since}")["calls"]
        return calls

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        control = http.client.HTTPConnection(
            self.control.removeprefix("http://"), timeout=PATIENCE_S
        )
        try:
            control.request(method, path, None if body is None else json.dumps(body))
            reply = control.getresponse()
            answer: dict[str, Any] = json.load(reply)
        finally:
            control.close()
        if reply.status != 200:
            raise ValueError(f"{method} {path}: {answer}")
        return answer

    def stop(self) -> int:
        """Ends the simulator as an operator would; the result is its exit status."""
        self.process.terminate()
        status = self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        self._log.close()
        self._scratch.cleanup()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
