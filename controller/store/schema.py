"""The tables as the code uses them; versions/ makes them, and a test compares the two.

Times are microseconds since 1970 in UTC: they sort, they page, and every database has them.
"""

import enum

import sqlalchemy as sa

from controller.model.migration import JournalEvent, MigrationKind, MigrationState, Whereabouts

METADATA = sa.MetaData()

UUID_LENGTH = 36
ENDED = tuple(state.value for state in MigrationState if state.ended)


def one_of(column: str, kind: type[enum.StrEnum]) -> sa.CheckConstraint:
    """Return the constraint that keeps a column to the texts of an enum."""
    texts = ", ".join(f"'{member.value}'" for member in kind)
    return sa.CheckConstraint(f"{column} IN ({texts})", name=f"{column}_known")


COUNTERS = sa.Table(
    "counters",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
REVISION = "revision"

HOSTS = sa.Table(
    "hosts",
    METADATA,
    sa.Column("host_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("agent_address", sa.Text, nullable=False),
    sa.Column("maintenance", sa.Boolean, nullable=False),
    sa.Column("memory_free_bytes", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
)

INSTANCES = sa.Table(
    "instances",
    METADATA,
    sa.Column("instance_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("host_id", sa.String(UUID_LENGTH), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("task_state", sa.String(16), nullable=False),
    sa.Column("migration_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.CheckConstraint("task_state IN ('', 'migrating')", name="task_state_known"),
)
MIGRATING = "migrating"

MIGRATIONS = sa.Table(
    "migrations",
    METADATA,
    sa.Column("migration_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("instance_id", sa.String(UUID_LENGTH), nullable=False, index=True),
    sa.Column("instance_name", sa.Text, nullable=False),
    sa.Column("source_host_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("source_host_name", sa.Text, nullable=False),
    sa.Column("dest_host_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("dest_host_name", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("memory_needed_bytes", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("request_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("cleanup", sa.JSON, nullable=False),
    sa.Column("whereabouts", sa.String(16), nullable=False),
    sa.Column("reserved_memory_bytes", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.BigInteger, nullable=False),
    sa.Column("update_time", sa.BigInteger, nullable=False),
    sa.Column("end_time", sa.BigInteger),
    one_of("kind", MigrationKind),
    one_of("state", MigrationState),
    one_of("whereabouts", Whereabouts),
)

# Literals, not parameters: the indexes below need them, and a list of parameters costs at each use.
IS_OPEN = MIGRATIONS.c.state.not_in([sa.literal_column(f"'{text}'") for text in ENDED])
_HAS_REQUEST_ID = MIGRATIONS.c.request_id != sa.literal_column("''")

sa.Index(
    "one_open_migration_an_instance",
    MIGRATIONS.c.instance_id,
    unique=True,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
sa.Index(
    "one_migration_a_request",
    MIGRATIONS.c.request_id,
    unique=True,
    sqlite_where=_HAS_REQUEST_ID,
    postgresql_where=_HAS_REQUEST_ID,
)
sa.Index("newest_first", MIGRATIONS.c.create_time, MIGRATIONS.c.migration_id)
sa.Index(
    "reserved_at_dest",
    MIGRATIONS.c.dest_host_id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)

JOURNAL = sa.Table(
    "journal",
    METADATA,
    sa.Column("migration_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("step", sa.String(64), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    one_of("event", JournalEvent),
)
