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
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support import replay_check, replay_wire, replay_world
from tests.support.replay_knobs import TIME_FACTOR, Knobs
from tests.support.replay_match import Difference, Matcher
from tests.support.sim import Simulator

PATIENCE_S = 30.0
FIRST = "xs1"
"""The coordinator of a recording's first pool; pools are named by their coordinators."""
AT_ONCE = 0.1
"""How fast the simulator's time is where nothing waits for it."""
OVERLAP_S = 0.05
"""From how long on two recorded calls count as under way at the same time."""
_POLL = "event.from"
Found = list[tuple[int, str, Difference]]


class Replay:
    """One transcript on its way; `found` are the calls that differ: number, method, difference."""

    def __init__(
        self, transcript: str, scratch: Path, faults: Iterable[dict[str, Any]] = ()
    ) -> None:
        """`faults` stand for what the recorded pool's stand-ins could not do."""
        self._faults = faults
        self._doc = replay_world.load(f"transcripts/{transcript}.json")
        self._worlds = _worlds(self._doc)
        self._paths = {name: scratch / f"{name}.json" for name in self._worlds}
        for name, path in self._paths.items():
            path.write_text(json.dumps(self._worlds[name]))
        self._matcher = Matcher()
        self._lock = threading.Lock()
        self._lanes: dict[str, ChainMap[int, int]] = {}
        self._pace = 1.0
        self.calls = 0
        self.found: Found = []

    def run(
        self, pace: float = 0.0, time_factor: float = TIME_FACTOR, settles_s: float = 0.0
    ) -> Found:
        """`pace` is the part of the recorded time that the replay takes; 0 waits for nothing.
        `time_factor` is how much faster the recorded pool was than one with real guests, and
        `settles_s` how long after the last call it was looked at.
        """
        self._pace = pace or AT_ONCE
        with Simulator(*self._paths.values(), time_factor=time_factor / self._pace) as sim:
            self._matcher.bound["$password"] = sim.password
            for host, address in self._doc["endpoints"].items():
                if host in sim.endpoints:
                    authority = sim.endpoints[host].removeprefix("http://")
                    self._matcher.addresses[address] = authority
            for fault in self._faults:
                sim.fault(**fault)
            self._play(sim, Knobs(sim, time_factor), pace)
            _wait_until(time.monotonic() + pace * settles_s)
            for name in self._worlds:
                if "$note" not in self._doc["after"]:
                    self._compare_world(sim, name, self._doc["after"].get(name, {}))
        return sorted(self.found, key=lambda entry: entry[0])

    def _play(self, sim: Simulator, knobs: Knobs, pace: float) -> None:
        started = time.monotonic()
        lanes: dict[str, ThreadPoolExecutor] = {}
        pending: list[tuple[float, Future[None]]] = []
        for call, following in pairwise([*self._doc["calls"], {}]):
            due = started + pace * call["t"]
            _wait_until(due)
            started += max(0.0, time.monotonic() - due) if pace else 0.0
            for ended, future in pending:
                if ended <= call["t"]:
                    future.result()
            if call.get("action") == "checkpoint":
                for name, patch in call["changed"].items():
                    self._compare_world(sim, name, patch)
            elif "action" in call:
                knobs.turn(call)
            elif "lane" in call or _goes_on_during(call, following):
                worker = lanes.setdefault(call.get("lane", ""), ThreadPoolExecutor(1))
                future = worker.submit(self._one, sim, call)
                pending.append((call["t"] + call["seconds"], future))
            else:
                self._one(sim, call)
        for _, future in pending:
            future.result()
        for worker in lanes.values():
            worker.shutdown()

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
            for label in call.get("new", {}):
                self._matcher.bound.pop(label, None)
            difference = replay_check.check(self._matcher, call, got) or self._matcher.settle()
            if difference is not None:
                self.found.append((call["n"], call["method"], difference))

    def _tidy(self, sim: Simulator) -> None:
        """Stands for a call that destroyed a disk no reply had shown: the one no VM has."""
        with self._lock:
            known = self._worlds[FIRST]["VDI"]
        now = replay_world.dumped(sim, FIRST, ["VDI"])["VDI"]
        loose = [ref for ref, vdi in now.items() if ref not in known and not vdi["VBDs"]]
        replay_world.destroyed(sim, FIRST, "VDI", loose)

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
        if call["method"] == _POLL and self._pace < 1:
            params = _hurried(params, self._pace)
        gave_up = "transport_error" in call["reply"]
        return replay_wire.send(
            sim.endpoints[call["to"]],
            call["protocol"],
            call["method"],
            params,
            call["seconds"] * self._pace if gave_up else PATIENCE_S,
        )

    def _compare_world(self, sim: Simulator, name: str, patch: replay_world.Records) -> None:
        """The whole pool has to be as the recording has it, told as what changed since it began."""
        world = self._worlds[name]
        expected = replay_world.patched(world, replay_world.with_fresh_macs(patch))
        now = replay_world.dumped(sim, name, list(world))
        for class_name in replay_world.told_apart_first(now):
            records = now[class_name]
            if class_name in replay_world.OF_THE_STAND_INS:
                continue
            wanted = expected.get(class_name, {})
            difference = self._matcher.compare(wanted, records, class_name)
            if difference is not None:
                self.found.append((9999, f"after at {name}: {class_name}", difference))
        if difference := self._matcher.settle():
            self.found.append((9999, f"after at {name}", difference))


def _hurried(params: list[Any], pace: float) -> list[Any]:
    """A poll that waits as much less as the replay is faster."""
    return [param * pace if isinstance(param, float) else param for param in params]


def _worlds(doc: dict[str, Any]) -> dict[str, replay_world.Records]:
    """The pools of a recording as they were when it began, by the names of their coordinators."""
    files = {FIRST: doc["world"], **doc.get("other_worlds", {})}
    before = doc.get("before", {})
    return {
        name: replay_world.patched(replay_world.load(path), before.get(name, {}))
        for name, path in files.items()
    }


def _status(reply: Any) -> Any:
    record = replay_check.value(reply) if isinstance(reply, dict) else None
    return record.get("status") if isinstance(record, dict) else None


def _goes_on_during(call: dict[str, Any], following: dict[str, Any]) -> bool:
    """Whether a call was still blocking its caller when somebody else went on."""
    ended: float = call["t"] + call["seconds"]
    return "lane" in following and following["t"] < ended - OVERLAP_S


def _wait_until(moment: float) -> None:
    threading.Event().wait(max(0.0, moment - time.monotonic()))
