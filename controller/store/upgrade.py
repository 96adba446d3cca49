"""Brings a database to the schema of this release, or refuses one that a newer release wrote."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from controller.store.errors import DatabaseTooNew

HERE = Path(__file__).parent


def upgrade(connection: sa.Connection, place: str) -> None:
    """Upgrade within the connection's transaction; raises DatabaseTooNew."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]
    present = MigrationContext.configure(connection).get_current_revision()
    if present == known[0]:
        return
    if present is not None and present not in known:
        raise DatabaseTooNew(place, present, known[0])
    command.upgrade(config, "head")
