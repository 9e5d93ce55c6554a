"""Logs can't be forged and hold no secrets (ATTACKS 66)."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vestibule.telemetry.logs import configure_logs
from vestibule.telemetry.redaction import redacted, sounds_secret, visible


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_hostile_value_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=True)
    structlog.get_logger().info("sign_in", user="x\r\nlevel=info admin\x1b[31m\u202e")
    (line,) = written(capsys)
    assert json.loads(line)["user"] == "x\\r\\nlevel=info admin\\x1b[31m\\u202e"


@pytest.mark.parametrize("as_json", [True, False])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_nothing_that_is_logged_makes_a_second_line(
    capsys: pytest.CaptureFixture[str], as_json: bool, value: object
) -> None:
    configure_logs(json=as_json)
    structlog.get_logger().info("event", value=value)
    out = capsys.readouterr().err
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert not set("\r\v\f\x85\u2028\u2029\u202a\u202e\u2066\u200f") & set(out)


def test_an_exceptions_lines_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=False)
    try:
        raise ValueError("x\n2026-01-01 [info] admin signed in\x1b[2J")
    except ValueError:
        structlog.get_logger().exception("failed")
    first, *others = written(capsys)
    assert "failed" in first
    assert others
    assert all(line.startswith("  | ") for line in others)
    assert not any("\x1b" in line for line in others)


def test_secrets_are_hidden_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=True)
    structlog.get_logger().info(
        "x", password="p1", access_token="t1", Authorization="a1", conference_key="k1",
        request={"headers": [{"Proxy-Authorization": "n1", "clientSecret": "n2"}]}, status=200,
    )  # fmt: skip
    (line,) = written(capsys)
    for secret in ("p1", "t1", "a1", "k1", "n1", "n2"):
        assert secret not in line
    assert json.loads(line)["status"] == 200


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ("Authorization: DPoP abc.def", "abc.def"),
        ("said vscim_abcdefgh-1234 to us", "vscim_abcdefgh-1234"),
        ("said vpt_abcdefgh-1234 to us", "vpt_abcdefgh-1234"),
        ('header Digest username="a", response="0f0f0f"', "0f0f0f"),
        ("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "c2ln"),
        ("access_eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "c2ln"),
        ("GET https://h/meet/alice/AAAAAAAAAAAAAAAAAAAAAA#the-conference-key", "the-conference"),
        ("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----", "MIGH"),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7", "WVNf"),
        ("GET /x?state=1&access_token=abc123&x=1", "abc123"),
        ("x=1; client-secret='abc123'", "abc123"),
        ('{"user": "a", "clientSecret": "abc123"}', "abc123"),
        ("{'user': 'a', 'password': 'abc123'}", "abc123"),
        ("Set-Cookie: name=abc123; Secure", "abc123"),
        ("Cookie: a=b; name=abc123", "abc123"),
        ("can't reach postgresql://vestibule:pa55@db/v", "pa55"),
    ],
)
def test_secrets_are_hidden_by_their_looks(
    capsys: pytest.CaptureFixture[str], text: str, secret: str
) -> None:
    configure_logs(json=True)
    structlog.get_logger().info(text, value=text, raw=text.encode(), deep=[{"x": text}])
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert secret not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True), ("accessToken", True), ("X-Api-Key", True), ("HA1", True),
        ("monkey", False), ("status_code", False), ("keyboard", False), ("tokenizer", False),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert sounds_secret(name) is secret


def test_libraries_lines_are_treated_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json=True)
    logging.getLogger("some.library").warning("failed for %s", "x\r\nforged Bearer abc")
    logging.getLogger("some.library").info("chatter")
    (line,) = written(capsys)
    assert json.loads(line)["logger"] == "some.library"
    assert "abc" not in line


def test_what_is_plain_stays_plain() -> None:
    assert visible("Älice 🐟") == "Älice 🐟"
    for text in ("Älice 🐟", "KeyError: 'x'", "status_code=404", "a=b&c=d", '{"user": "alice"}'):
        assert redacted(text) == text
