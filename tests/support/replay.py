"""Replays a recording of a real XAPI against the simulator: same world, same calls, same answers?

Calls run in the recorded order, those with a `lane` beside the others; with a pace they keep their
recorded distance. Knobs become faults of the simulator.
"""

import json
import threading
import time
from collections import ChainMap
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support import replay_check, replay_wire, replay_world
from tests.support.replay_match import Difference, Matcher
from tests.support.sim import Simulator

TIME_FACTOR = 3.0
"""The recorded pool's guests were small and its fakes fast: a move took 0.1 to 0.4 s."""
PATIENCE_S = 30.0
Found = list[tuple[int, str, Difference]]


class Replay:
    """One transcript on its way; `found` are the calls that differ: number, method, difference."""

    def __init__(
        self, transcript: str, scratch: Path, faults: Iterable[dict[str, Any]] = ()
    ) -> None:
        """`faults` stand for what the recorded pool's stand-ins could not do."""
        self._faults = faults
        self._doc = replay_world.load(f"transcripts/{transcript}.json")
        world = replay_world.load(self._doc["world"])
        self._world = replay_world.patched(world, self._doc.get("before", {}).get("xs1", {}))
        self._path = scratch / "golden.json"
        self._path.write_text(json.dumps(self._world))
        self._matcher = Matcher()
        self._lock = threading.Lock()
        self._knobs: dict[tuple[str, str], str] = {}
        self._lanes: dict[str, ChainMap[int, int]] = {}
        self.calls = 0
        self.found: Found = []

    def run(self, pace: float = 0.0) -> Found:
        with Simulator(self._path, time_factor=TIME_FACTOR) as sim:
            self._matcher.bound["$password"] = sim.password
            for host, address in self._doc["endpoints"].items():
                if host in sim.endpoints:
                    authority = sim.endpoints[host].removeprefix("http://")
                    self._matcher.addresses[address] = authority
            for fault in self._faults:
                sim.fault(**fault)
            self._play(sim, pace)
            self._compare_world(sim)
        return sorted(self.found, key=lambda entry: entry[0])

    def _play(self, sim: Simulator, pace: float) -> None:
        started = time.monotonic()
        lanes: dict[str, ThreadPoolExecutor] = {}
        pending: list[tuple[float, Future[None]]] = []
        for call in self._doc["calls"]:
            _wait_until(started + pace * call["t"])
            for ended, future in pending:
                if ended <= call["t"]:
                    future.result()
            if "action" in call:
                self._turn(sim, call)
            elif lane := call.get("lane"):
                worker = lanes.setdefault(lane, ThreadPoolExecutor(1))
                future = worker.submit(self._one, sim, call)
                pending.append((call["t"] + call["seconds"], future))
            else:
                self._one(sim, call)
        for _, future in pending:
            future.result()
        for worker in lanes.values():
            worker.shutdown()

    def _turn(self, sim: Simulator, call: dict[str, Any]) -> None:
        """A knob of the recording becomes a fault, and its end lifts it."""
        knob = (call["host"], call["name"])
        if earlier := self._knobs.pop(knob, None):
            sim.lift(earlier)
        if call["value"] is None:
            return
        if call["name"] != "live_phase_seconds":
            raise ValueError(f"no fault for {call}")
        seconds = call["value"] * TIME_FACTOR
        self._knobs[knob] = sim.fault(fault="slow_copy", host=call["host"], seconds=seconds)

    def _one(self, sim: Simulator, call: dict[str, Any]) -> None:
        if "do not replay" in call.get("note", ""):
            self._tidy(sim)
            return
        got = self._send(sim, call)
        if call.get("compare") == "task" and _status(call["reply"]) not in ("pending", None):
            deadline = time.monotonic() + PATIENCE_S
            while _status(got) == "pending" and time.monotonic() < deadline:
                _wait_until(time.monotonic() + 0.05)
                got = self._send(sim, call)
        with self._lock:
            self.calls += 1
            self._matcher.generations = self._seen(call)
            difference = replay_check.check(self._matcher, call, got)
            if difference is not None:
                self.found.append((call["n"], call["method"], difference))

    def _tidy(self, sim: Simulator) -> None:
        """Stands for a call that destroyed a disk no reply had shown: the one no VM has."""
        with self._lock:
            known = self._world["VDI"]
        now = replay_world.dumped(sim, "xs1", ["VDI"])["VDI"]
        loose = [ref for ref, vdi in now.items() if ref not in known and not vdi["VBDs"]]
        replay_world.destroyed(sim, "xs1", "VDI", loose)

    def _seen(self, call: dict[str, Any]) -> ChainMap[int, int]:
        """What the tokens of this call's lane stand for; each lane is a client of its own."""
        everyone = self._lanes.setdefault("", ChainMap())
        lane = call.get("lane", "")
        return self._lanes.setdefault(lane, ChainMap({}, everyone))

    def _send(self, sim: Simulator, call: dict[str, Any]) -> Any:
        with self._lock:
            bound = dict(self._matcher.bound)
            generations = dict(self._seen(call))
        if "as" in call:
            bound["$session"] = bound.get(f"${call['as']}", "OpaqueRef:no-session")
        params = Matcher(bound, generations=generations).fill(call["params"])
        gave_up = "transport_error" in call["reply"]
        return replay_wire.send(
            sim.endpoints[call["to"]],
            call["protocol"],
            call["method"],
            params,
            call["seconds"] if gave_up else PATIENCE_S,
        )

    def _compare_world(self, sim: Simulator) -> None:
        """The whole pool has to be as the recording left it."""
        after = self._doc.get("after", {}).get("xs1", {})
        expected = replay_world.patched(self._world, after)
        now = replay_world.dumped(sim, "xs1", list(self._world))
        for name, records in now.items():
            difference = self._matcher.compare(expected.get(name, {}), records, name)
            if difference is not None:
                self.found.append((9999, f"after: {name}", difference))


def _status(reply: Any) -> Any:
    record = replay_check.value(reply) if isinstance(reply, dict) else None
    return record.get("status") if isinstance(record, dict) else None


def _wait_until(moment: float) -> None:
    threading.Event().wait(max(0.0, moment - time.monotonic()))
