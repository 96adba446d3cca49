"""Same world, same calls, same answers: recordings of a real XAPI 26.17, replayed call by call."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.replay import Recording, replay
from tests.support.replay_knobs import TIME_FACTOR
from tests.support.replay_world import GOLDEN

TRANSCRIPTS = GOLDEN / "transcripts"

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


TIME_FACTORS = {
    "10-events-pool-migrate": 2.0,
    "18-migrate-send-diskless": 2.0,
    "26-crash-member-source": 1.0,
    "28-crash-coordinator": 1.0,
    "29-coordinator-change": 1.0,
    "30-crash-destination-host": 1.0,
    "31-pool-join": 1.0,
    "36-pool-eject": 1.0,
}
"""What failing hosts and toolstacks took was as with real guests."""
SETTLES_S = {"29-coordinator-change": 10.0}


@pytest.mark.parametrize("name", sorted(path.stem for path in TRANSCRIPTS.iterdir()))
def test_every_recorded_call_is_answered_as_recorded(tmp_path: Path, name: str) -> None:
    faults, time_factor = STAND_INS.get(name, []), TIME_FACTORS.get(name, TIME_FACTOR)

    different = replay(Recording(name, tmp_path), faults, time_factor, SETTLES_S.get(name, 0.0))

    assert [f"call {number} {method}: {what}" for number, method, what in different] == []
