"""Same world, same calls, same answers: recordings of a real XAPI 26.17, replayed call by call."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.replay import Replay
from tests.support.replay_knobs import TIME_FACTOR

CD_STUCK = {
    "fault": "error",
    "method": "VBD.eject",
    "error": ["INTERNAL_ERROR", "the drive of a running guest could not be emptied"],
}
"""The recorded pool's hypervisor was a stand-in that can't change the CD of a running guest."""
NO_MIRROR = {
    "fault": "mirror_fail",
    "error": [
        "INTERNAL_ERROR",
        "Storage_error ([S(Internal_error);S(Storage_error "
        "([S(Migration_mirror_fd_failure);S(VDI Not Attached)]))])",
    ],
}
"""There was no block backend below it, so that every mirror broke at once."""
NO_COPY = {"fault": "error", "method": "VDI.copy", "error": ["VDI_COPY_FAILED", ""]}
CPU_FOLLOWS = {"fault": "cpu_follows_host"}
"""It reported the processor of the host that a guest came to as the one it had booted on."""
EARLY_CANCEL = {"fault": "early_cancel_wins"}
"""XAPI loses a task.cancel that comes before the work begins, or not; there, it did not."""
VLANS_LOST = {"fault": "vlans_lost"}
"""Its stand-in for the network daemon forgot the VLANs when the toolstack restarted."""
STAND_INS: dict[str, list[dict[str, Any]]] = {
    "07-tasks": [EARLY_CANCEL],
    "12-pool-migrate-refusals": [CD_STUCK],
    "20-migrate-send-disk-failure": [NO_MIRROR],
    "22-storage-objects": [NO_COPY],
    "26-crash-member-source": [VLANS_LOST],
    "28-crash-coordinator": [VLANS_LOST],
    "32-hetero-cpu": [CPU_FOLLOWS],
}


def replayed(
    name: str, pace: float = 0.0, time_factor: float = TIME_FACTOR, settles_s: float = 0.0
) -> Any:
    """Without a pace nothing waits; where a recording polls, `pace` is the part of its time that
    the replay takes.
    """
    return pytest.param(name, pace, time_factor, settles_s, id=name)


@pytest.mark.parametrize(
    ("name", "pace", "time_factor", "settles_s"),
    [
        replayed("01-session"),
        replayed("02-protocol-typing"),
        replayed("04-generic-accessors"),
        replayed("05-queries-aliases-methods"),
        replayed("07-tasks", 0.15),
        replayed("08-events-basics", 0.2),
        replayed("10-events-pool-migrate", 1.0, time_factor=2.0),
        replayed("11-pool-migrate-success"),
        replayed("12-pool-migrate-refusals"),
        replayed("13-concurrency", 0.1),
        replayed("15-hypervisor-failure"),
        replayed("17-assert-can-migrate"),
        replayed("18-migrate-send-diskless", 0.3, time_factor=2.0),
        replayed("20-migrate-send-disk-failure"),
        replayed("22-storage-objects"),
        replayed("24-vm-lifecycle"),
        replayed("26-crash-member-source", 0.12, time_factor=1.0),
        replayed("28-crash-coordinator", 0.1, time_factor=1.0),
        replayed("29-coordinator-change", 0.12, time_factor=1.0, settles_s=10.0),
        replayed("30-crash-destination-host", 0.05, time_factor=1.0),
        replayed("31-pool-join", 0.1, time_factor=1.0),
        replayed("32-hetero-cpu"),
        replayed("35-read-only"),
        replayed("36-pool-eject", 0.05, time_factor=1.0),
    ],
)
def test_every_recorded_call_is_answered_as_recorded(
    tmp_path: Path, name: str, pace: float, time_factor: float, settles_s: float
) -> None:
    replay = Replay(name, tmp_path, STAND_INS.get(name, []))

    different = replay.run(pace, time_factor, settles_s)

    assert [f"call {number} {method}: {what}" for number, method, what in different] == []
