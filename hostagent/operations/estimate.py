"""What a move is expected to cost, told from sizes and the speed of the wire.

XAPI does not tell how fast a guest writes its memory, so the duration is an interval: an idle guest
sends its memory once, a busy one several times, and never more than five (XAPI A16).
"""

from dataclasses import dataclass

from hostagent.model.checks import MoveEstimate

# Of a link's speed a stream carries this share; more than the second figure no stream carries.
SHARE_OF_LINK = 0.9
STREAM_BYTES_S = 450 * 1024**2
# Copies of disks: 60 MB/s were seen on 1 Gbit/s, 120 MB/s on 10 Gbit/s (XAPI A16).
SHARE_FOR_DISKS = 0.48
DISK_BYTES_S = 120e6
# Checks, building the guest's place, plugging.
PREPARING_S = 3.0
# Snapshot of a disk before, scan and clean-up after.
DISK_S, SLOW_DISK_S = 5.0, 15.0
IDLE_ROUNDS, BUSY_ROUNDS = 1.1, 3.0
# Suspending, handing over the disks, plugging: the pause of a guest that writes nothing.
SWITCHING_S = 0.8
LAST_ROUND = 0.01
# Speeds that XAPI gives for "not known".
UNKNOWN_MBPS = frozenset({0, 65535, 4294967295})


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to send, in bytes: of the disks what is stored, and what they could hold."""

    memory: int
    stored: int = 0
    virtual: int = 0
    disks: int = 0


def of(load: Load, link_mbps: int) -> MoveEstimate | None:
    """Return the estimate; None where the speed of the source's link is not known."""
    if link_mbps in UNKNOWN_MBPS or link_mbps < 0:
        return None
    link_bytes_s = link_mbps * 1e6 / 8
    wire = min(link_bytes_s * SHARE_OF_LINK, STREAM_BYTES_S)
    copy = min(link_bytes_s * SHARE_FOR_DISKS, DISK_BYTES_S)
    round_s = load.memory / wire
    return MoveEstimate(
        total_bytes=load.memory + load.stored,
        duration_p50_s=PREPARING_S
        + load.disks * DISK_S
        + load.stored / copy
        + IDLE_ROUNDS * round_s,
        duration_p90_s=PREPARING_S
        + load.disks * SLOW_DISK_S
        + load.virtual / copy
        + BUSY_ROUNDS * round_s,
        downtime_s=SWITCHING_S + LAST_ROUND * round_s,
    )
