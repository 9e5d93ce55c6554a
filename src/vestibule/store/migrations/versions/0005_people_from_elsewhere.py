"""People whose account lives elsewhere: OpenID providers, links to their accounts, provisioning."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and to people where they come from."""
    with op.batch_alter_table("people") as people:
        people.add_column(
            sa.Column("source", sa.String(length=16), nullable=False, server_default="")
        )
        people.add_column(sa.Column("external_id", sa.String(length=255), nullable=True))
        people.add_column(sa.Column("removed_at", sa.Float(), nullable=True))
        people.create_unique_constraint(
            op.f("uq_people_tenant_source_external_id"), ["tenant", "source", "external_id"]
        )
    op.create_index(op.f("ix_grants_person"), "grants", ["person"])
    op.create_index(op.f("ix_grants_revoked_at"), "grants", ["revoked_at"])
    op.create_table(
        "identity_providers",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_identity_providers_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_identity_providers")),
        sa.UniqueConstraint("name", "tenant", name=op.f("uq_identity_providers_name_tenant")),
        sa.UniqueConstraint("tenant", "issuer", name=op.f("uq_identity_providers_tenant_issuer")),
    )
    op.create_table(
        "linked_accounts",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("linked_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider", "tenant"],
            ["identity_providers.name", "identity_providers.tenant"],
            name=op.f("fk_linked_accounts_provider_identity_providers"),
        ),
        sa.ForeignKeyConstraint(
            ["person", "tenant"],
            ["people.id", "people.tenant"],
            name=op.f("fk_linked_accounts_person_people"),
        ),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_linked_accounts")),
        sa.UniqueConstraint("provider", "person", name=op.f("uq_linked_accounts_provider_person")),
    )
    op.create_table(
        "provisioning_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_provisioning_tokens_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_provisioning_tokens_token_hash")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("provisioning_tokens")
    op.drop_table("linked_accounts")
    op.drop_table("identity_providers")
    op.drop_index(op.f("ix_grants_revoked_at"), "grants")
    op.drop_index(op.f("ix_grants_person"), "grants")
    with op.batch_alter_table("people") as people:
        people.drop_constraint(op.f("uq_people_tenant_source_external_id"))
        people.drop_column("removed_at")
        people.drop_column("external_id")
        people.drop_column("source")
