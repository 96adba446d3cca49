"""How much of each SR is held for open migrations, in memory: a copy of what was committed."""

from controller.model.migration import Migration


class DiskHolds:
    """Implements ports.holds.DiskHolds; hears of every committed change, whoever wrote it."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, int]] = {}

    def heard(self, migration: Migration, _: bool = False) -> None:
        """Take where a migration stands now."""
        sr_id, key = migration.plan.disk.sr_id, migration.migration_id
        if migration.state.ended:
            self._held.get(sr_id, {}).pop(key, None)
        elif migration.reserved_disk_bytes:
            self._held.setdefault(sr_id, {})[key] = migration.reserved_disk_bytes

    def on_sr(self, sr_id: str) -> int:
        """Return the bytes of an SR that are held."""
        return sum(self._held.get(sr_id, {}).values())
