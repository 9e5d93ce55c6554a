"""OpenLDAP's server on loopback, with TLS by a test authority, as Debian packages it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import TestAuthority
from tests.clients.deadline import eventually
from tests.clients.namespaces import stopping

ADMIN, PASSWORD = "cn=admin,dc=example,dc=org", "the directory's own password"
ANOTHER_ADDRESS = "127.0.0.2"
"""It listens there too, but its certificate is not for it."""

BASE = "ou=people,dc=example,dc=org"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCACertificateFile {folder}/authority.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.pem
sizelimit size.soft=50 size.hard=50 size.pr=100 size.prtotal=unlimited
security simple_bind=128
database mdb
suffix "dc=example,dc=org"
rootdn "cn=root,dc=example,dc=org"
directory {folder}/data
access to attrs=userPassword by anonymous auth
access to * by dn.exact="cn=admin,dc=example,dc=org" write by * none
limits dn.exact="cn=admin,dc=example,dc=org" size.soft=50 size.hard=50 size.pr=100 size.prtotal=unlimited
overlay memberof
"""
_FIRST = f"""dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {ADMIN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: admin
userPassword: {PASSWORD}

dn: {BASE}
objectClass: organizationalUnit
ou: people
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """A running one."""

    tls_port: int
    port: int
    authority: Path

    def run(self, program: str, ldif: str) -> None:
        """`ldapadd` or `ldapmodify`."""
        command = [
            program,
            "-x",
            "-H",
            f"ldaps://127.0.0.1:{self.tls_port}",
            "-D",
            ADMIN,
            "-w",
            PASSWORD,
        ]
        done = subprocess.run(
            command, input=ldif, capture_output=True, text=True, check=False,
            env={**os.environ, "LDAPTLS_CACERT": str(self.authority)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def add(self, user: str, name: str, **more: str) -> None:
        """A person."""
        lines = [
            f"dn: uid={user},{BASE}", "objectClass: inetOrgPerson", f"uid: {user}", f"cn: {name}",
            "sn: x", *(f"{attribute}: {value}" for attribute, value in more.items()),
        ]  # fmt: skip
        self.run("ldapadd", "\n".join([*lines, ""]))

    def remove(self, user: str) -> None:
        """One less."""
        self.run("ldapmodify", f"dn: uid={user},{BASE}\nchangetype: delete\n")


@contextmanager
def slapd(folder: Path, authority: TestAuthority) -> Iterator[Slapd]:
    """A server with nobody in it yet."""
    (folder / "data").mkdir(parents=True)
    (folder / "authority.pem").write_bytes(authority.root_pem)
    authority.server("localhost").write(folder, "server")
    config = folder / "slapd.conf"
    config.write_text(_CONFIG.format(folder=folder))
    first = folder / "first.ldif"
    first.write_text(_FIRST)
    subprocess.run(
        ["slapadd", "-f", str(config), "-l", str(first)], check=True, capture_output=True
    )
    tls_port, port = _free_port(), _free_port()
    urls = " ".join(
        f"ldaps://{address}:{tls_port} ldap://{address}:{port}"
        for address in ("127.0.0.1", ANOTHER_ADDRESS)
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["slapd", "-f", str(config), "-h", urls, "-d", "0"], stdout=log, stderr=log
        )
    with stopping(process):

        def is_up() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", tls_port), 1.0).close()
            except OSError:
                return False
            return True

        eventually(is_up, "slapd to listen", 30.0)
        yield Slapd(tls_port, port, folder / "authority.pem")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number
