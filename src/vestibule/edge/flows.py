"""The flows that are open: who is at the other end of each connection."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Literal

from cryptography import x509

from vestibule._native import FlowOpened
from vestibule.edge.server_certificate import UntrustedServer, server_names

IssuedHere = Callable[[x509.Certificate], bool]


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a verified client certificate says about its holder."""

    serial: str
    """Lower-case hexadecimal, as the directory keeps it."""
    uris: tuple[str, ...]
    """The URIs among its subject alternative names, in order."""

    @classmethod
    def from_der(cls, der: bytes) -> "ClientCertificate":
        """Read a certificate that the edge has verified. Raises ValueError if it can't be."""
        return cls.of(x509.load_der_x509_certificate(der))

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "ClientCertificate":
        """What a certificate says. Raises ValueError if its names can't be read."""
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            uris: tuple[str, ...] = ()
        else:
            uris = tuple(names.value.get_values_for_type(x509.UniformResourceIdentifier))
        return cls(f"{certificate.serial_number:x}", uris)


@dataclass(frozen=True, slots=True)
class Flow:
    """One open connection that speaks SIP; `certificate` is a device's, of our own authority.

    `servers` are the trusted servers that are at the other end, if one is: the names by which it is.
    """

    id: int
    transport: Literal["tls", "wss"]
    host: str
    port: int
    local_port: int
    certificate: ClientCertificate | None
    servers: frozenset[str] = frozenset()


class Flows:
    """The table of open flows, kept by whoever drains the edge."""

    __slots__ = ("_issued_here", "_open", "_trusted")

    def __init__(
        self,
        issued_here: IssuedHere = lambda _: True,
        trusted_servers: Container[str] = frozenset(),
    ) -> None:
        """`issued_here` tells our own authority's certificates from those of others that are
        trusted: another authority may say which host somebody is, never which person of ours.
        A server, whoever certified it, must be one of `trusted_servers` (K8).
        """
        self._open: dict[int, Flow] = {}
        self._issued_here = issued_here
        self._trusted = trusted_servers

    def open(self, event: FlowOpened) -> Flow:
        """Take a flow in. Raises ValueError if its certificate is unreadable, UntrustedServer if it
        is a server's that is not on the list; then it isn't.
        """
        device, servers = self._proven(event.certificate)
        flow = Flow(
            event.flow, event.transport, event.peer_host, event.peer_port, event.local_port,
            device, servers,
        )  # fmt: skip
        self._open[flow.id] = flow
        return flow

    def untrusted(self) -> list[Flow]:
        """Open flows of servers that are not on the list any more."""
        return [flow for flow in self if flow.servers and not self._listed(flow.servers)]

    def _proven(self, der: bytes | None) -> tuple[ClientCertificate | None, frozenset[str]]:
        """Whose device it is, or which servers."""
        if der is None:
            return None, frozenset()
        certificate = x509.load_der_x509_certificate(der)
        names = server_names(certificate)
        if names is not None:
            if not self._listed(names):
                raise UntrustedServer(names)
            return None, frozenset(self._listed(names))
        ours = self._issued_here(certificate)
        return (ClientCertificate.of(certificate) if ours else None), frozenset()

    def _listed(self, names: frozenset[str]) -> list[str]:
        return [name for name in names if name in self._trusted]

    def close(self, flow: int) -> Flow | None:
        """Let a flow go; None if it wasn't there."""
        return self._open.pop(flow, None)

    def get(self, flow: int) -> Flow | None:
        """The flow of that number, while it is open."""
        return self._open.get(flow)

    def address_of(self, flow: int) -> str | None:
        """The address at the other end; None if the flow is gone."""
        found = self._open.get(flow)
        return found.host if found is not None else None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Flow]:
        """All of them; a copy, so that flows may be closed meanwhile."""
        return iter(tuple(self._open.values()))
