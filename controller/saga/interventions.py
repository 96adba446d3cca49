"""What a caller may ask of a migration that another process drives, and when it is too late.

InterventionRefused
  ├─ TooLate       the guest runs at the destination: only forward
  ├─ Ended         nothing will happen any more
  ├─ NotStuck      there is nothing to settle
  └─ Contradicted  what is asked is not what XAPI shows
"""

from controller.model.migration import Migration


class InterventionRefused(Exception):
    """Nothing was written."""

    def __init__(self, migration: Migration, text: str) -> None:
        super().__init__(text)
        self.migration = migration


class TooLate(InterventionRefused):
    """The guest runs at the destination: only forward."""

    def __init__(self, migration: Migration) -> None:
        plan = migration.plan
        super().__init__(
            migration,
            f"{plan.instance_name} runs on {plan.dest_host_name} already; "
            f"migration {migration.migration_id} goes on to its end",
        )


class Ended(InterventionRefused):
    """Nothing will happen any more."""

    def __init__(self, migration: Migration) -> None:
        ended = migration.state.value.lower().replace("_", " ")
        super().__init__(migration, f"migration {migration.migration_id} has ended: {ended}")


class NotStuck(InterventionRefused):
    """There is nothing to settle."""

    def __init__(self, migration: Migration) -> None:
        state = migration.state.value.lower().replace("_", " ")
        super().__init__(
            migration, f"migration {migration.migration_id} is {state}: it goes on by itself"
        )


class Contradicted(InterventionRefused):
    """What is asked is not what XAPI shows."""
