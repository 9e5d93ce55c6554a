"""Everything that is counted, as metrics (docs/admins/metrics.md lists it), and the listener that tells it."""

from ipaddress import ip_address
from typing import TYPE_CHECKING

from vestibule._native import Edge
from vestibule.config import Settings
from vestibule.edge.http_backend import HttpBackend
from vestibule.telemetry.metrics import Metrics, Source, flat, single
from vestibule.telemetry.metrics_app import MetricsApp

if TYPE_CHECKING:
    from vestibule.server import Server


def metrics_of(server: "Server") -> Metrics:
    """The metrics of one node."""
    edge = server.edge
    return Metrics(
        (
            Source(
                "edge", "What the edge accepted and dropped, by listener and reason.",
                ("listener", "reason"), lambda: flat(edge.counters_by_listener()),
            ),
            Source(
                "connections_open", "TLS connections at this moment.", (),
                lambda: {(): edge.counters()["connections_open"]}, rises=False,
            ),
            Source(
                "sip_responses", "SIP responses of ours, by status.", ("status",),
                lambda: single(server.signed.responses),
            ),
            Source(
                "journal", "Security events, by kind; floods too, of which the journal has a sum.",
                ("kind",), lambda: single(server.journal.noted),
            ),
            Source(
                "relay", "What the relay did and refused, by reason.", ("reason",),
                lambda: single(server.relay.counters()),
            ),
        )
    )  # fmt: skip


class MetricsListener:
    """HTTPS for Prometheus, at an address and port of its own; the portal knows nothing of it."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        """Raises ValueError if others than this machine could read and there is no token."""
        if settings.metrics is None:
            raise ValueError("metrics_listen is not set")
        self._address, self._port = settings.metrics
        file = settings.metrics_token_file
        token_hash = file.read_text().strip() if file.exists() else None
        if token_hash is None and not ip_address(self._address).is_loopback:
            raise ValueError(
                "metrics_listen is not on loopback: make a token with `vestibule metrics token`"
            )
        self._backend = HttpBackend(
            MetricsApp(metrics.text, token_hash), settings.run_dir, "metrics"
        )

    async def start(self, edge: Edge) -> None:
        """Listen. Raises OSError if the port can't be had."""
        await self._backend.start()
        try:
            self._listen(edge)
        except OSError as error:
            raise type(error)(f"metrics_listen {self._address}:{self._port}: {error}") from error

    def _listen(self, edge: Edge) -> None:
        edge.listen(
            self._address, self._port, sip=False, web=True, name="metrics",
            http_backend=str(self._backend.path),
        )  # fmt: skip

    async def stop(self) -> None:
        """Answer no more."""
        await self._backend.stop()
