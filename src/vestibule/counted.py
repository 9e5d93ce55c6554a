"""Everything that is counted, as metrics (docs/admins/metrics.md lists it), and the listener that tells it."""

from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from vestibule._native import Edge
from vestibule.config import Settings
from vestibule.edge.http_backend import HttpBackend
from vestibule.media.quality import MediaTotals
from vestibule.store.secret_hash import is_hash_of
from vestibule.telemetry.metrics import Metrics, Source, flat, single
from vestibule.telemetry.metrics_app import MetricsApp

if TYPE_CHECKING:
    from vestibule.server import Server


def metrics_of(server: "Server") -> Metrics:
    """The metrics of one node."""
    edge = server.edge
    media = MediaTotals(server.media.rooms.all_qualities)
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
                lambda: single(server.media.relay.counters()),
            ),
            Source(
                "calls_bridged", "Calls whose media the server decodes, ringing or answered.", (),
                lambda: {(): server.bridges.count}, rises=False,
            ),
            Source(
                "media_pictures_transcoded", "Pictures that are transcoded for phones at this moment.",
                (), lambda: {(): server.media.rooms.transcodings}, rises=False,
            ),
            Source(
                "media_pictures_lost", "Pictures that phones with H.264 were not shown, by reason.",
                ("reason",), lambda: single(server.media.rooms.pictures_lost),
            ),
            *_of_media(media),
        )
    )  # fmt: skip


def _of_media(media: MediaTotals) -> tuple[Source, ...]:
    ways = ("direction", "source")
    return (
        Source(
            "media_endpoints", "Browsers and phones in rooms at this moment.", ("kind",),
            media.endpoints, rises=False,
        ),
        Source(
            "media_speech", "Endpoints in rooms, by how speech sounds (E-model): from them, to them.",
            ("direction", "grade"), media.grades, rises=False,
        ),
        Source(
            "media_bits_per_second", "Payload from and to all endpoints.", ways,
            media.bitrates, rises=False,
        ),
        Source(
            "media_loss_ratio", "Mean share of packets lost lately.", ways,
            media.losses, rises=False,
        ),
        Source(
            "media_jitter_seconds", "Mean interarrival jitter.", ways,
            media.jitters, rises=False,
        ),
        Source(
            "media_round_trip_seconds", "Mean round trip to endpoints.", (),
            media.round_trip, rises=False,
        ),
    )  # fmt: skip


class MetricsListener:
    """HTTPS for Prometheus, at an address and port of its own, if there is one; the portal knows nothing of it."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        """Raises ValueError if others than this machine could read and there is no token."""
        self._place = settings.metrics
        if self._place is None:
            return
        file = settings.metrics_token_file
        is_token = partial(is_hash_of, file.read_text().strip()) if file.exists() else None
        if is_token is None and not ip_address(self._place[0]).is_loopback:
            raise ValueError(
                "metrics_listen is not on loopback: make a token with `vestibule metrics token`"
            )
        app = MetricsApp(metrics.text, is_token)
        self._backend = HttpBackend(app, settings.run_dir, "metrics")

    async def start(self, edge: Edge) -> None:
        """Listen. Raises OSError if the port can't be had."""
        if self._place is None:
            return
        await self._backend.start()
        path = str(self._backend.path)
        try:
            edge.listen(*self._place, sip=False, web=True, name="metrics", http_backend=path)
        except OSError as error:
            raise type(error)(f"metrics_listen: {error}") from error

    async def stop(self) -> None:
        """Answer no more."""
        if self._place is not None:
            await self._backend.stop()
