"""Changes kept for watches, an index a filter, and what replicas tell each other."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UUID = sa.String(36)
OWNER = sa.String(255)

# Wakes whoever listens, in the transaction that wrote.
TELL = """
CREATE FUNCTION xenferry_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('xenferry', TG_TABLE_NAME); RETURN NULL; END $$
"""


def upgrade() -> None:
    """Make the tables and indexes."""
    op.add_column(
        "hosts", sa.Column("maintenance_reason", sa.Text, nullable=False, server_default="")
    )
    _indexes()
    _changes()
    _replicas()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(TELL)
        for table in ("changes", "inventory_log", "replicas"):
            op.execute(
                f"CREATE TRIGGER tell AFTER INSERT OR DELETE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION xenferry_tell()"
            )


def _indexes() -> None:
    op.drop_index("ix_migrations_instance_id", "migrations")
    newest = ["create_time", "migration_id"]
    op.create_index("newest_of_instance", "migrations", ["instance_id", *newest])
    op.create_index("newest_in_state", "migrations", ["state", *newest])
    op.create_index("newest_from_source", "migrations", ["source_host_id", "state", *newest])
    op.create_index("newest_to_dest", "migrations", ["dest_host_id", "state", *newest])


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("migration_id", UUID, nullable=False),
        sa.Column("instance_id", UUID, nullable=False),
        sa.Column("source_host_id", UUID, nullable=False),
        sa.Column("dest_host_id", UUID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rehomed", sa.Boolean, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
    )
    # What happened before this release was not kept.
    op.execute(
        "INSERT INTO counters SELECT 'compacted', value FROM counters WHERE name = 'revision'"
    )
    op.execute("INSERT INTO counters VALUES ('inventory', 0)")


def _replicas() -> None:
    op.create_table(
        "replicas",
        sa.Column("owner", OWNER, primary_key=True),
        sa.Column("claim_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "heartbeats",
        sa.Column("host_id", UUID, primary_key=True),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.Column("owner", OWNER, nullable=False),
    )
    op.create_table(
        "inventory_log",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("owner", OWNER, nullable=False),
        sa.Column("host_id", UUID, nullable=False),
        sa.Column("instance_id", UUID, nullable=False),
    )
