"""Recordings of meetings."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("organizer", sa.String(length=36), nullable=False),
        sa.Column("meeting", sa.String(length=22), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("started_by", sa.String(length=320), nullable=False),
        sa.Column("starter_name", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("octets", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["organizer", "tenant"],
            ["people.id", "people.tenant"],
            name=op.f("fk_recordings_organizer_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )
    op.create_index(op.f("ix_recordings_organizer"), "recordings", ["organizer"])
    op.create_index(op.f("ix_recordings_state"), "recordings", ["state"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("recordings")
