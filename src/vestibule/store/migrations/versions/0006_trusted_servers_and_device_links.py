"""The list of trusted servers; links by which devices get certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "trusted_servers",
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trusted_servers")),
    )
    op.create_table(
        "enrolment_links",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person", "tenant"],
            ["people.id", "people.tenant"],
            name=op.f("fk_enrolment_links_person_people"),
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_links")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("enrolment_links")
    op.drop_table("trusted_servers")
