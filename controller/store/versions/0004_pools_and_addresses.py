"""Aggregates, their operations, and floating IPs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UUID = sa.String(36)
ADDRESS = sa.String(64)


def upgrade() -> None:
    """Make the tables."""
    _floating_ip_pools()
    _floating_ips()
    _floating_ip_indexes()
    _floating_ip_loads()


def _floating_ip_pools() -> None:
    op.create_table(
        "floating_ip_pools",
        sa.Column("pool_id", UUID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("cidr", ADDRESS, nullable=False),
        sa.Column("first_address", ADDRESS, nullable=False),
        sa.Column("last_address", ADDRESS, nullable=False),
        sa.Column("prefix_length", sa.Integer, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )


def _floating_ips() -> None:
    op.create_table(
        "floating_ips",
        sa.Column("floating_ip_id", UUID, primary_key=True),
        sa.Column("pool_id", UUID, nullable=False, index=True),
        sa.Column("address", ADDRESS, nullable=False, unique=True),
        sa.Column("sort_key", ADDRESS, nullable=False, unique=True),
        sa.Column("prefix_length", sa.Integer, nullable=False),
        sa.Column("instance_id", UUID, nullable=False, index=True),
        sa.Column("fixed_address", ADDRESS, nullable=False),
        sa.Column("host_id", UUID, nullable=False, index=True),
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("update_time", sa.BigInteger, nullable=False),
    )


def _floating_ip_indexes() -> None:
    associated, named = sa.text("fixed_address != ''"), sa.text("request_id != ''")
    op.create_index(
        "one_floating_ip_a_fixed_address",
        "floating_ips",
        ["fixed_address"],
        unique=True,
        sqlite_where=associated,
        postgresql_where=associated,
    )
    op.create_index(
        "one_floating_ip_a_request",
        "floating_ips",
        ["request_id"],
        unique=True,
        sqlite_where=named,
        postgresql_where=named,
    )


def _floating_ip_loads() -> None:
    op.create_table(
        "floating_ip_loads",
        sa.Column("host_id", UUID, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("bindings", sa.JSON, nullable=False),
        sa.Column("applied_revision", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO counters VALUES ('floating_ips', 0)")
