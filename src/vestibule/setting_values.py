"""The forms that settings have: each a type that checks what an admin wrote, and puts it into its usual shape."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]{1,63})*")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


def server_name(text: str) -> str:
    """A server's address or DNS name in its usual form. Raises ValueError if it is neither."""
    return address_in(text) or _name(text)


def public_name(text: str) -> str:
    """A DNS name that a public authority might certify. Raises ValueError if it can't."""
    name = server_name(text)
    if address_in(name) or "." not in name or name.endswith((".localhost", ".local", ".internal")):
        raise ValueError(f"{text!r} is no public DNS name: ACME certifies no others")
    return name


def address_in(text: str) -> str | None:
    """The IP address in its usual form; None if the text is none."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return None


def _separated(value: Any) -> Any:
    """The environment holds one text where the file holds a list."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _name(text: str) -> str:
    name = text.strip().lower().removesuffix(".")
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{text!r} is not a host or domain name, such as meet.example.org")
    return name


def _address(text: str) -> str:
    address = address_in(text)
    if address is None:
        raise ValueError(f"{text!r} is not an IP address")
    return address


def _address_v6(text: str) -> str:
    address = address_in(text)
    if address is None or ":" not in address:
        raise ValueError(f"{text!r} is not an IPv6 address")
    return address


def _listener(text: str) -> str:
    host, _, port = text.rpartition(":")
    address = address_in(host.removeprefix("[").removesuffix("]"))
    if address is None or not port.isdigit() or not 0 < int(port) <= 65535:
        raise ValueError(f"{text!r} is not an address and port, such as 127.0.0.1:9464")
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _https(text: str) -> str:
    if not text.startswith("https://"):
        raise ValueError("an authority's directory is at an https:// URL")
    return text


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise ValueError(f"{text!r} is not a mail address")
    return text


def _whole(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("say the whole path, from / on")
    return path


def _database(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"postgresql", "sqlite"}:
        raise ValueError("use postgresql://… or leave it out for SQLite")
    if url.scheme == "postgresql" and not _stays_here(url.hostname, parse_qs(url.query)):
        raise ValueError(
            "a database on another machine is reached over verified TLS only: add "
            "?sslmode=verify-full (and sslrootcert=FILE)"
        )
    return text


def _stays_here(host: str | None, options: dict[str, list[str]]) -> bool:
    """Whether a PostgreSQL connection stays on this machine or is verified TLS."""
    hosts = [host] if host else options.get("host", [])
    local = all(
        name.startswith("/") or name == "localhost" or (address_in(name) or "").startswith("127.")
        or address_in(name) == "::1"
        for name in hosts
    )  # fmt: skip
    return local or options.get("sslmode") == ["verify-full"]


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(text)) for text in texts)


def _domains(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_name, texts)))


def _public_names(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(public_name, texts)))


Port = Annotated[int, Field(ge=1, le=65535)]
ServerName = Annotated[str, AfterValidator(server_name)]
Address = Annotated[str, AfterValidator(_address)]
AddressV6 = Annotated[str, AfterValidator(_address_v6)]
Listener = Annotated[str, AfterValidator(_listener)]
"""An address and port."""
HttpsUrl = Annotated[str, AfterValidator(_https)]
MailAddress = Annotated[str, AfterValidator(_mail)]
WholePath = Annotated[Path, AfterValidator(_whole)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]

Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated)]
"""Separated by commas in the environment."""
Networks = Annotated[Several, AfterValidator(_networks)]
Domains = Annotated[Several, AfterValidator(_domains)]
PublicNames = Annotated[Several, AfterValidator(_public_names)]
