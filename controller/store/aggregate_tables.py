"""The tables of aggregates as the code uses them; versions/ makes them, and a test compares."""

import sqlalchemy as sa

from controller.store.schema import METADATA, UUID_LENGTH

AGGREGATES = sa.Table(
    "aggregates",
    METADATA,
    sa.Column("aggregate_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("availability_zone", sa.Text, nullable=False),
    sa.Column("pool_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("coordinator_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("request_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("create_time", sa.BigInteger, nullable=False),
    sa.Column("update_time", sa.BigInteger, nullable=False),
)

# Which hosts are wanted where; a host is wanted in one aggregate at most.
HOSTS = sa.Table(
    "aggregate_hosts",
    METADATA,
    sa.Column("host_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("aggregate_id", sa.String(UUID_LENGTH), nullable=False, index=True),
)

OPERATIONS = sa.Table(
    "aggregate_operations",
    METADATA,
    sa.Column("operation_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("aggregate_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("request_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
    sa.Column("agent_owed", sa.Boolean, nullable=False, server_default=sa.false()),
)
_IS_OPEN = OPERATIONS.c.is_open
IS_DRIVEN = sa.or_(_IS_OPEN, OPERATIONS.c.agent_owed)
sa.Index(
    "one_open_operation_an_aggregate",
    OPERATIONS.c.aggregate_id,
    unique=True,
    sqlite_where=_IS_OPEN,
    postgresql_where=_IS_OPEN,
)
sa.Index(
    "driven_operations",
    OPERATIONS.c.aggregate_id,
    sqlite_where=IS_DRIVEN,
    postgresql_where=IS_DRIVEN,
)
for _name, _table in (
    ("one_aggregate_a_request", AGGREGATES),
    ("one_operation_a_request", OPERATIONS),
):
    _named = _table.c.request_id != sa.literal_column("''")
    sa.Index(_name, _table.c.request_id, unique=True, sqlite_where=_named, postgresql_where=_named)
