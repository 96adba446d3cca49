"""What has to be true of every migration after every step of a held world, and at its end."""

from collections.abc import Mapping

from controller.model.migration import Migration, MigrationState
from tests.support.saga_agents import FaultyAgents


class Truth:
    """Compares what the database says with the worlds; `at` is where guests are at rest."""

    def __init__(self, worlds: Mapping[str, FaultyAgents], at: dict[str, str]) -> None:
        self.at = at
        self._worlds = worlds
        self._rested: dict[str, tuple[MigrationState, str]] = {}
        self._heard: dict[str, tuple[int, int]] = {}

    def has_arrived(self, migration: Migration) -> bool:
        """Tell whether the guest really runs at the destination."""
        guest = self._worlds[migration.migration_id].world.guest
        return guest.domains == [migration.plan.dest_host_id]

    def check(self, migration: Migration) -> None:
        """Assert that what is said of a migration is so, and that its driver wrote it."""
        agents = self._worlds[migration.migration_id]
        assert agents.world.damage == []
        assert agents.world.moves <= 1, "moved twice"
        assert [row.sequence for row in migration.journal] == [
            *range(1, len(migration.journal) + 1)
        ]
        told, epoch = self._heard.get(migration.migration_id, (0, 0))
        assert all(row.epoch >= epoch for row in migration.journal[told:]), "a zombie wrote"
        self._heard[migration.migration_id] = len(migration.journal), migration.epoch
        if migration.state in (MigrationState.FINISHING, MigrationState.SUCCEEDED):
            assert self.has_arrived(migration)
        if migration.state.ended:
            self._check_end(migration, agents)

    def _check_end(self, migration: Migration, agents: FaultyAgents) -> None:
        """Assert that an end is true, and stays so whoever comes late."""
        guest = agents.world.guest
        assert (migration.reserved_memory_bytes, migration.reserved_disk_bytes) == (0, 0), "I4"
        assert guest.domains in ([guest.source], [guest.dest]), "I1, I2"
        arrived = self.has_arrived(migration)
        assert arrived == (migration.state is MigrationState.SUCCEEDED)
        assert not guest.leased, "I5: a lease is left"
        assert not guest.tagged, "I5: the mark is left"
        assert [guest.carried_by] == [*guest.attached_at] == guest.domains, "I6"
        end = migration.state, guest.domains[0]
        if migration.migration_id not in self._rested:
            self.at[migration.plan.instance_id] = guest.domains[0]
        assert self._rested.setdefault(migration.migration_id, end) == end
