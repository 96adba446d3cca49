"""What goes wrong below the saga without being anybody's refusal."""


class StoreUnavailable(Exception):
    """The database does not do what it is asked; nothing of the transaction was written."""


class MigrationUnknown(LookupError):
    """No migration has this id."""

    def __init__(self, migration_id: str) -> None:
        super().__init__(f"there is no migration {migration_id}")
        self.migration_id = migration_id
