"""`vestibule demo`: a tenant with a few people and a meeting, on this machine, from nothing."""

import asyncio
import ipaddress
import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table

from vestibule.cli.devices import add_secret, enroll_device
from vestibule.cli.meetings import meetings_of
from vestibule.cli.serve import run_server
from vestibule.cli.workspace import Workspace, console, fail, open_workspace
from vestibule.conferencing.invitation import invitation_link
from vestibule.config import Settings
from vestibule.directory.model import Person, TenantPolicy
from vestibule.identity.passwords import Passwords
from vestibule.pki.files import write_private
from vestibule.server import Server

DOMAIN = "vestibule.test"
PEOPLE = {"alice": "Alice Archer", "bob": "Bob Baker", "carol": "Carol Cook"}
ORGANIZER = "alice"
SUBJECT = "The first meeting"
WEB_CLIENT_ID = "vestibule-web"
_WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "indigo",
    "jasper",
    "koala",
    "lemon",
    "maple",
    "nectar",
]


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """The ports of a demo, kept for its next start."""

    https: int
    sip_tls: int
    turn_udp: int


def demo(
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; another than this machine's loopback opens it."),
    ] = "127.0.0.1",
    data: Annotated[
        Path, typer.Option(help="Folder for the demo's data; a second start reuses it.")
    ] = Path("var/demo"),
    https_port: Annotated[int | None, typer.Option(help="Web port; default: 8443 or near.")] = None,
    sip_tls_port: Annotated[
        int | None, typer.Option(help="SIP port; default: 5061 or near.")
    ] = None,
    turn_udp_port: Annotated[
        int | None, typer.Option(help="Relay port; default: 3478 or near.")
    ] = None,
) -> None:
    """Start a demo: three people, a meeting, everything encrypted, no DNS and no root needed.

    Listens on this machine only unless --host says otherwise. Prints what to open, whom to sign in as, a link for a
    guest and the settings of a SIP phone, and writes the same for scripts into demo.json (mode 0600) in its
    data folder. Ctrl-C stops it; the data stays.
    """
    folder = data.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    bind = _bind_address(host)
    kept = _read(folder / "demo.json")
    wanted = DemoPorts(https_port or 0, sip_tls_port or 0, turn_udp_port or 0)
    settings = _settings(host, bind, folder, _ports(bind, kept, wanted))

    async def announce(server: Server) -> None:
        _print(facts, server.authority.fingerprint())

    with console.status("preparing the demo") as status:
        facts = _prepare(settings, kept, status.update)
        write_private(folder / "demo.json", json.dumps(facts, indent=2).encode())
    run_server(settings, pid_file=folder / "server.pid", when_up=announce)
    console.print("stopped")


def _settings(host: str, bind: str, folder: Path, ports: DemoPorts) -> Settings:
    media = _media_address(bind)
    return Settings(
        data_dir=folder,
        host=host,
        domains=(DOMAIN,),
        bind=bind,
        media_address=media,
        media_bind=media,
        https_port=ports.https,
        sip_tls_port=ports.sip_tls,
        turn_udp_port=ports.turn_udp,
        relay_peers=tuple(f"{a}/{ipaddress.ip_address(a).max_prefixlen}" for a in {bind, media}),
    )


def _prepare(
    settings: Settings, kept: dict[str, Any], tell: Callable[[str], None]
) -> dict[str, Any]:
    return asyncio.run(_prepare_async(settings, kept, tell))


async def _prepare_async(
    settings: Settings, kept: dict[str, Any], tell: Callable[[str], None]
) -> dict[str, Any]:
    async with open_workspace(settings) as workspace:
        if not workspace.authority.exists:
            tell("making the authority")
            workspace.authority.create()
        tell("people and devices")
        tenants = workspace.directory.tenants()
        tenant = tenants[0] if tenants else await workspace.directory.add_tenant(
            "Vestibule demo", (DOMAIN,), TenantPolicy(device_digest=True)
        )  # fmt: skip
        users = {}
        for name, display_name in PEOPLE.items():
            person = workspace.directory.person(f"sip:{name}@{DOMAIN}")
            known = kept.get("users", {}).get(name)
            if person is None or known is None:
                known = await _new_person(workspace, tenant.id, person, name, display_name)
            users[name] = known
        tell("the meeting")
        return _facts(settings, users, await _meeting(workspace))


async def _new_person(
    workspace: Workspace, tenant: str, person: Person | None, name: str, display_name: str
) -> dict[str, str]:
    password = "-".join(secrets.choice(_WORDS) for _ in range(4)) + f"-{secrets.randbelow(90) + 10}"
    hashed = await Passwords().hash(password)
    if person is None:
        person = await workspace.directory.add_person(
            tenant, name, display_name=display_name, password_hash=hashed
        )
    else:
        await workspace.directory.set_password(person.id, hashed)
    secret = await add_secret(workspace, person, "demo phone", md5=False)
    pem = workspace.settings.data_dir / "devices" / f"{name}.pem"
    pem.parent.mkdir(mode=0o700, exist_ok=True)
    await enroll_device(workspace, person, "demo phone with certificate", pem)
    return {
        "sip": person.aor,
        "password": password,
        "device_secret": secret,
        "device_pem": str(pem),
    }


async def _meeting(workspace: Workspace) -> dict[str, str]:
    meetings = meetings_of(workspace)
    await meetings.reload()
    organizer = workspace.person(ORGANIZER)
    of_organizer = meetings.list_of(organizer)
    meeting = of_organizer[-1] if of_organizer else await meetings.create(organizer, SUBJECT)
    return {
        "link": invitation_link(workspace.settings.web_origin, meeting),
        "id": meeting.id,
        "conference_key": meeting.conference_key,
        "focus": meeting.address.focus,
        "organizer": meeting.organizer,
    }


def _facts(
    settings: Settings, users: dict[str, dict[str, str]], meeting: dict[str, str]
) -> dict[str, Any]:
    return {
        "host": settings.host,
        "domain": DOMAIN,
        "ca_file": str(settings.pki_dir / "authority.pem"),
        "https_port": settings.https_port,
        "sip_tls_port": settings.sip_tls_port,
        "turn_udp_port": settings.turn_udp_port,
        "media_ports": [settings.media_port_low, settings.media_port_high],
        "server_pid_file": str(settings.data_dir / "server.pid"),
        "users": users,
        "meeting": meeting,
        "web_client_id": WEB_CLIENT_ID,
    }


def _print(facts: dict[str, Any], fingerprint: str) -> None:
    origin = f"https://{facts['host']}:{facts['https_port']}"
    people = Table("sign in as", "password", "SIP address", "device certificate", box=None)
    for name, user in facts["users"].items():
        people.add_row(name, user["password"], user["sip"], user["device_pem"])
    console.print(Panel.fit(f"Vestibule is running at [bold]{origin}[/bold]", title="demo"))
    console.print(people, soft_wrap=True)
    outbound = f"sip:{facts['host']}:{facts['sip_tls_port']};transport=tls"
    for label, text in (
        ("Guest link", facts["meeting"]["link"]),
        ("Meeting's SIP address", facts["meeting"]["focus"]),
        ("SIP phones: outbound proxy", f"{outbound}   SRTP (SDES): mandatory"),
        ("Trust this authority", facts["ca_file"]),
        ("Its SHA-256 fingerprint", fingerprint),
        ("In Firefox or Chromium", "Settings, Privacy and security, Certificates, Authorities, Import"),
        ("On Debian", f"cp {facts['ca_file']} /usr/local/share/ca-certificates/vestibule.crt && "
                      "update-ca-certificates"),
        ("For scripts", str(Path(facts["server_pid_file"]).with_name("demo.json"))),
    ):  # fmt: skip
        console.print(f"[bold]{label}:[/bold] {text}", soft_wrap=True, highlight=False)
    console.print("Ctrl-C stops it.")


# --- ports and addresses ---


def _bind_address(host: str) -> str:
    """The address behind `host`, which must be this machine's."""
    try:
        address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
        with socket.create_server((str(address), 0)):
            return str(address)
    except OSError as error:
        fail(f"--host {host}: can't listen there ({error})")


def _media_address(bind: str) -> str:
    """Where media goes: browsers never use loopback for it, so a demo there takes this machine's own address.

    Signalling and web stay on loopback. Without any other address, media stays there too (SIP phones can use it).
    """
    if not ipaddress.ip_address(bind).is_loopback:
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # documentation address: nothing is sent, only the route is asked
        except OSError:
            return bind
        return str(probe.getsockname()[0])


def _ports(bind: str, kept: dict[str, Any], wanted: DemoPorts) -> DemoPorts:
    return DemoPorts(
        _free(bind, wanted.https, kept.get("https_port", 8443), udp=False),
        _free(bind, wanted.sip_tls, kept.get("sip_tls_port", 5061), udp=False),
        _free(bind, wanted.turn_udp, kept.get("turn_udp_port", 3478), udp=True),
    )


def _free(bind: str, wanted: int, preferred: int, *, udp: bool) -> int:
    """The wanted port, or the preferred one, or the next free one."""
    for port in (wanted,) if wanted else range(preferred, preferred + 200):
        if _is_free(bind, port, udp=udp):
            return port
    fail(f"port {wanted or preferred} is taken: name another")


def _is_free(bind: str, port: int, *, udp: bool) -> bool:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
        return True


def _read(path: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept
