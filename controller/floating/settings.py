"""How patient the controller is with hosts that carry floating IPs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FloatingIpSettings:
    """Times are seconds."""

    retry_first_s: float = 1.0
    """The first pause before a host that did not do what it was told is told again; each further
    one is twice as long. A host that registers is told at once."""

    retry_cap_s: float = 30.0
    """The longest such pause."""

    look_s: float = 30.0
    """How often it is looked whether an instance is on another host than its floating IPs, beside
    whenever an agent tells of one: for what another replica was told."""

    answer_s: float = 2.0
    """How long a call that associates waits for the host; what it returns says how far it is."""

    release_first_s: float = 1.0
    """How long a move waits for the source to take addresses down before the destination puts them
    up: for a moment both would answer for them. A source that is slower is not waited for."""

    def __post_init__(self) -> None:
        for name in ("retry_first_s", "retry_cap_s", "look_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        if self.answer_s < 0 or self.release_first_s < 0:
            raise ValueError("answer_s and release_first_s must not be below 0")
