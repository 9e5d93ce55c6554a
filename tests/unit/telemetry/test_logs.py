"""Logs can't be forged and hold no secrets (ATTACKS 66)."""

import json

import pytest
import structlog

from vestibule.telemetry.logs import configure_logs, visible


@pytest.fixture(autouse=True)
def restored() -> object:
    yield
    structlog.reset_defaults()


def test_a_hostile_value_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=True)
    structlog.get_logger().info("sign_in", user="x\r\nlevel=info admin\x1b[31m\u202e")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["user"] == "x\\r\\nlevel=info admin\\x1b[31m\\u202e"


def test_secrets_are_hidden_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=True)
    structlog.get_logger().info(
        "x", password="p1", access_token="t1", Authorization="a1", conference_key="k1", status=200
    )
    written = capsys.readouterr().err
    for secret in ("p1", "t1", "a1", "k1"):
        assert secret not in written
    assert json.loads(written)["status"] == 200


def test_what_is_plain_stays_plain() -> None:
    assert visible("Älice 🐟") == "Älice 🐟"
