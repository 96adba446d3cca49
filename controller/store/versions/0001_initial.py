"""The first schema: hosts, instances, migrations, their journal, and the revision counter."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPEN = "state NOT IN ('SUCCEEDED', 'ROLLED_BACK', 'CANCELLED')"
STATES = (
    "'QUEUED', 'PREPARING', 'MOVING', 'FINISHING', 'ROLLING_BACK', "
    "'SUCCEEDED', 'ROLLED_BACK', 'CANCELLED', 'STUCK'"
)
UUID = sa.String(36)


def upgrade() -> None:
    """Make every table."""
    _counters()
    _hosts()
    _instances()
    _migrations()
    _migration_indexes()
    _journal()


def _counters() -> None:
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "revision", "value": 0}])


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host_id", UUID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("agent_address", sa.Text, nullable=False),
        sa.Column("maintenance", sa.Boolean, nullable=False),
        sa.Column("memory_free_bytes", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )


def _instances() -> None:
    op.create_table(
        "instances",
        sa.Column("instance_id", UUID, primary_key=True),
        sa.Column("host_id", UUID, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("task_state", sa.String(16), nullable=False),
        sa.Column("migration_id", UUID, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.CheckConstraint("task_state IN ('', 'migrating')", name="task_state_known"),
    )


def _migrations() -> None:
    whereabouts = "'SOURCE', 'DEST', 'BOTH', 'NOWHERE', 'UNKNOWN'"
    op.create_table(
        "migrations",
        sa.Column("migration_id", UUID, primary_key=True),
        *_what_moves(),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("cleanup", sa.JSON, nullable=False),
        sa.Column("whereabouts", sa.String(16), nullable=False),
        sa.Column("reserved_memory_bytes", sa.BigInteger, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("update_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger),
        sa.CheckConstraint("kind IN ('SHARED_STORAGE', 'BLOCK')", name="kind_known"),
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
        sa.CheckConstraint(f"whereabouts IN ({whereabouts})", name="whereabouts_known"),
    )


def _what_moves() -> list[sa.Column[object]]:
    return [
        sa.Column("instance_id", UUID, nullable=False, index=True),
        sa.Column("instance_name", sa.Text, nullable=False),
        sa.Column("source_host_id", UUID, nullable=False),
        sa.Column("source_host_name", sa.Text, nullable=False),
        sa.Column("dest_host_id", UUID, nullable=False),
        sa.Column("dest_host_name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("memory_needed_bytes", sa.BigInteger, nullable=False),
    ]


def _migration_indexes() -> None:
    is_open = sa.text(OPEN)
    has_request_id = sa.text("request_id != ''")
    op.create_index(
        "one_open_migration_an_instance",
        "migrations",
        ["instance_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(
        "one_migration_a_request",
        "migrations",
        ["request_id"],
        unique=True,
        sqlite_where=has_request_id,
        postgresql_where=has_request_id,
    )
    op.create_index("newest_first", "migrations", ["create_time", "migration_id"])
    op.create_index(
        "reserved_at_dest",
        "migrations",
        ["dest_host_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("migration_id", UUID, primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.CheckConstraint("event IN ('STARTED', 'DONE', 'FAILED', 'UNDONE')", name="event_known"),
    )
