"""Modern tokens: keys that grants are bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the thumbprint of a grant's key; grants until now are bound to none."""
    with op.batch_alter_table("grants") as grants:
        grants.add_column(
            sa.Column("key_thumbprint", sa.String(length=43), nullable=False, server_default="")
        )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("grants") as grants:
        grants.drop_column("key_thumbprint")
