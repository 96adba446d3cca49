"""How patient the controller is with pools."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AggregateSettings:
    """Times of operations on pools."""

    poll_s: float = 2.0
    """Seconds between two questions to dom0 while it works."""
    agent_wait_s: float = 900.0
    """Seconds to wait for a host's agent after the host has joined, or failed to: xapi restarts,
    storage is attached, the agent VM boots."""
    give_up_s: float = 3600.0
    """Seconds without any answer of the pool's coordinator, after which the operation ends with
    its outcome unknown."""

    agent_retry_cap_s: float = 300.0
    """Longest pause, in seconds, between two attempts to start the agent VM of a host after an
    operation has failed; the first pause is poll_s, and each is twice the one before."""

    def __post_init__(self) -> None:
        for name in ("poll_s", "agent_wait_s", "give_up_s", "agent_retry_cap_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name):g}")
