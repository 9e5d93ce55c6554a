"""What a demo holds: a tenant, three people with two devices each, a meeting.

Everything is made once and kept. What was lost, revoked or outlived between two starts is made
anew, so that what `demo.json` says is always so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestibule.cli.devices import add_secret, enroll_device, ha1_sha256
from vestibule.cli.meetings import meetings_of
from vestibule.cli.new_password import hash_password, is_password, new_password
from vestibule.cli.workspace import Workspace
from vestibule.conferencing.invitation import invitation_link
from vestibule.config import Settings
from vestibule.directory.model import Device, Person, Tenant, TenantPolicy
from vestibule.pki.files import private_folder

DOMAIN = "vestibule.test"
PEOPLE = {"alice": "Alice Archer", "bob": "Bob Baker", "carol": "Carol Cook"}
ORGANIZER = "alice"
SUBJECT = "The first meeting"
WEB_CLIENT_ID = "vestibule-web"
SECRET_DEVICE = "demo phone"  # noqa: S105 - its name
CERTIFICATE_DEVICE = "demo phone with certificate"
_POLICY = TenantPolicy(device_digest=True)


def pid_file_of(settings: Settings) -> Path:
    """The file with the server's process id, there while it listens."""
    return settings.data_dir / "server.pid"


@dataclass(frozen=True, slots=True)
class DemoData:
    """Builds a demo's data. `kept` is what the last start wrote; `tell` hears of progress."""

    workspace: Workspace
    kept: dict[str, Any]
    tell: Callable[[str], None]

    async def build(self) -> dict[str, Any]:
        """Make what is missing; what `demo.json` is to say (docs/admins/demo.md)."""
        settings = self.workspace.settings
        authority = self.workspace.authority
        if not authority.exists:
            self.tell("making a certificate authority")
            authority.create(self.workspace.settings.server_names)
        authority.renew_issuing(
            self.workspace.settings.server_names
        )  # before devices get it in their chain
        tenant = await self._tenant()
        users = {name: await self._user(tenant, name) for name in PEOPLE}
        self.tell("making a meeting")
        return {
            "host": settings.host,
            "domain": DOMAIN,
            "ca_file": str(settings.pki_dir / "authority.pem"),
            "https_port": settings.https_port,
            "sip_tls_port": settings.sip_tls_port,
            "turn_port": settings.turn_ports[0],
            "media_ports": [settings.media_port_low, settings.media_port_high],
            "server_pid_file": str(pid_file_of(settings)),
            "users": users,
            "meeting": await self._meeting(),
            "web_client_id": WEB_CLIENT_ID,
        }

    async def _tenant(self) -> Tenant:
        directory = self.workspace.directory
        tenant = directory.tenant_of_domain(DOMAIN)
        return tenant or await directory.add_tenant("Vestibule demo", (DOMAIN,), _POLICY)

    async def _user(self, tenant: Tenant, name: str) -> dict[str, str]:
        self.tell(f"making {name} and {name}'s phones")
        directory = self.workspace.directory
        person = directory.person(f"sip:{name}@{DOMAIN}")
        if person is None:
            person = await directory.add_person(tenant.id, name, display_name=PEOPLE[name])
        kept = self.kept.get("users", {}).get(name, {})
        return {
            "sip": person.aor,
            "password": await self._password(person, kept.get("password")),
            "device_secret": await self._secret(person, kept.get("device_secret")),
            "device_pem": str(await self._pem(person)),
        }

    async def _password(self, person: Person, kept: str | None) -> str:
        directory = self.workspace.directory
        if kept and await is_password(await directory.password_hash(person.id), kept):
            return kept
        password = new_password()
        await directory.set_password(
            person.id, await hash_password(password, fips=self.workspace.settings.fips)
        )
        return password

    async def _secret(self, person: Person, kept: str | None) -> str:
        devices = self.workspace.directory.digest_devices(person.id)
        if kept and any(device.ha1_sha256 == ha1_sha256(person, kept) for device in devices):
            return kept
        await self._revoke(person, SECRET_DEVICE)
        return await add_secret(self.workspace, person, SECRET_DEVICE, md5=False)

    async def _pem(self, person: Person) -> Path:
        folder = self.workspace.settings.data_dir / "devices"
        private_folder(folder)
        path = folder / f"{person.user}.pem"
        if not self._is_good(path, person):
            await self._revoke(person, CERTIFICATE_DEVICE)
            await enroll_device(self.workspace, person, CERTIFICATE_DEVICE, path)
        return path

    def _is_good(self, pem: Path, person: Person) -> bool:
        authority = self.workspace.authority
        if not pem.exists() or authority.device_needs_renewal(pem.read_bytes()):
            return False
        serial = authority.device_serial(pem.read_bytes())
        device = self.workspace.directory.device_by_serial(serial)
        return device is not None and not device.revoked and device.person == person.id

    async def _revoke(self, person: Person, name: str) -> None:
        devices: tuple[Device, ...] = self.workspace.directory.devices_of(person.id)
        for device in devices:
            if device.name == name and not device.revoked:
                await self.workspace.directory.revoke_device(device.id)

    async def _meeting(self) -> dict[str, str]:
        meetings = meetings_of(self.workspace)
        await meetings.reload()
        organizer = self.workspace.person(f"{ORGANIZER}@{DOMAIN}")
        existing = {meeting.id: meeting for meeting in meetings.list_of(organizer)}
        meeting = existing.get(self.kept.get("meeting", {}).get("id", ""))
        if meeting is None:
            meeting = await meetings.create(organizer, SUBJECT)
        return {
            "link": invitation_link(self.workspace.settings.web_origin, meeting),
            "id": meeting.id,
            "conference_key": meeting.conference_key,
            "focus": meeting.address.focus,
            "organizer": meeting.organizer,
        }
