"""Settings: `vestibule.toml` and the environment, read once into one frozen object.

Every key may also be given as `VESTIBULE_<KEY>`; several values are separated by commas there.
Unknown keys are refused in both. There is no key for a plaintext listener, and there won't be (E1);
the port of a public authority's challenge speaks neither SIP nor the web.
"""

import hashlib
import ipaddress
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vestibule.pki.token_place import TokenPlace
from vestibule.setting_values import (
    Address,
    AddressV6,
    DatabaseUrl,
    Domains,
    HttpsUrl,
    Listener,
    MailAddress,
    Networks,
    Port,
    PublicNames,
    ServerName,
    Several,
    WholePath,
    address_in,
    public_name,
)

PREFIX = "VESTIBULE_"
_LONGEST_RUN_DIR = 90  # a Unix socket's path has at most 107 octets
_NOT_SETTINGS = frozenset(
    {
        "VESTIBULE_CONFIG",  # where the file is: the command line's own
        "VESTIBULE_SUITES",  # where contributors keep conformance suites
    }
)
_PLAINTEXT = ("udp", "tcp", "plain", "insecure", "http_port")


class Settings(BaseSettings):
    """Everything that an admin sets. Ports are numbers, addresses text."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Field(description="Folder for database, keys and certificates.")
    host: ServerName = Field(
        description="Name or address that clients use; the certificate is for it."
    )
    domains: Domains = Field(
        description="SIP domains served here; the first is the realm of the relay.", min_length=1
    )
    bind: Address = Field(
        default="0.0.0.0",  # noqa: S104 - a server is there to be reached; init says what is open
        description="Local address that listeners bind to; 0.0.0.0 or :: is every one.",
    )
    media_address: Address | None = Field(
        default=None,
        description="Address written into media offers; needed if `host` is a name and `bind` "
        "is every address.",
    )
    media_bind: Address | None = Field(
        default=None, description="Local address of media sockets; without it `bind`."
    )
    https_port: Port = Field(default=443, description="Web, API and SIP over WebSocket (TLS).")
    sip_tls_port: Port = Field(default=5061, description="SIP over TLS.")
    turn_ports: tuple[Port, ...] = Field(
        default=(3478, 3479, 3480, 3481),
        min_length=1,
        max_length=16,
        description="STUN and TURN over UDP and over TCP; clients are told the first.",
    )
    relay_address_v6: AddressV6 | None = Field(
        default=None,
        description="Our IPv6 address for the relay, if it is to serve IPv6 beside IPv4.",
    )
    relay_allocations_per_person: int = Field(
        default=20, ge=1, description="Relayed addresses that one person may have at a time."
    )
    relay_allocations_per_address: int = Field(
        default=200,
        ge=1,
        description="Relayed addresses for clients at one address, such as an office's router.",
    )
    relay_kilobits_per_person: int = Field(
        default=50_000,
        ge=0,
        description="Kilobits a second that one person may relay, both ways together; what is over "
        "is dropped. 0: anything.",
    )
    bridged_calls: int = Field(
        default=100,
        ge=0,
        description="Calls between a browser and a phone without media in common that the server bridges, and so "
        "decodes, at once. 0: none; such calls fail (488).",
    )
    transcoded_pictures: int = Field(
        default=4,
        ge=0,
        description="Pictures that are transcoded at once for phones with H.264; each takes about a quarter of a "
        "processor core. Beyond that such phones see nothing. 0: none, their pictures are declined.",
    )
    media_port_low: Port = Field(default=50000, description="First UDP port for media.")
    media_port_high: Port = Field(default=59999, description="Last UDP port for media.")
    trusted_authorities: Several = Field(
        default=(),
        description="PEM files of other authorities whose servers and clients are accepted; their "
        "CRLs are fetched from where their certificates say.",
    )
    acme_directory: HttpsUrl | None = Field(
        default=None,
        description="Directory URL of a public authority (ACME) that certifies `acme_names`; without "
        "it our own authority does.",
    )
    acme_terms_agreed: bool = Field(
        default=False,
        description="Whether you have read that authority's terms of service and agree to them.",
    )
    acme_contact: MailAddress | None = Field(
        default=None,
        description="Mail address that the authority may write to; it may be left out.",
    )
    acme_names: PublicNames = Field(
        default=(),
        description="DNS names to be certified; without them `host`. Each must lead here, on port 80.",
    )
    acme_challenge_port: Port = Field(
        default=80,
        description="Local port that the authority's http-01 request comes to; open only while one is "
        "expected.",
    )
    acme_without_crl: bool = Field(
        default=False,
        description="Whether to use a public certificate that names no CRL; other Vestibule servers "
        "refuse such.",
    )
    pkcs11_module: WholePath | None = Field(
        default=None,
        description="PKCS#11 module (.so) of the token that holds the issuing key; without it the key "
        "is a file in `data_dir`. Set it before `vestibule init`, as VESTIBULE_PKCS11_MODULE, with the "
        "three below.",
    )
    pkcs11_token: str | None = Field(default=None, description="The token's label.")
    pkcs11_key: str | None = Field(
        default=None, description="The issuing key's label in the token; `vestibule init` makes it."
    )
    pkcs11_pin_file: WholePath | None = Field(
        default=None,
        description="File that holds the token's user PIN and nothing else, mode 0600.",
    )
    crl_grace: int = Field(
        default=0,
        ge=0,
        le=7 * 24 * 3600,
        description="Seconds that a CRL still serves past its end; 0 is safest.",
    )
    outbound_allowed: Networks = Field(
        default=(),
        description="Private networks that CRLs and the like may be fetched from, such as "
        "10.2.0.0/16; others must be public.",
    )
    relay_peers: Networks = Field(
        default=(), description="Private networks that the relay may reach, such as 10.1.0.0/16."
    )
    association_seconds: int = Field(
        default=28_800,
        ge=1,
        le=28_800,
        description="How long a client's security association lives; clients renew it by themselves.",
    )
    messages_per_person: int = Field(
        default=300,
        ge=10,
        description="SIP messages a second of one person, over all of their connections; twice that "
        "at once. What is over is slowed down, then refused (503).",
    )
    dialogs_per_person: int = Field(
        default=120,
        ge=2,
        description="Calls, subscriptions and transfers that one person may begin in a minute, half of them at "
        "once. What is over is refused (503).",
    )
    messages_per_partner: int = Field(
        default=2000, ge=10, description="The same of a partner's or a carrier's server."
    )
    metrics_listen: Listener | None = Field(
        default=None,
        description="Address and port for Prometheus, by HTTPS; without it there are no metrics. "
        "Other than on loopback it needs a token: `vestibule metrics token`.",
    )
    fips: bool = Field(
        default=False,
        description="FIPS-approved algorithms only; the log says at the start what that turns off.",
    )
    database: DatabaseUrl | None = Field(
        default=None,
        repr=False,  # may hold a password
        description="postgresql://…; without it SQLite in `data_dir`.",
    )
    log_json: bool | None = Field(
        default=None, description="Logs as JSON lines; without it, only when not on a terminal."
    )

    # --- what is refused ---

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        in_environment = (
            name.removeprefix(PREFIX)
            for name in os.environ
            if name.startswith(PREFIX) and name not in _NOT_SETTINGS
        )
        _refuse_unknown(in_environment, cls.model_fields.keys(), PREFIX)
        _refuse_unknown(values, cls.model_fields.keys(), "")
        return values

    @model_validator(mode="after")
    def _acme(self) -> "Settings":
        if self.acme_directory is None:
            return self
        if not self.acme_terms_agreed:
            raise ValueError(
                "acme_terms_agreed: read the authority's terms of service, and say true if you agree"
            )
        if not self.acme_names:
            public_name(self.host)
        if self.acme_challenge_port in {self.https_port, self.sip_tls_port}:
            raise ValueError("acme_challenge_port must differ from https_port and sip_tls_port")
        return self

    @model_validator(mode="after")
    def _pkcs11(self) -> "Settings":
        given = (self.pkcs11_module, self.pkcs11_token, self.pkcs11_key, self.pkcs11_pin_file)
        if any(given) and not all(given):
            raise ValueError(
                "pkcs11_module, pkcs11_token, pkcs11_key and pkcs11_pin_file go together"
            )
        return self

    @model_validator(mode="after")
    def _ports(self) -> "Settings":
        if self.media_port_low > self.media_port_high:
            raise ValueError("media_port_low is above media_port_high")
        if self.https_port == self.sip_tls_port:
            raise ValueError("https_port and sip_tls_port must differ")
        if any(self.media_port_low <= port <= self.media_port_high for port in self.turn_ports):
            raise ValueError("turn_ports lie among the media ports")
        if len(set(self.turn_ports)) < len(self.turn_ports):
            raise ValueError("turn_ports names a port twice")
        if {self.https_port, self.sip_tls_port} & set(self.turn_ports):
            raise ValueError("turn_ports need ports of their own")
        if self.metrics is not None and self.metrics[1] in (self.https_port, self.sip_tls_port):
            raise ValueError("metrics_listen needs a port of its own")
        return self

    # --- what follows from it ---

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
    def web_hosts(self) -> frozenset[str]:
        """What a request for the web may have as its Host: the origin's, and this machine's."""
        return frozenset({self.web_origin.removeprefix("https://"), f"localhost:{self.https_port}"})

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
            if candidate and address_in(candidate) and not _is_every(candidate):
                return candidate
        raise ValueError("media_address must be set: `host` is a name and `bind` is every address")

    @property
    def server_names(self) -> tuple[str, ...]:
        """Names and addresses in the server's certificate."""
        local = ("localhost",) if ipaddress.ip_address(self.bind).is_loopback else ()
        return tuple(dict.fromkeys((self.host, *self.domains, *local)))

    @property
    def public_names(self) -> tuple[str, ...]:
        """DNS names that a public authority certifies, if there is one."""
        return self.acme_names or (self.host,)

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
    def metrics(self) -> tuple[str, int] | None:
        """Address and port of metrics; None if there are none."""
        if self.metrics_listen is None:
            return None
        host, _, port = self.metrics_listen.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)

    @property
    def metrics_token_file(self) -> Path:
        """The hash of the token that metrics are read with."""
        return self.data_dir / "metrics.token"

    @property
    def journal_dir(self) -> Path:
        """Folder of the journal's signing key and newest checkpoint."""
        return self.data_dir / "journal"

    @property
    def recordings_dir(self) -> Path:
        """Folder of recorded meetings."""
        return self.data_dir / "recordings"

    @property
    def issuing_token(self) -> TokenPlace | None:
        """The token that holds the issuing key; None if a file does."""
        module, pin_file = self.pkcs11_module, self.pkcs11_pin_file
        if not (module and pin_file and self.pkcs11_token and self.pkcs11_key):
            return None
        return TokenPlace(module, self.pkcs11_token, self.pkcs11_key, pin_file)

    @property
    def pki_dir(self) -> Path:
        """Folder of the authority."""
        return self.data_dir / "pki"


def load_settings(file: Path, **overrides: Any) -> Settings:
    """Settings from a file; environment variables go before it, overrides before both.

    A relative `data_dir` in the file is relative to the file. Raises pydantic.ValidationError,
    FileNotFoundError, and ValueError for a file that is not TOML.
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

        @field_validator("data_dir")
        @classmethod
        def _beside_the_file(cls, value: Path) -> Path:
            return (file.parent / value).resolve()

    return FromFile(**overrides)


def _refuse_unknown(names: Iterable[str], known: Iterable[str], prefix: str) -> None:
    known = set(known)
    for name in names:
        key = name.lower()
        if key in known:
            continue
        if any(word in key for word in _PLAINTEXT):
            raise ValueError(
                f"{prefix}{name}: a plaintext listener can't be configured; SIP runs on TLS and "
                "the web on HTTPS only"
            )
        raise ValueError(f"{prefix}{name}: there is no such setting")


def _is_every(address: str) -> bool:
    return ipaddress.ip_address(address).is_unspecified
