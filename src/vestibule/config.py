"""Settings: `vestibule.toml` and environment variables `VESTIBULE_…`, read once into one frozen object.

Unknown keys are refused. There is no key for a plaintext listener, and there won't be one (E1).
"""

import hashlib
import ipaddress
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

_LONGEST_RUN_DIR = 90  # a Unix socket's path has at most 107 octets
_PLAINTEXT = ("udp", "tcp", "plain", "insecure", "http_port")


class Settings(BaseSettings):
    """Everything that an admin sets. Ports are numbers, times seconds, addresses text."""

    model_config = SettingsConfigDict(env_prefix="VESTIBULE_", frozen=True, extra="forbid")

    data_dir: Path = Field(description="Folder for database, keys and certificates.")
    host: str = Field(description="Name or address that clients use; the certificate is for it.")
    domains: tuple[str, ...] = Field(
        description="SIP domains served here; the first names the server.", min_length=1
    )
    bind: str = Field("0.0.0.0", description="Local address that listeners bind to.")  # noqa: S104
    media_address: str | None = Field(
        None, description="Address written into media offers; default: `host` or `bind`."
    )
    media_bind: str | None = Field(
        None, description="Local address of media sockets; default: `bind`."
    )
    https_port: int = Field(443, ge=1, le=65535, description="Web, API, SIP over WebSocket.")
    sip_tls_port: int = Field(5061, ge=1, le=65535, description="SIP over TLS.")
    turn_udp_port: int = Field(3478, ge=1, le=65535, description="STUN and TURN over UDP.")
    media_port_low: int = Field(50000, ge=1024, le=65535, description="First UDP port for media.")
    media_port_high: int = Field(59999, ge=1024, le=65535, description="Last UDP port for media.")
    relay_peers: tuple[str, ...] = Field(
        (), description="Private networks that the relay may reach, such as 10.1.0.0/16."
    )
    database: str | None = Field(None, description="postgresql://…; default: SQLite in `data_dir`.")
    log_json: bool | None = Field(None, description="Logs as JSON; default: unless on a terminal.")

    @model_validator(mode="before")
    @classmethod
    def _no_plaintext(cls, values: Any) -> Any:
        for key in values if isinstance(values, dict) else ():
            name = str(key).lower()
            if name not in cls.model_fields and any(word in name for word in _PLAINTEXT):
                raise ValueError(
                    f"{key}: a plaintext listener can't be configured; SIP runs on TLS and the web "
                    "on HTTPS only"
                )
        return values

    @field_validator("host", "domains")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else tuple(v.lower() for v in value)

    @model_validator(mode="after")
    def _range(self) -> "Settings":
        if self.media_port_low > self.media_port_high:
            raise ValueError("media_port_low is above media_port_high")
        return self

    @property
    def authority_host(self) -> str:
        """The host as it stands in a URI: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def web_origin(self) -> str:
        """Scheme, host and port of the web client."""
        port = "" if self.https_port == 443 else f":{self.https_port}"
        return f"https://{self.authority_host}{port}"

    @property
    def issuer(self) -> str:
        """OpenID Connect issuer."""
        return f"{self.web_origin}/identity"

    @property
    def sip_websocket(self) -> str:
        """Where browsers speak SIP."""
        return f"{self.web_origin.replace('https', 'wss', 1)}/sip"

    @property
    def crl_base(self) -> str:
        """Where CRLs are published."""
        return f"{self.web_origin}/pki"

    @property
    def advertised_media_address(self) -> str:
        """An IP address for media offers. Raises ValueError if none is known."""
        for candidate in (self.media_address, self.host, self.bind):
            if candidate and _is_usable_address(candidate):
                return candidate
        raise ValueError("media_address must be set: `host` is a name and `bind` is every address")

    @property
    def server_names(self) -> tuple[str, ...]:
        """Names and addresses in the server's certificate."""
        local = ("localhost",) if self.bind.startswith("127.") else ()
        return tuple(dict.fromkeys((self.host, *self.domains, *local)))

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.database or f"sqlite:///{self.data_dir / 'vestibule.db'}"

    @property
    def run_dir(self) -> Path:
        """Folder of the private socket between edge and portal; its path must be short."""
        folder = self.data_dir / "run"
        if len(bytes(folder)) < _LONGEST_RUN_DIR:
            return folder
        name = hashlib.sha256(bytes(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"vestibule-{os.getuid()}-{name}"

    @property
    def pki_dir(self) -> Path:
        """Folder of the authority."""
        return self.data_dir / "pki"


def load_settings(file: Path, **overrides: Any) -> Settings:
    """Settings from a file; environment variables go before it, overrides before both.

    Raises pydantic.ValidationError, FileNotFoundError.
    """
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there: `vestibule init` makes one")

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    return FromFile(**overrides)


def _is_usable_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False
