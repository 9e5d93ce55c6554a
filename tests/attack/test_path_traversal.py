"""ATTACKS 23: no path of a request is a path of a file, and no answer is split by what a request says."""

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.raw_https import RawHttps, statuses

UP = [
    "..",
    "%2e%2e",
    "%2E.",
    "..%00",
    "....//..",
    "..\\..",
    "..%5c..",
    "%252e%252e",
    "%c0%ae%c0%ae",
]
HOME = ["index.html", "../../../../../etc/passwd", "../../../../../../../../../../../../etc/passwd"]
PATHS = [
    *(f"/assets/{up}/{file}" for up in UP for file in HOME),
    "/assets//etc/passwd", "/assets/etc/passwd", "/assets/%2fetc/passwd", "//etc/passwd",
    "/app/../../vestibule.toml", "/pki/../server.pem", "/pki/..%2fissuing.pem", "/meet/../../etc/passwd",
    "/.well-known/../../demo.json", "/assets/", "/assets", "/.git/config", "/vestibule.db",
]  # fmt: skip
SPLIT = [
    "%0d%0aSet-Cookie:%20x=1",
    "%0aSet-Cookie:%20x=1",
    "%E5%98%8D%E5%98%8ASet-Cookie:x=1",
    "%00x",
]


def answer_to(town: Network, house: Deployment, path: str, host: str = "") -> bytes:
    """What comes back for a GET of these very octets."""
    with RawHttps(town.server, house) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {host or line.name}\r\nConnection: close\r\n\r\n"
        return line.to_the_end(head.encode())


def test_the_honest_path_is_served(town: Network, house: Deployment) -> None:
    page = answer_to(town, house, "/")
    script = page.split(b'src="')[1].split(b'"')[0].decode()
    assert script.startswith("/assets/")
    assert statuses(answer_to(town, house, script)) == [200]


@pytest.mark.parametrize("path", PATHS)
def test_no_file_is_reached_by_its_path(town: Network, house: Deployment, path: str) -> None:
    heard = answer_to(town, house, path)
    client = b'<div id="root">' in heard and path.startswith(
        "/app/"
    )  # the page for all of its addresses
    assert client or statuses(heard)[0] in (400, 404), heard[:300]
    assert not any(
        secret in heard for secret in (b"root:", b"PRIVATE KEY", b"data_dir", b"SQLite format")
    )


@pytest.mark.parametrize("bad", SPLIT)
def test_no_answer_is_split(town: Network, house: Deployment, bad: str) -> None:
    another_name = f"localhost:{house.facts['https_port']}"
    for path in (f"/{bad}", f"/app/x?{bad}", f"/identity/authorize?client_id=x&state={bad}"):
        for host in ("", another_name):
            head = answer_to(town, house, path, host).partition(b"\r\n\r\n")[0]
            names = [line.partition(b":")[0].strip().lower() for line in head.split(b"\n")]
            assert b"set-cookie" not in names, head
