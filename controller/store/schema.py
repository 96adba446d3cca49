"""The tables as the code uses them; versions/ makes them, and a test compares the two.

Times are microseconds since 1970 in UTC: they sort, they page, and every database has them.
"""

import enum

import sqlalchemy as sa

from controller.model.migration import (
    JournalEvent,
    MigrationKind,
    MigrationState,
    Whereabouts,
)

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
"""The newest revision of a migration."""
COMPACTED = "compacted"
"""The newest revision whose change is no longer kept."""
INVENTORY = "inventory"
"""The newest entry of the inventory's log."""
FLOATING = "floating_ips"
"""The newest revision of what any host shall carry."""

HOSTS = sa.Table(
    "hosts",
    METADATA,
    sa.Column("host_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("agent_address", sa.Text, nullable=False),
    sa.Column("maintenance", sa.Boolean, nullable=False),
    sa.Column("maintenance_reason", sa.Text, nullable=False, server_default=""),
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
    sa.Column("instance_id", sa.String(UUID_LENGTH), nullable=False),
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
    sa.Column("dest_sr_id", sa.String(UUID_LENGTH), nullable=False, server_default=""),
    sa.Column("reserved_disk_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("disk", sa.JSON(none_as_null=True)),
    sa.Column("dest_check_data", sa.LargeBinary),
    sa.Column("estimate", sa.JSON(none_as_null=True)),
    sa.Column("verification", sa.JSON(none_as_null=True)),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cancel_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("resolution", sa.String(16), nullable=False, server_default=""),
    sa.Column("resolution_reason", sa.Text, nullable=False, server_default=""),
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
sa.Index(
    "reserved_on_sr",
    MIGRATIONS.c.dest_sr_id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
sa.Index("newest_first", MIGRATIONS.c.create_time, MIGRATIONS.c.migration_id)
# One for each filter of a list, with what the list is sorted by: a page reads its own rows only.
for _name, _columns in (
    ("newest_of_instance", ("instance_id",)),
    ("newest_in_state", ("state",)),
    ("newest_from_source", ("source_host_id", "state")),
    ("newest_to_dest", ("dest_host_id", "state")),
):
    sa.Index(_name, *(MIGRATIONS.c[name] for name in (*_columns, "create_time", "migration_id")))
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

# What watches resume from: each change of a migration as it was, until it is compacted.
CHANGES = sa.Table(
    "changes",
    METADATA,
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("migration_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("instance_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("source_host_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("dest_host_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("rehomed", sa.Boolean, nullable=False),
    sa.Column("summary", sa.JSON, nullable=False),
)

# Which replicas live, and until when their claims on migrations hold.
REPLICAS = sa.Table(
    "replicas",
    METADATA,
    sa.Column("owner", sa.String(255), primary_key=True),
    sa.Column("claim_until", sa.BigInteger, nullable=False),
)

# What replicas tell each other: which agents are heard, and which hosts and instances changed.
HEARTBEATS = sa.Table(
    "heartbeats",
    METADATA,
    sa.Column("host_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("heard_at", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
)
INVENTORY_LOG = sa.Table(
    "inventory_log",
    METADATA,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("host_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("instance_id", sa.String(UUID_LENGTH), nullable=False),
)

FLOATING_IP_POOLS = sa.Table(
    "floating_ip_pools",
    METADATA,
    sa.Column("pool_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("cidr", sa.String(64), nullable=False),
    sa.Column("first_address", sa.String(64), nullable=False),
    sa.Column("last_address", sa.String(64), nullable=False),
    sa.Column("prefix_length", sa.Integer, nullable=False),
    sa.Column("create_time", sa.BigInteger, nullable=False),
)

# sort_key orders addresses by number; host_id is the host that said that it carries it.
FLOATING_IPS = sa.Table(
    "floating_ips",
    METADATA,
    sa.Column("floating_ip_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("pool_id", sa.String(UUID_LENGTH), nullable=False, index=True),
    sa.Column("address", sa.String(64), nullable=False, unique=True),
    sa.Column("sort_key", sa.String(64), nullable=False, unique=True),
    sa.Column("prefix_length", sa.Integer, nullable=False),
    sa.Column("instance_id", sa.String(UUID_LENGTH), nullable=False, index=True),
    sa.Column("fixed_address", sa.String(64), nullable=False),
    sa.Column("host_id", sa.String(UUID_LENGTH), nullable=False, index=True),
    sa.Column("request_id", sa.String(UUID_LENGTH), nullable=False),
    sa.Column("request_digest", sa.Text, nullable=False),
    sa.Column("create_time", sa.BigInteger, nullable=False),
    sa.Column("update_time", sa.BigInteger, nullable=False),
)
_IS_ASSOCIATED = FLOATING_IPS.c.fixed_address != sa.literal_column("''")
_IS_NAMED = FLOATING_IPS.c.request_id != sa.literal_column("''")
sa.Index(
    "one_floating_ip_a_fixed_address",
    FLOATING_IPS.c.fixed_address,
    unique=True,
    sqlite_where=_IS_ASSOCIATED,
    postgresql_where=_IS_ASSOCIATED,
)
sa.Index(
    "one_floating_ip_a_request",
    FLOATING_IPS.c.request_id,
    unique=True,
    sqlite_where=_IS_NAMED,
    postgresql_where=_IS_NAMED,
)

# What a host shall carry, and the revision of it that it said it has applied.
FLOATING_IP_LOADS = sa.Table(
    "floating_ip_loads",
    METADATA,
    sa.Column("host_id", sa.String(UUID_LENGTH), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("bindings", sa.JSON, nullable=False),
    sa.Column("applied_revision", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
)
