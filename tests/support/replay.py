"""Replays a recording of a real XAPI against the simulator: same world, same calls, same answers?

Calls are sent when they were recorded, in simulated time; those with a `lane` beside the others.
Knobs become faults of the simulator.
"""

import json
from collections import ChainMap
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support import replay_check, replay_world
from tests.support.replay_knobs import TIME_FACTOR, Knobs
from tests.support.replay_match import Difference, Matcher
from tests.support.replay_stage import Call, Stage
from tests.support.replay_wire import Exchange
from tests.support.sim import Simulator
from tests.support.sim_time import SimulatedTime

FIRST = "xs1"
"""The coordinator of a recording's first pool; pools are named by their coordinators."""
OVERLAP_S = 0.05
"""From how long on two recorded calls count as under way at the same time."""
Found = list[tuple[int, str, Difference]]


class Recording:
    """A transcript, and the worlds it began in as files that the simulator reads."""

    def __init__(self, transcript: str, scratch: Path) -> None:
        self.doc = replay_world.load(f"transcripts/{transcript}.json")
        self.worlds = _worlds(self.doc)
        self.paths = [scratch / f"{name}.json" for name in self.worlds]
        for path in self.paths:
            path.write_text(json.dumps(self.worlds[path.stem]))


class Replay:
    """A recording on its way; `found` are the calls that differ: number, method, difference."""

    def __init__(self, recording: Recording, sim: Simulator) -> None:
        self._doc, self._worlds, self._sim = recording.doc, recording.worlds, sim
        self._matcher = Matcher()
        self._tokens: dict[str, ChainMap[int, int]] = {"": ChainMap()}
        self.found: Found = []
        self._matcher.bound["$password"] = sim.password
        for host, address in self._doc["endpoints"].items():
            if host in sim.endpoints:
                self._matcher.addresses[address] = sim.endpoints[host].removeprefix("http://")

    def run(self, time_factor: float, settles_s: float) -> Found:
        stage = Stage(SimulatedTime(self._sim), self._begin, self._judge)
        self._play(stage, Knobs(self._sim, time_factor))
        stage.pass_until(stage.time.now_s + settles_s)
        for name in self._worlds:
            if "$note" not in self._doc["after"]:
                self._compare_world(name, self._doc["after"].get(name, {}))
        return sorted(self.found, key=lambda entry: entry[0])

    def _play(self, stage: Stage, knobs: Knobs) -> None:
        late_s = 0.0
        for call, following in pairwise([*self._doc["calls"], {}]):
            stage.pass_until(call["t"] + late_s)
            late_s = stage.time.now_s - call["t"]
            stage.await_lanes(call["t"])
            if call.get("action") == "checkpoint":
                for name, patch in call["changed"].items():
                    self._compare_world(name, patch)
            elif "action" in call:
                knobs.turn(call)
            elif "do not replay" in call.get("note", ""):
                self._tidy()
            elif "lane" in call or _goes_on_during(call, following):
                stage.play_beside(call)
            else:
                stage.play(call)
        stage.await_lanes()

    def _begin(self, call: Call) -> Exchange:
        bound = dict(self._matcher.bound)
        if "as" in call:
            bound["$session"] = bound.get(f"${call['as']}", "OpaqueRef:no-session")
        params = Matcher(bound, generations=self._seen(call)).fill(call["params"])
        url = self._sim.endpoints[call["to"]]
        return Exchange(url, call["protocol"], call["method"], params)

    def _judge(self, call: Call, got: Any) -> None:
        self._matcher.generations = self._seen(call)
        for label in call.get("new", {}):
            self._matcher.bound.pop(label, None)
        difference = replay_check.check(self._matcher, call, got) or self._matcher.settle()
        if difference is not None:
            self.found.append((call["n"], call["method"], difference))

    def _seen(self, call: Call) -> ChainMap[int, int]:
        """What the tokens of this call's lane stand for; each lane is a client of its own."""
        lane = call.get("lane", "")
        return self._tokens.setdefault(lane, ChainMap({}, self._tokens[""]))

    def _tidy(self) -> None:
        """Stands for a call that destroyed a disk no reply had shown: the one no VM has."""
        known = self._worlds[FIRST]["VDI"]
        now = replay_world.dumped(self._sim, FIRST, ["VDI"])["VDI"]
        loose = [ref for ref, vdi in now.items() if ref not in known and not vdi["VBDs"]]
        replay_world.destroyed(self._sim, FIRST, "VDI", loose)

    def _compare_world(self, name: str, patch: replay_world.Records) -> None:
        """The whole pool has to be as the recording has it, told as what changed since it began."""
        world = self._worlds[name]
        expected = replay_world.patched(world, replay_world.with_fresh_macs(patch))
        now = replay_world.dumped(self._sim, name, list(world))
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


def replay(
    recording: Recording,
    faults: Iterable[Call] = (),
    time_factor: float = TIME_FACTOR,
    settles_s: float = 0.0,
) -> Found:
    """`faults` stand for what the recorded pool's stand-ins could not do; `time_factor` is how much
    faster that pool was than one with real guests, and `settles_s` how long after the last call it
    was looked at.
    """
    with Simulator(*recording.paths, time_factor=time_factor, lockstep=True) as sim:
        for fault in faults:
            sim.fault(**fault)
        return Replay(recording, sim).run(time_factor, settles_s)


def _worlds(doc: dict[str, Any]) -> dict[str, replay_world.Records]:
    """The pools of a recording as they were when it began, by the names of their coordinators."""
    files = {FIRST: doc["world"], **doc.get("other_worlds", {})}
    before = doc.get("before", {})
    return {
        name: replay_world.patched(replay_world.load(path), before.get(name, {}))
        for name, path in files.items()
    }


def _goes_on_during(call: dict[str, Any], following: dict[str, Any]) -> bool:
    """Whether a call was still blocking its caller when somebody else went on."""
    ended: float = call["t"] + call["seconds"]
    return "lane" in following and following["t"] < ended - OVERLAP_S
