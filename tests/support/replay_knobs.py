"""The actions of a recording, played as faults of the simulator: what the recorded pool's stand-ins
for the hypervisor were told, and what befell its daemons and hosts.
"""

from typing import Any

from tests.support.sim import Simulator

TIME_FACTOR = 3.0
"""The recorded pool's guests were small and its fakes fast: a move took 0.1 to 0.4 s."""
_INCIDENTS = {"kill_toolstack": "restart_toolstack", "host_power_loss": "host_death"}


class Knobs:
    """A knob is turned until it is turned again; what befell a host, once."""

    def __init__(self, sim: Simulator, time_factor: float) -> None:
        self._sim = sim
        self._time_factor = time_factor
        self._armed: dict[tuple[str, str], str] = {}

    def turn(self, action: dict[str, Any]) -> None:
        if action["action"] in _INCIDENTS:
            self._sim.fault(fault=_INCIDENTS[action["action"]], host=action["host"])
            return
        knob = (action["host"], action["name"])
        if earlier := self._armed.pop(knob, None):
            self._sim.lift(earlier)
        if action["value"] is not None:
            self._armed[knob] = self._sim.fault(host=action["host"], **self._fault(action))

    def _fault(self, action: dict[str, Any]) -> dict[str, Any]:
        if action["name"] == "live_phase_seconds":
            return {"fault": "slow_copy", "seconds": action["value"] * self._time_factor}
        if action["name"] == "fail_save":
            return {"fault": "fail_save", "text": action["value"]}
        raise ValueError(f"no fault for {action}")
