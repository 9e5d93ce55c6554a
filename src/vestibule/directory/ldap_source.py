"""Reads people from an LDAP directory: over verified TLS only, page by page, following no referral."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

with warnings.catch_warnings():  # pyasn1's, about names that ldap3 still calls it by
    warnings.simplefilter("ignore", DeprecationWarning)
    from ldap3 import NONE, SUBTREE, Connection, Server, Tls
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.conv import escape_filter_chars

PAGE = 100
MOST_ENTRIES = 200_000
_PORTS = {"ldaps": 636, "ldap": 389}
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 60


class LdapRefused(Exception):
    """Nothing was read; the message says why."""


@dataclass(frozen=True, slots=True)
class LdapAttributes:
    """What the directory calls things. `identity` never changes and is never given again."""

    identity: str = "entryUUID"
    user: str = "uid"
    name: str = "cn"
    mail: str = "mail"


@dataclass(frozen=True, slots=True)
class LdapSource:
    """Where people are. `ldaps://…` is TLS from the start, `ldap://…` begins it (StartTLS), always."""

    url: str
    base: str
    bind_dn: str
    password: str = field(repr=False)
    tls: ssl.SSLContext
    filter: str = "(objectClass=inetOrgPerson)"
    group: str = ""
    """Only members of the group of this DN."""
    attributes: LdapAttributes = field(default_factory=LdapAttributes)

    async def read(self) -> list["LdapEntry"]:
        """Everybody. Raises LdapRefused."""
        return await asyncio.to_thread(self._read)

    @property
    def whole_filter(self) -> str:
        """The filter, and the group with it."""
        if not self.group:
            return self.filter
        return f"(&{self.filter}(memberOf={escape_filter_chars(self.group)}))"

    def _read(self) -> list["LdapEntry"]:
        if not self.bind_dn or not self.password:
            raise LdapRefused("a name and a password to bind with are needed")
        connection = self._connection()
        try:
            connection.open()
            if not connection.server.ssl:
                connection.start_tls()
            connection.bind()
            return list(self._entries(connection))
        except LDAPException as error:
            raise LdapRefused(f"{urlsplit(self.url).hostname}: {_told(error)}") from error
        finally:
            _close(connection)

    def _connection(self) -> Any:
        host, port, secure = _parts(self.url)
        server = Server(
            host, port, use_ssl=secure, tls=_CheckedTls(self.tls), get_info=NONE,
            connect_timeout=_CONNECT_SECONDS,
        )  # fmt: skip
        return Connection(
            server, self.bind_dn, self.password, auto_referrals=False, read_only=True,
            raise_exceptions=True, receive_timeout=_ANSWER_SECONDS,
        )  # fmt: skip

    def _entries(self, connection: Any) -> Iterator["LdapEntry"]:
        names = self.attributes
        found = connection.extend.standard.paged_search(
            self.base, self.whole_filter, search_scope=SUBTREE, paged_size=PAGE, generator=True,
            attributes=[names.identity, names.user, names.name, names.mail],
        )  # fmt: skip
        for number, one in enumerate(found):
            if number >= MOST_ENTRIES:
                raise LdapRefused(f"more than {MOST_ENTRIES} entries")
            if one["type"] == "searchResEntry":  # not a reference to elsewhere
                yield _entry(one, names)


@dataclass(frozen=True, slots=True)
class LdapEntry:
    """One person over there, as it is written there: nothing of it has been found fit yet."""

    identity: str
    user: str
    name: str
    mail: str


class _CheckedTls(Tls):
    """TLS by a context of ours, which checks chain and name; ldap3 has a check of its own making."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Called by ldap3, for both ways to begin."""
        connection.socket = self._context.wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


def _close(connection: Any) -> None:
    """Close it, however far it came; ldap3 forgets a socket whose handshake failed."""
    with contextlib.suppress(LDAPException, OSError):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()


def _parts(url: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise LdapRefused("not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise LdapRefused("use ldaps://HOST or ldap://HOST (with StartTLS)")
    return parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "ldaps"


def _entry(found: dict[str, Any], names: LdapAttributes) -> LdapEntry:
    raw = {name.lower(): values for name, values in found["raw_attributes"].items()}
    identity, user, name, mail = (
        _first(raw.get(one.lower(), ()))
        for one in (names.identity, names.user, names.name, names.mail)
    )
    return LdapEntry(identity, user, name, mail)


def _first(values: Any) -> str:
    """The first value as text; what is no text (objectGUID) in hexadecimal."""
    value = bytes(values[0]) if values else b""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()


def _told(error: LDAPException) -> str:
    """What went wrong, in one line, without what we sent."""
    text = str(error).partition(" - None - ")[0]
    return " ".join(text.split())[:200] or type(error).__name__


def verifying_context(authorities_pem: str = "") -> ssl.SSLContext:
    """TLS 1.2 or better, by the system's authorities and these. It asks for no revocation list."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities_pem:
        context.load_verify_locations(cadata=authorities_pem)
    return context
