"""A guest whose memory may shrink gives up what it can before it moves: less has to be copied."""

from xapisim.values import Value

MIB = 2**20
PREPARE_S = 0.5
VIF_PLUG_S = 0.3
BALLOON_MIB_S = 1024.0
"""How fast a guest gives memory up; a guess."""
PATIENCE_S = 120.0
"""xenopsd goes on without the rest after that long."""


def preparation_s(fields: dict[str, Value]) -> float:
    """Until the destination waits for the memory: a domain, its interfaces, and the balloon."""
    return PREPARE_S + VIF_PLUG_S * len(fields["VIFs"]) + duration_s(fields)


def moved_bytes(fields: dict[str, Value]) -> int:
    """The memory that the guest has when its copy begins."""
    lowest: int = fields["memory_dynamic_min"]
    return max(lowest, _present(fields) - int(duration_s(fields) * BALLOON_MIB_S * MIB))


def duration_s(fields: dict[str, Value]) -> float:
    lowest: int = fields["memory_dynamic_min"]
    given_up = max(0, _present(fields) - lowest)
    return min(PATIENCE_S, given_up / MIB / BALLOON_MIB_S)


def _present(fields: dict[str, Value]) -> int:
    present: int = fields["memory_target"] or fields["memory_dynamic_max"]
    return present
