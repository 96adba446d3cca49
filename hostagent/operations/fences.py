"""Keeps a controller that lost its claim on a migration from acting on it.

What was seen lives in XAPI, so that it outlives the agent: in the VM's other_config while the
migration is open and after it ended (`endings`), and in that of the destination's host while the VM
is in another pool (`leases`). Memory adds what was seen in calls that write nothing.
"""

from collections import OrderedDict
from collections.abc import Mapping

from hostagent.model.errors import MigrationEnded, StaleEpoch
from hostagent.model.move import Fence
from hostagent.operations import endings, marks

REMEMBERED = 10_000


class Fences:
    """The highest epoch seen for each of the last migrations."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()

    def note(self, fence: Fence) -> None:
        """Remember an epoch; lower ones change nothing."""
        seen = self._seen.pop(fence.migration_id, fence.epoch)
        self._seen[fence.migration_id] = max(seen, fence.epoch)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def admit(self, fence: Fence) -> None:
        """Raise StaleEpoch if a higher epoch was seen; else remember this one."""
        seen = self._seen.get(fence.migration_id, fence.epoch)
        if seen > fence.epoch:
            raise StaleEpoch(fence.migration_id, fence.epoch, seen)
        self.note(fence)

    def admit_at(self, fence: Fence, other_config: Mapping[str, str]) -> None:
        """Like `admit`, also against what is written on the VM, or on the host."""
        written = marks.fence_of(other_config)
        if written is not None and written.migration_id == fence.migration_id:
            self.note(written)
        ended = endings.epoch_of(other_config, fence.migration_id)
        if ended is not None:
            self.note(Fence(fence.migration_id, ended))
        self.admit(fence)


def refuse_ended(fence: Fence, other_config: Mapping[str, str]) -> None:
    """Raise MigrationEnded if it is written that the migration is over."""
    ended = endings.epoch_of(other_config, fence.migration_id)
    if ended is not None:
        raise MigrationEnded(fence.migration_id, ended)
