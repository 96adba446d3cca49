"""The agent's own settings; what any service has comes from the chassis."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from hostagent.model import network_matching, sr_filter

# XAPI refuses more from one host (XAPI A11).
MOST_STORAGE_MOVES = 3


@dataclass(frozen=True, slots=True)
class XapiSettings:
    """How to reach XAPI, and which host this agent serves."""

    url: str = ""
    """http:// or https:// address of the host's XAPI; a pool member's is followed to its
    coordinator."""
    user: str = "root"
    """User that logs in."""
    password: str = field(default="", repr=False)
    """Password of the user; rather use password_file."""
    password_file: Path | None = None
    """File whose first line is the password; wins over password."""
    host: str = ""
    """uuid or name_label of the host that this agent serves; empty: the only host of the pool, or
    the one whose address is that of the url."""
    ca_file: Path | None = None
    """PEM that signs XAPI's certificate, for https; empty: the system's authorities."""
    connect_timeout_s: float = 5.0
    """Seconds to wait for a connection: hosts are near, so longer means dead."""
    read_timeout_s: float = 30.0
    """Seconds to wait for the answer of a call; no call of ours takes minutes (all long ones are
    Async)."""
    threads: int = 8
    """Calls to XAPI that may be under way at once, beside one for each move."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must be http://host or https://host, not {self.url!r}")
        if parts.username or parts.password:
            raise ValueError("url must not carry credentials: use user and password_file")
        if self.connect_timeout_s <= 0 or self.read_timeout_s <= 0:
            raise ValueError("connect_timeout_s and read_timeout_s must be positive")
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, not {self.threads}")


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Where the agent reports."""

    address: str = ""
    """host:port of the controller; empty: the agent does not register and only serves. Replicas are
    separated by commas; when one does not answer, the agent turns to the next."""
    heartbeat_s: float = 2.0
    """Seconds between heartbeats when nothing changes; the controller may ask for another."""

    def __post_init__(self) -> None:
        if self.heartbeat_s <= 0:
            raise ValueError(f"heartbeat_s must be positive, not {self.heartbeat_s:g}")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Each replica's host:port."""
        return tuple(part.strip() for part in self.address.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class MigrationSettings:
    """How moves are made and judged."""

    max_concurrent_moves: int = 2
    """Moves away from this host at once; more share the wire and lengthen every guest's pause."""
    poll_s: float = 10.0
    """Seconds after which a task or VM is looked at again although no event came."""
    doubt_s: float = 15.0
    """Seconds to watch a VM whose move failed in a way that proves nothing, before it is said to
    have stayed: after a toolstack's death XAPI took 9 s to show the truth."""
    operations_s: float = 15.0
    """Seconds to wait for XAPI to clear the VM's operation after the task has ended."""
    lost_xapi_s: float = 60.0
    """Seconds without XAPI in the middle of a move, after which its outcome is told as unknown."""
    lost_reply_s: float = 3.0
    """Seconds to look for a move whose starting call got no reply."""
    protected_tag: str = "xenferry:protected"
    """A VM with this tag, or this key in other_config, is never moved."""
    own_vm: str = ""
    """uuid of the VM that this agent runs in, never moved; empty: as /sys/hypervisor/uuid says."""
    max_storage_moves: int = 3
    """Block migrations away from this host at once; XAPI refuses a fourth (XAPI A11)."""
    sr_matching_filter: str = "default-sr:true"
    """Which SR of this host takes the disks of a block migration: default-sr:true (the pool's
    default), or other-config:KEY=VALUE (of those that have it, the one with most room)."""
    ticket_use_s: float = 540.0
    """Seconds between uses of the session of an open receive ticket, so that XAPI keeps it however
    long the copy takes; XAPI notes a use only when the last one is 600 s old."""
    migration_network: str = ""
    """uuid or name_label of the network that block migrations come in by; empty: the management
    network of this host."""
    network_matching: str = "name"
    """Which network of this host takes an interface that comes from another pool: the one of the
    same name_label, or of the same bridge. By name, since bridges are named by the order of the
    machine's ports: nearly every host has an xenbr0, and it says nothing of the wire behind it."""

    def __post_init__(self) -> None:
        if self.max_concurrent_moves < 1:
            raise ValueError(
                f"max_concurrent_moves must be at least 1, not {self.max_concurrent_moves}"
            )
        if not 1 <= self.max_storage_moves <= MOST_STORAGE_MOVES:
            raise ValueError(
                f"max_storage_moves must be from 1 to {MOST_STORAGE_MOVES},"
                f" not {self.max_storage_moves}"
            )
        sr_filter.parse(self.sr_matching_filter)
        network_matching.parse(self.network_matching)
        for name in (one.name for one in fields(self) if one.name.endswith("_s")):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name):g}")
