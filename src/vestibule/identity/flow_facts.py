"""What a proof may rely on of the connection a message came by; `edge/flows.py` has such."""

from typing import Protocol


class DeviceCertificate(Protocol):
    """A client certificate that the edge has verified."""

    @property
    def serial(self) -> str:
        """Lower-case hexadecimal."""

    @property
    def uris(self) -> tuple[str, ...]:
        """The URIs among its subject alternative names."""


class FlowFacts(Protocol):
    """The connection."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def host(self) -> str:
        """The peer's address."""

    @property
    def certificate(self) -> DeviceCertificate | None:
        """What it was opened with."""
