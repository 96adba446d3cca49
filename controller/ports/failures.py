"""What goes wrong below the saga without being anybody's refusal."""


class StoreUnavailable(Exception):
    """The database does not do what it is asked.

    Nothing of the transaction was written, unless the connection was lost while it was committed:
    then only the database knows. So whoever repeats looks at what is there first.
    """


class MigrationUnknown(LookupError):
    """No migration has this id."""

    def __init__(self, migration_id: str) -> None:
        super().__init__(f"there is no migration {migration_id}")
        self.migration_id = migration_id


class RevisionCompacted(LookupError):
    """The changes since a revision are no longer kept."""

    def __init__(self, revision: int, kept_from: int) -> None:
        super().__init__(f"changes are kept from revision {kept_from} on, asked for {revision}")
        self.revision = revision
        self.kept_from = kept_from
