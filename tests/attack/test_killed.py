"""ATTACKS 63: a server killed while it acknowledges has lost nothing of what it acknowledged (DESIGN 4.10)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import KeyHolder, with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import hold_a_key, tokens

_CLIENTS = 4
_ACKNOWLEDGED = 60
"""So many are enough for a kill in the midst of it: each client has one on its way at any time."""


class Organizer:
    """Creates meetings one after the other and deletes every third, as fast as the server says so."""

    def __init__(self, host: Host, deployment: Deployment, key: KeyHolder, token: str) -> None:
        self._host, self._deployment, self._key, self._token = host, deployment, key, token
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.unsure: set[str] = set()
        """Asked to be deleted, with no answer: both is right."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait(self) -> None:
        """Until the server is gone."""
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with browser_of(self._host, self._deployment) as browser:
            browser.auth = self._key
            browser.headers.update(with_token(self._token))
            try:
                while True:
                    self._step(browser)
            except (OSError, httpx.HTTPError, EOFError):
                return

    def _step(self, browser: httpx.Client) -> None:
        answer = browser.post("/api/v1/meetings", json={"subject": ""})
        assert answer.status_code == 201, answer.text
        meeting: str = answer.json()["id"]
        self.created.add(meeting)
        if len(self.created) % 3 == 0:
            self.unsure.add(meeting)
            assert browser.delete(f"/api/v1/meetings/{meeting}").status_code == 204
            self.deleted.add(meeting)


@contextmanager
def browser_of(host: Host, deployment: Deployment) -> Iterator[httpx.Client]:
    """A browser on that host; a server that goes away in the midst of an answer is an error like any."""
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        yield browser


def test_nothing_acknowledged_is_lost_by_a_kill(town: Network, tmp_path: Path) -> None:
    host, client = town.add_host(), town.add_host()
    with Deployment(host, tmp_path / "demo") as deployment:
        with browser_of(client, deployment) as browser:
            token, key = tokens(browser, deployment)["access_token"], hold_a_key(browser)
        organizers = [Organizer(client, deployment, key, token) for _ in range(_CLIENTS)]
        eventually(
            lambda: sum(len(one.created) for one in organizers) >= _ACKNOWLEDGED, "enough of them"
        )
        deployment.process.send_signal(signal.SIGKILL)
        for organizer in organizers:
            organizer.wait()
    created = set().union(*(one.created for one in organizers))
    deleted = set().union(*(one.deleted for one in organizers))
    unsure = set().union(*(one.unsure for one in organizers)) - deleted
    with Deployment(host, tmp_path / "demo") as deployment:
        with browser_of(client, deployment) as browser:
            browser.headers.update(with_token(tokens(browser, deployment)["access_token"]))
            there = {meeting["id"] for meeting in browser.get("/api/v1/meetings").json()}
        assert not created - deleted - unsure - there, "acknowledged and lost"
        assert not deleted & there, "ended and back again"
        assert "all good" in deployment.vestibule("journal", "verify")
