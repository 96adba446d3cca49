"""Where and for how long the controller keeps what it knows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where migrations, hosts and instances are kept."""

    url: str = "sqlite:///xenferry.db"
    """sqlite:///PATH, a path with a fourth slash being absolute, on a local disk, for one
    controller; or postgresql+asyncpg://USER@HOST:PORT/DATABASE for any number of replicas."""

    password_file: str = ""
    """File with PostgreSQL's password, which does not belong into the URL. Empty: none is sent."""

    pool_size: int = 5
    """Connections to PostgreSQL that a replica keeps for its transactions; two more listen and
    tell. Writes wait for each other anyway, so more help reads only."""

    claim_s: float = 4.0
    """Seconds that a replica's claims on its migrations hold without being renewed; then another
    replica takes them. Renewed twice a second. Shorter takes over sooner, and also from a replica
    that is merely slow, which is safe and costs the work of settling."""

    poll_s: float = 1.0
    """Seconds after which a replica looks for what others did when nothing woke it."""

    history_days: float = 0.0
    """Days that ended migrations are kept; 0 keeps them for ever. Open ones are never removed."""

    changes_kept: int = 200_000
    """How many of the newest changes are kept for watches to resume from; about 1.5 KB each."""

    sweep_s: float = 600.0
    """Seconds between removals of what need not be kept."""

    def __post_init__(self) -> None:
        for name in ("pool_size", "claim_s", "poll_s", "changes_kept", "sweep_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        if self.history_days < 0:
            raise ValueError("history_days must not be below 0")
