"""The list of trusted servers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "trusted_servers",
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trusted_servers")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("trusted_servers")
