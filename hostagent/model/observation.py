"""What XAPI shows of a migration at one side."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """XAPI's task of the move; `status` as XAPI writes it."""

    task_id: str
    status: str
    progress: float
    cancellable: bool
    error_info: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """Where the guest is, what runs on it, what is left of the migration."""

    present: bool
    host_id: str
    pool_id: str
    host_live: bool
    power_state: str = ""
    resident_host_id: str = ""
    scheduled_host_id: str = ""
    current_operations: tuple[str, ...] = ()
    tagged: bool = False
    task: TaskSeen | None = None
    residue: tuple[str, ...] = ()
