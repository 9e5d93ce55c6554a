"""Where metrics may be told."""

from pathlib import Path

import pytest

from vestibule.config import Settings
from vestibule.counted import MetricsListener
from vestibule.store.secret_hash import hash_of
from vestibule.telemetry.metrics import Metrics, Source


def settings(folder: Path, listen: str) -> Settings:
    return Settings(
        data_dir=folder, host="meet.test", domains=("meet.test",), metrics_listen=listen
    )


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "192.0.2.1:9464", "[::]:9464"])
def test_open_to_others_needs_a_token(tmp_path: Path, listen: str) -> None:
    asked = settings(tmp_path, listen)
    with pytest.raises(ValueError, match="vestibule metrics token"):
        MetricsListener(Metrics(()), asked)
    asked.metrics_token_file.write_text(hash_of("secret"))
    MetricsListener(Metrics(()), asked)


@pytest.mark.parametrize("listen", ["127.0.0.1:9464", "[::1]:9464"])
def test_loopback_needs_none(tmp_path: Path, listen: str) -> None:
    MetricsListener(Metrics(()), settings(tmp_path, listen))


@pytest.mark.parametrize(
    "listen", ["9464", "localhost:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:443"]
)
def test_what_is_no_address_or_no_free_port_is_refused(tmp_path: Path, listen: str) -> None:
    with pytest.raises(ValueError, match=r"metrics_listen|address and port"):
        settings(tmp_path, listen)


def test_values_are_told_in_order_with_their_labels() -> None:
    edge = Source(
        "edge", "Says.", ("listener", "reason"), lambda: {("sip", "b"): 2, ("sip", "a"): 1}
    )
    told = Metrics((edge,)).text().decode().splitlines()
    assert told[2:] == [
        'vestibule_edge_total{listener="sip",reason="a"} 1.0',
        'vestibule_edge_total{listener="sip",reason="b"} 2.0',
    ]
