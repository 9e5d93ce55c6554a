"""The application behind a real edge: what it is told, and that nobody else gets to it."""

import asyncio
import contextlib
import ssl
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from tests.certificates import TestAuthority
from tests.running_edge import DEADLINE, RunningEdge
from vestibule.edge import proxied_http
from vestibule.edge.http_backend import BackendError, HttpBackend
from vestibule.edge.proxied_http import CLIENT_CERTIFICATE


def application() -> FastAPI:
    app = FastAPI()

    @app.api_route("/seen", methods=["GET", "POST"])
    async def seen(request: Request) -> dict[str, Any]:
        certificate = request.scope["extensions"][CLIENT_CERTIFICATE]
        return {
            "client": request.client,
            "server": request.scope["server"],
            "scheme": request.url.scheme,
            "certificate": certificate.hex() if certificate else None,
            "body": len(await request.body()),
        }

    return app


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[HttpBackend]:
    backend = HttpBackend(application(), tmp_path / "run")
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
def edge(backend: HttpBackend) -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority(), http_backend=str(backend.path)) as running:
        yield running


def web(edge: RunningEdge, context: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{edge.port}", verify=context or edge.context()
    )


async def test_the_application_sees_the_true_client(edge: RunningEdge) -> None:
    async with web(edge) as client:
        forged = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}
        response = await client.get("/seen", headers=forged)
    told = response.json()
    assert told["client"][0] == "127.0.0.1"
    assert told["server"] == ["127.0.0.1", edge.port]
    assert (told["scheme"], told["certificate"]) == ("https", None)
    assert not {"server", "date"} & set(response.headers)


async def test_the_application_sees_a_verified_certificate(
    edge: RunningEdge, tmp_path: Path
) -> None:
    device = edge.authority.client("sip:alice@vestibule.test")
    async with web(edge, edge.context(device, tmp_path)) as client:
        response = await client.get("/seen")
        assert response.json()["certificate"] == device.der.hex()


async def test_a_connection_whose_certificate_is_revoked_ends(
    edge: RunningEdge, tmp_path: Path
) -> None:
    device = edge.authority.client("sip:alice@vestibule.test")
    async with web(edge, edge.context(device, tmp_path)) as client:
        await client.get("/seen")
        edge.edge.set_trust(edge.authority.root_pem, edge.authority.crls(device))
        await asyncio.to_thread(edge.counted, "closed_distrusted")
        # Either the old connection is seen to be over or a new one is refused.
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await client.get("/seen")


async def test_large_bodies_and_kept_alive_connections(edge: RunningEdge) -> None:
    async with web(edge) as client:
        for size in (0, 1, 1_000_000):
            response = await client.post("/seen", content=b"x" * size)
            assert response.json()["body"] == size
    assert edge.edge.counters()["http_passed"] == 1
    assert edge.quiet()


async def test_an_upgrade_that_reaches_the_application_is_none(edge: RunningEdge) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with web(edge) as client:
        await client.get("/seen")
        assert (await client.get("/sip", headers=upgrade)).status_code == 404
    async with web(edge) as client:
        assert (await client.get("/elsewhere", headers=upgrade)).status_code == 404


@pytest.mark.parametrize(
    "spoken", [b"GET /seen HTTP/1.1\r\nHost: h\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"]
)
async def test_a_connection_that_did_not_come_from_the_edge_is_closed(
    backend: HttpBackend, spoken: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(backend.path))
    writer.write(spoken)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), DEADLINE)
    writer.close()


async def test_only_we_may_enter(backend: HttpBackend) -> None:
    assert stat.S_IMODE(backend.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(backend.path.stat().st_mode) == 0o600


async def test_without_the_application_there_is_503(tmp_path: Path) -> None:
    with RunningEdge(TestAuthority(), http_backend=str(tmp_path / "none")) as edge:
        async with web(edge) as client:
            response = await client.get("/seen")
            assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


async def test_a_request_that_runs_is_finished_before_the_end(tmp_path: Path) -> None:
    app = FastAPI()
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    backend = HttpBackend(app, tmp_path)
    await backend.start()
    with RunningEdge(TestAuthority(), http_backend=str(backend.path)) as edge:
        async with web(edge) as client:
            asked = asyncio.create_task(client.get("/slow"))
            await begun.wait()
            stopping = asyncio.create_task(backend.stop())
            go_on.set()
            assert (await asked).json() == "done"
            await stopping
    assert not backend.path.exists()


async def test_an_application_that_fails_to_start_is_an_error(tmp_path: Path) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    backend = HttpBackend(FastAPI(lifespan=lifespan), tmp_path)
    with pytest.raises(BackendError):
        await backend.start()
    await backend.stop()


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too long"):
        HttpBackend(FastAPI(), tmp_path / ("x" * 100))


async def test_a_folder_that_somebody_else_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="not a folder of ours"):
        await HttpBackend(application(), tmp_path / "run").start()
    assert list((tmp_path / "theirs").iterdir()) == []


async def raw(edge: RunningEdge, *pieces: bytes) -> bytes:
    """What comes back for these octets, the last piece after an answer to the first."""
    first, *rest = pieces
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, ssl=edge.context())
    writer.write(first)
    if rest:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
    with contextlib.suppress(ConnectionError):
        for piece in rest:
            writer.write(piece)
            await writer.drain()
    answer = await asyncio.wait_for(reader.read(), DEADLINE)
    writer.close()
    return answer


GOOD = b"GET /seen HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: b\r\n" * 101 + b"\r\n", b"431"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nbare\nbreak: x\r\n\r\n", b"400"),
        (b"GET https://evil.test/seen HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
    ],
)
async def test_a_later_head_is_held_to_the_same_limits(
    edge: RunningEdge, second: bytes, status: bytes
) -> None:
    answer = await raw(edge, GOOD, second)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Content-Type: application/problem+json" in answer
    assert b"X-Content-Type-Options: nosniff" in answer


async def test_a_value_without_an_end_is_refused_after_a_few_octets(edge: RunningEdge) -> None:
    endless = [b"GET / HTTP/1.1\r\nX: ", *[b"a" * 8192] * 200]
    answer = await raw(edge, GOOD, *endless)
    assert answer.startswith(b"HTTP/1.1 431") or answer == b""


async def test_a_request_that_takes_too_long_is_told(
    edge: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxied_http, "REQUEST_SECONDS", 0.05)
    begun = b"POST /seen HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"
    assert (await raw(edge, GOOD, begun)).startswith(b"HTTP/1.1 408")
