"""How patient the saga is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SagaSettings:
    """Times are seconds."""

    prepare_timeout_s: float = 120.0
    """How long an agent that does not answer is asked again before the move; then the migration is
    rolled back. Two minutes outlast the restart of an agent or a toolstack."""

    retry_first_s: float = 1.0
    """The first pause before a step is tried again; each further one is twice as long."""

    retry_cap_s: float = 30.0
    """The longest pause while agents don't answer: half a minute after they are back, all goes on.
    """

    refused_retry_s: float = 60.0
    """The pause after a step that must be done was refused, or left residue: what refuses seldom
    changes its mind by itself, and an operator who changes it can wait a minute."""

    stuck_after_s: float = 600.0
    """How long a step that must be done is tried before the migration is called STUCK, which
    alerts. It is tried on. Residue makes it STUCK at once."""

    settle_first_s: float = 0.5
    """The first pause before both sides are asked again where the guest is."""

    settle_cap_s: float = 5.0
    """The longest such pause. Questions are cheap, and a guest that nobody finds is not."""

    settle_quiet_s: float = 15.0
    """How long "runs at the source and nothing moves it" must hold before it is believed. XAPI
    corrects itself 8 to 9 s after a restarted toolstack; this is that with a margin."""

    settle_slowest_mib_per_s: float = 20.0
    """When XAPI forgot the task of a move that had begun, the guest's memory may still be on its
    way, unseen. "Runs at the source" must then hold, in addition, for as long as copying the memory
    takes at this rate. A 1 GbE link carries 110 MiB/s and XAPI copies a guest's memory five times
    at most: a fifth of the link."""

    settle_timeout_s: float = 300.0
    """How long the outcome may be unknown before the migration is called STUCK, which alerts.
    Asking goes on."""

    settle_stuck_s: float = 30.0
    """The pause between questions once it is STUCK."""

    queue_retry_s: float = 1.0
    """The pause of a migration whose turn it was here when another replica took the last slot."""

    crash_retry_s: float = 60.0
    """How long after an unexpected error, a bug or a store that is away, a migration is taken up
    again."""

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be below 0")


# Pauses of zero would make loops that never rest.
_ABOVE_ZERO = (
    "retry_first_s",
    "retry_cap_s",
    "refused_retry_s",
    "settle_first_s",
    "settle_cap_s",
    "settle_slowest_mib_per_s",
    "settle_stuck_s",
    "queue_retry_s",
    "crash_retry_s",
)
_NOT_NEGATIVE = ("prepare_timeout_s", "stuck_after_s", "settle_quiet_s", "settle_timeout_s")
