"""Queue, cancellation, resolution, disk reservations and reports of migrations."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = "state NOT IN ('SUCCEEDED', 'ROLLED_BACK', 'CANCELLED')"


def upgrade() -> None:
    """Add what this release knows more."""
    with op.batch_alter_table("migrations") as migrations:
        for column in _columns():
            migrations.add_column(column)
    is_open = sa.text(OPEN)
    op.create_index(
        "reserved_on_sr",
        "migrations",
        ["dest_sr_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("dest_sr_id", sa.String(36), nullable=False, server_default=""),
        sa.Column("reserved_disk_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("disk", sa.JSON),
        sa.Column("dest_check_data", sa.LargeBinary),
        sa.Column("estimate", sa.JSON),
        sa.Column("verification", sa.JSON),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("cancel_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("resolution", sa.String(16), nullable=False, server_default=""),
        sa.Column("resolution_reason", sa.Text, nullable=False, server_default=""),
    ]
