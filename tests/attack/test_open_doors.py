"""ATTACKS 69: no password that anybody knows, no page or port that nobody asked for."""

import re

import httpx
import pytest

from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, sign_in
from tests.clients.raw_https import RawHttps, statuses

KNOWN = ["", "alice", "password", "vestibule", "admin", "changeme", "demo", "vestibule.test"]
PAGES = [
    "/docs", "/redoc", "/openapi.json", "/debug", "/debug/pprof/", "/debug/vars", "/admin", "/console",
    "/server-status", "/actuator", "/actuator/env", "/phpinfo.php", "/.env", "/api", "/api/v1",
    "/api/v1/debug", "/api/v1/people", "/api/v1/users", "/api/v1/admin",
]  # fmt: skip
GUARDED = ["/metrics", "/api/v1/metrics", "/api/v1/meetings", "/api/v1/session"]
WORDS = re.compile(r"(?:[a-z]{6}-){2}[a-z]{6}")


def test_passwords_are_drawn_not_known(town: Network, house: Deployment) -> None:
    people = [house.user(name) for name in ("alice", "bob", "carol")]
    drawn = {secret for one in people for secret in (one.password, one.device_secret)}
    assert len(drawn) == 6
    assert all(WORDS.fullmatch(one.password) or len(one.password) >= 16 for one in people)
    transport = HostTransport(town.add_host(), house.authority)
    with httpx.Client(transport=transport, base_url=house.origin) as browser:
        for password in KNOWN:
            assert sign_in(browser, Ask(house.origin), "alice", password).status_code in (400, 403)
        for name in ("admin", "root"):
            answer = sign_in(browser, Ask(house.origin), name, name)
            assert answer.status_code in (403, 429)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_there_for_nobody(town: Network, house: Deployment, path: str) -> None:
    assert statuses(got(town, house, path)) == [404]


@pytest.mark.parametrize("path", GUARDED)
def test_what_is_there_for_somebody_asks_who_it_is(
    town: Network, house: Deployment, path: str
) -> None:
    heard = got(town, house, path)
    assert statuses(heard)[0] in (401, 403, 404)
    assert b"vestibule_" not in heard


def got(town: Network, house: Deployment, path: str) -> bytes:
    """What a stranger gets."""
    with RawHttps(town.server, house) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {line.name}\r\nConnection: close\r\n\r\n"
        return line.to_the_end(head.encode())


def test_no_port_is_open_but_those_that_were_asked_for(town: Network, house: Deployment) -> None:
    facts = house.facts
    tcp = {facts["https_port"], facts["sip_tls_port"], facts["turn_port"]}
    own = f"pid={house.process.pid},"
    listening = {row.split()[3].rpartition(":")[2] for row in rows(house, "-ltnpH") if own in row}
    assert {int(port) for port in listening} == tcp
    low, high = facts["media_ports"]
    bound = {int(row.split()[3].rpartition(":")[2]) for row in rows(house, "-lunpH") if own in row}
    assert facts["turn_port"] in bound
    assert {port for port in bound if not low <= port <= high} == {facts["turn_port"]}


def rows(house: Deployment, options: str) -> list[str]:
    """Sockets of the server's host."""
    return house.host.run(["ss", options]).stdout.splitlines()
