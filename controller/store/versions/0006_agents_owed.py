"""Operations that have ended and still have to see to a host's agent."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column, and the index of all that somebody has to drive."""
    owed = sa.Column("agent_owed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("aggregate_operations", owed)
    is_driven = sa.text("is_open OR agent_owed")
    op.create_index(
        "driven_operations",
        "aggregate_operations",
        ["aggregate_id"],
        sqlite_where=is_driven,
        postgresql_where=is_driven,
    )
