"""How long agents may take, and how often they are asked again."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Times are seconds."""

    check_timeout_s: float = 15.0
    """For a check before a migration is accepted; its caller waits meanwhile."""

    step_timeout_s: float = 120.0
    """For a step beside the move: an agent may have to scan storage repositories."""

    observe_timeout_s: float = 10.0
    """For a look at where the guest is; it is asked again anyway."""

    move_timeout_s: float = 21_600.0
    """For the move itself. Six hours outlast any move that still makes sense; passing it ends our
    waiting and not the move, whose outcome is then found out by looking."""

    attempts: int = 4
    """How often a call is made while the agent can't be reached, before the saga is told so."""

    first_pause_s: float = 0.1
    """The pause before the second attempt; each further one is twice as long."""

    busy_pause_s: float = 2.0
    """The pause before a step is asked for again when the agent has too many migrations and does
    not say when to come back."""

    checks_at_once: int = 8
    """How many checks one agent is asked at a time: a matrix of many moves must not flood it."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {value}")
