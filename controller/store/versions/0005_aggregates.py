"""Aggregates, their hosts, and operations on their pools."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UUID = sa.String(36)


def upgrade() -> None:
    """Make the tables."""
    _aggregates()
    _hosts()
    _operations()


def _aggregates() -> None:
    op.create_table(
        "aggregates",
        sa.Column("aggregate_id", UUID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("availability_zone", sa.Text, nullable=False),
        sa.Column("pool_id", UUID, nullable=False),
        sa.Column("coordinator_id", UUID, nullable=False),
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("update_time", sa.BigInteger, nullable=False),
    )
    _one_a_request("aggregates", "one_aggregate_a_request")


def _hosts() -> None:
    op.create_table(
        "aggregate_hosts",
        sa.Column("host_id", UUID, primary_key=True),
        sa.Column("aggregate_id", UUID, nullable=False, index=True),
    )


def _operations() -> None:
    op.create_table(
        "aggregate_operations",
        sa.Column("operation_id", UUID, primary_key=True),
        sa.Column("aggregate_id", UUID, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    is_open = sa.text("is_open")
    op.create_index(
        "one_open_operation_an_aggregate",
        "aggregate_operations",
        ["aggregate_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    _one_a_request("aggregate_operations", "one_operation_a_request")


def _one_a_request(table: str, name: str) -> None:
    named = sa.text("request_id != ''")
    op.create_index(
        name, table, ["request_id"], unique=True, sqlite_where=named, postgresql_where=named
    )
