"""What a move is judged by: one moment's view of the inventory.

The checks get nothing else, so that they are pure and the same view can be judged twice.
"""

from dataclasses import dataclass
from datetime import datetime

from controller.model import inventory
from controller.model.migration import MigrationRequest


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The request with all that the inventory knows about it.

    `source` is None when the instance runs nowhere, or on a host that never registered.
    """

    request: MigrationRequest
    instance: inventory.Instance
    source: inventory.Host | None
    dest: inventory.Host
    now: datetime

    @property
    def instance_subject(self) -> str:
        """The instance, as findings name it."""
        return f"instance/{self.instance.name}"

    @property
    def dest_subject(self) -> str:
        """The destination, as findings name it."""
        return f"host/{self.dest.name}"

    @property
    def dest_is_source(self) -> bool:
        """Whether the instance would go where it is."""
        return self.dest.host_id == self.instance.facts.host_id
