"""The tables, one schema for SQLite and PostgreSQL. Times are seconds since 1970.

What belongs to a person points to (person, tenant), and a person to (domain, tenant): the database
itself refuses a row that would reach from one tenant into another (I1).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(36)

tenants = Table(
    "tenants",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("policy", JSON, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("name", String(253), primary_key=True),
    Column("tenant", _ID, ForeignKey("tenants.id"), nullable=False),
    Column("position", Integer, nullable=False),
    UniqueConstraint("name", "tenant"),
)

people = Table(
    "people",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("user", String(64), nullable=False),
    Column("domain", String(253), nullable=False),
    Column("display_name", String(200), nullable=False),
    Column("email", String(254), nullable=False),
    Column("licensed", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("break_glass", String(16), nullable=False, server_default="no"),
    Column("source", String(16), nullable=False, server_default=""),
    Column("external_id", String(255)),
    Column("removed_at", Float),
    UniqueConstraint("user", "domain"),
    UniqueConstraint("id", "tenant"),
    UniqueConstraint("tenant", "source", "external_id"),
    ForeignKeyConstraint(["domain", "tenant"], ["domains.name", "domains.tenant"]),
)

devices = Table(
    "devices",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, nullable=False),
    Column("tenant", _ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("serial", String(64), unique=True),
    Column("ha1_sha256", String(64)),
    Column("ha1_md5", String(32)),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Index(None, "person"),
    ForeignKeyConstraint(["person", "tenant"], ["people.id", "people.tenant"]),
)

meetings = Table(
    "meetings",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("organizer", _ID, nullable=False),
    Column("subject", String(200), nullable=False),
    Column("conference_key", String(22), nullable=False),
    Column("access", String(16)),
    Column("presenting", String(16)),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Index(None, "organizer"),
    ForeignKeyConstraint(["organizer", "tenant"], ["people.id", "people.tenant"]),
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("organizer", _ID, nullable=False),
    Column("meeting", String(22), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("started_by", String(320), nullable=False),
    Column("starter_name", String(200), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("seconds", Float),
    Column("octets", BigInteger),
    Column("problem", String(200)),
    Index(None, "organizer"),
    Index(None, "state"),
    ForeignKeyConstraint(["organizer", "tenant"], ["people.id", "people.tenant"]),
)
"""What is known of each file in the folder of recordings."""

grants = Table(
    "grants",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("client_id", String(100), nullable=False),
    Column("scope", Text, nullable=False),
    Column("session", String(64), nullable=False),
    Column("auth_time", Float, nullable=False),
    Column("methods", String(100), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("key_thumbprint", String(43), nullable=False, server_default=""),
    Index(None, "session"),
    Index(None, "person"),
    Index(None, "revoked_at"),
)
"""What one sign-in gave one client: its code and its refresh tokens fall together."""

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("grant_id", _ID, ForeignKey("grants.id"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("nonce", Text),
    Column("code_challenge", String(128), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Index(None, "grant_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("grant_id", _ID, ForeignKey("grants.id"), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Index(None, "grant_id"),
)

device_authorizations = Table(
    "device_authorizations",
    metadata,
    Column("device_code_hash", String(64), primary_key=True),
    Column("user_code_mark", String(64), nullable=False, unique=True),
    Column("client_id", String(100), nullable=False),
    Column("scope", Text, nullable=False),
    Column("address", String(64), nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("wait", Float, nullable=False),
    Column("polled_at", Float),
    Column("state", String(16), nullable=False),
    Column("grant_id", _ID, ForeignKey("grants.id")),
)
"""Devices that wait for a person's word (RFC 8628)."""

personal_tokens = Table(
    "personal_tokens",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("methods", String(100), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("last_used_at", Float),
    Column("revoked_at", Float),
    Index(None, "person"),
)
"""What people's scripts call the API with."""

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("auth_time", Float, nullable=False),
    Column("methods", String(100), nullable=False),
    Column("expires_at", Float, nullable=False),
)

totp_authenticators = Table(
    "totp_authenticators",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("sealed_secret", Text, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float),
    Index(None, "person"),
)
"""Apps that show one-time codes; the secret is readable with the server's key only."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("credential_id", String(1400), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("device_bound", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float),
    Index(None, "person"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_mac", String(64), primary_key=True),
    Column("person", _ID, ForeignKey("people.id"), nullable=False),
    Column("used_at", Float),
    Index(None, "person"),
)

spent_tickets = Table(
    "spent_tickets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False),
)
"""Steps of signing in that were passed, so that nobody passes one twice; see `tickets.py`."""

enrolment_links = Table(
    "enrolment_links",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("person", _ID, nullable=False),
    Column("tenant", _ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    ForeignKeyConstraint(["person", "tenant"], ["people.id", "people.tenant"]),
)
"""Links by which a device gets a certificate, each of them once."""

trusted_servers = Table(
    "trusted_servers",
    metadata,
    Column("name", String(253), primary_key=True),
    Column("created_at", Float, nullable=False),
)
"""Servers that may connect as servers: hosts, SIP domains and addresses."""
identity_providers = Table(
    "identity_providers",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("tenant", _ID, ForeignKey("tenants.id"), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("sealed_secret", Text),
    Column("settings", JSON, nullable=False),
    UniqueConstraint("name", "tenant"),
    UniqueConstraint("tenant", "issuer"),
)
"""OpenID providers of others that sign a tenant's people in."""

linked_accounts = Table(
    "linked_accounts",
    metadata,
    Column("provider", String(40), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person", _ID, nullable=False),
    Column("tenant", _ID, nullable=False),
    Column("linked_at", Float, nullable=False),
    UniqueConstraint("provider", "person"),
    ForeignKeyConstraint(
        ["provider", "tenant"], ["identity_providers.name", "identity_providers.tenant"]
    ),
    ForeignKeyConstraint(["person", "tenant"], ["people.id", "people.tenant"]),
)
"""Whose a provider's account is, by the only name that never changes: its subject."""

provisioning_tokens = Table(
    "provisioning_tokens",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, ForeignKey("tenants.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("scope", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)
"""What a tenant's own directory shows us when it changes our people."""

revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
)
"""Numbers that rise with each change of a part; see `revisions.py`."""

journal = Table(
    "journal",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("tenant", String(64)),
    Column("kind", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("actor", String(320)),
    Column("subject", String(320)),
    Column("address", String(64)),
    Column("mechanism", String(64)),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The record of security events; `time` in microseconds since 1970. Points to no other table, for what
it tells of may be gone. Triggers refuse every UPDATE and DELETE."""

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sealed", BigInteger, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
)
"""One row: the newest entry, which appending locks, and the newest checkpoint's number and time."""
