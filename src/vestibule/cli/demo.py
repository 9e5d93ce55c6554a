"""`vestibule demo`: a tenant with a few people and a meeting, on this machine, from nothing."""

import ipaddress
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from vestibule.cli.configuration_file import as_toml
from vestibule.cli.demo_data import DOMAIN, DemoData, pid_file_of
from vestibule.cli.demo_guide import print_guide
from vestibule.cli.free_ports import free_port, local_address, media_address
from vestibule.cli.output import fail, say
from vestibule.cli.serve import only_server_of, run_server
from vestibule.cli.workspace import Workspace, run_in, settings_of
from vestibule.config import PREFIX, Settings
from vestibule.pki.files import write_private

if TYPE_CHECKING:
    from vestibule.server import Server

CONFIG_FILE = "vestibule.toml"
_KEYS_TO_WRITE = frozenset(Settings.model_fields) - {"database", "log_json"}
_Port = Annotated[int | None, typer.Option(min=1, max=65535, show_default="one that is free")]


def demo(
    *,
    host: Annotated[
        str, typer.Option(help="Address, or name of an address, of this machine to listen on.")
    ] = "127.0.0.1",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the demo's data.",
            show_default="var/demo in a checkout, else ~/.local/share/vestibule-demo",
        ),
    ] = None,
    https_port: _Port = None,
    sip_tls_port: _Port = None,
    turn_port: _Port = None,
    verbose: Annotated[bool, typer.Option(help="Log more than what went wrong.")] = False,
) -> None:
    """Start a demo: three people and a meeting, all encrypted. Needs no root and no DNS.

    Web and SIP listen on this machine only; --host opens them to the network of that address.
    Browsers refuse loopback for media, so the encrypted media of a running meeting goes by this
    machine's own address if it has one.

    Prints what to open, whom to sign in as, a link for a guest and the settings of a SIP phone, and
    writes the same for scripts into demo.json (mode 0600) in its data folder. Ctrl-C stops it; the
    data stays for the next start.
    """
    folder = _folder(data)
    address = local_address(host)
    with only_server_of(folder):
        facts_file = folder / "demo.json"
        kept = _read(facts_file)
        wanted = (https_port, sip_tls_port, turn_port)
        settings = _settings(host, address, folder, _ports(address, kept, wanted))
        pid_file = pid_file_of(settings)
        pid_file.unlink(missing_ok=True)  # left by a server that could not tidy up

        with Console(stderr=True).status("starting") as status:

            async def build(workspace: Workspace) -> dict[str, Any]:
                return await DemoData(workspace, kept, status.update).build()

            facts = run_in(settings, build)
            write_private(facts_file, json.dumps(facts, indent=2).encode())
            write_private(folder / CONFIG_FILE, as_toml(settings, _KEYS_TO_WRITE).encode())

        async def announce(server: "Server") -> None:
            print_guide(facts, server.authority.fingerprint(), folder)

        quiet = sys.stderr.isatty() and not verbose
        level = logging.WARNING if quiet else logging.INFO
        run_server(settings, pid_file=pid_file, when_up=announce, level=level)
        say("stopped")


def _settings(host: str, address: str, folder: Path, ports: tuple[int, int, int]) -> Settings:
    https, sip_tls, turn = ports
    media = media_address(address)
    # The relay has to reach the rooms, which are on this very machine.
    networks = dict.fromkeys(str(ipaddress.ip_network(one)) for one in (address, media))
    peers = {"relay_peers": tuple(networks)}
    return settings_of(
        data_dir=folder,
        host=host,
        domains=(DOMAIN,),
        bind=address,
        media_address=media,
        media_bind=media,
        https_port=https,
        sip_tls_port=sip_tls,
        turn_ports=(turn,),
        **({} if f"{PREFIX}RELAY_PEERS" in os.environ else peers),
    )


def _ports(
    address: str, kept: dict[str, Any], wanted: tuple[int | None, ...]
) -> tuple[int, int, int]:
    """The ports asked for; or else those of the last start, or the usual ones, or the next."""

    def choose(index: int, key: str, usual: int, *, udp: bool, taken: frozenset[int]) -> int:
        preferred = int(kept.get(key, usual))
        return free_port(address, wanted[index], preferred, udp=udp, not_these=taken)

    others = frozenset(port for port in wanted[1:2] if port)
    https = choose(0, "https_port", 8443, udp=False, taken=others)
    sip_tls = choose(1, "sip_tls_port", 5061, udp=False, taken=frozenset({https}))
    return https, sip_tls, choose(2, "turn_port", 3478, udp=True, taken=frozenset())


def _folder(data: Path | None) -> Path:
    if data == Path():  # what --data "" comes to: the folder one happens to be in
        fail("--data: name a folder")
    folder = (data or _usual_folder()).resolve()
    if folder.exists() and not folder.is_dir():
        fail(f"--data {folder}: is not a folder")
    return folder


def _usual_folder() -> Path:
    """`var/demo` in a checkout, which git ignores; else where programs keep a person's data."""
    here = Path.cwd()
    if (here / "pyproject.toml").exists() and (here / "src" / "vestibule").is_dir():
        return here / "var" / "demo"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "vestibule-demo"


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
