"""ATTACKS 66: nothing that is sent begins a line of the log, turns its direction, or puts a secret into it."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.attack.test_second_factor import Attack
from tests.clients.authenticator import Authenticator
from tests.clients.calls import DOMAIN
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, sign_in, tokens
from tests.clients.sip_line import SipLine, challenge_of, digest, request

_LINE = "2026-01-01T00:00:00.000000Z [info     ] identity.signed_in person=alice"
HOSTILE = {
    "CR and LF": f"x\r\n{_LINE}",
    "LF": f"x\n{_LINE}",
    "CR over what was written": f"x\r{_LINE}",
    "a terminal's escapes": "x\x1b[2J\x1b]0;title\x07\x9b31m\b\b\b",
    "the other direction": "x\u202ecod.exe\u2066\u200f",
    "Unicode's own line ends": f"x\u2028{_LINE}\u2029\x85{_LINE}",
    "a NUL": "x\0y",
    "JSON": 'x", "event": "identity.signed_in", "person": "alice',
    "half a pair": "x\\ud800",
}
_SOUNDING_SECRET = (
    "access_token={}",
    "?state=1&client_secret={}&x=1",
    "password='{}'",
    '{{"clientSecret": "{}"}}',
    "{{'refresh-token': '{}'}}",
    "Cookie: name={}",
)
_HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f]")
_GUIDE_ENDS = "Ctrl-C stops it"
_STRUCTURED = re.compile(r"\d{4}-\d\d-\d\dT\S+ \[\w+ *\] [\w.]+ ")


@dataclass
class Told:
    """A deployment, where it can be reached from, and how much of its log was there before."""

    deployment: Deployment
    network: Network
    before: int = 0

    def since(self, mark: str, times: int = 1) -> str:
        """What has been logged, once that is in it so many times."""

        def written() -> str:
            text = self.deployment.log.read_bytes()[self.before :].decode(
                "utf-8", "surrogateescape"
            )
            return text if text.count(mark) >= times else ""

        return eventually(written, f"{mark} in the log")


@pytest.fixture(scope="module")
def for_people(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo that logs as on a terminal."""
    folder = tmp_path_factory.mktemp("told") / "demo"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VESTIBULE_LOG_JSON", "false")
        with Deployment(town.add_host(), folder) as deployment:
            yield deployment


@pytest.fixture(params=["for_people", "house"])
def told(request: pytest.FixtureRequest, town: Network) -> Told:
    """Lines for people, and JSON; the guide that a demo prints has been printed."""
    told = Told(request.getfixturevalue(request.param), town)
    told.before = len(told.since(_GUIDE_ENDS).encode("utf-8", "surrogateescape"))
    return told


@pytest.fixture(scope="module")
def called(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    """A demo that has a name, and so passkeys, and logs as on a terminal."""
    folder, host = tmp_path_factory.mktemp("called") / "demo", town.add_host()
    env = {"VESTIBULE_LOG_JSON": "false"}
    with Deployment(host, folder, address="localhost", env=env) as deployment:
        attack = Attack(host, deployment)
        yield attack
        attack.close()


def test_hostile_text_forges_no_line(called: Attack, town: Network) -> None:
    """What a browser says a passkey was made at is written down: here hostile, or a secret that strayed there."""
    mark, origin = secrets.token_hex(8), called.deployment.origin
    strayed = f"vpt_{secrets.token_urlsafe(32)}"
    told = Told(called.deployment, town)
    told.before = len(told.since(_GUIDE_ENDS).encode("utf-8", "surrogateescape"))
    passkey = Authenticator(origin, "localhost")
    assert called.enrol_passkey("alice", passkey).status_code == 200
    for text in (*HOSTILE.values(), f"https://x.test/{strayed} "):
        bent = replace(passkey, origin=text + mark)
        assert called.by_passkey(bent).status_code == 403
    text = told.since(mark, len(HOSTILE) + 1)
    assert strayed not in text
    assert not _HIDDEN.findall(text)
    lines = [line for line in text.split("\n") if line]
    for line in lines:
        assert _STRUCTURED.match(line), line
        assert not line.startswith(_LINE)
    assert sum(mark in line for line in lines) == len(HOSTILE) + 1, "each on a line of its own"


def test_what_sounds_secret_is_hidden(called: Attack, town: Network) -> None:
    """Secrets without looks of their own, where they strayed into a text that is written down (what a browser says that
    a passkey was made at), and where a request brings them in header, query or body.
    """
    told = Told(called.deployment, town)
    told.before = len(told.since(_GUIDE_ENDS).encode("utf-8", "surrogateescape"))
    origin, strayed = called.deployment.origin, [secrets.token_hex(12) for _ in _SOUNDING_SECRET]
    passkey, mark = Authenticator(origin, "localhost"), secrets.token_hex(8)
    assert called.enrol_passkey("bob", passkey).status_code == 200
    for shape, secret in zip(_SOUNDING_SECRET, strayed, strict=True):
        bent = replace(passkey, origin=f"https://x.test/{mark} {shape.format(secret)}")
        assert called.by_passkey(bent).status_code == 403
    brought = [secrets.token_hex(12) for _ in range(5)]
    key, cookie, query, body, basic = brought
    headers = {"X-Api-Key": key, "Cookie": f"__Host-x={cookie}", "Authorization": f"Basic {basic}"}
    for path in ("/api/v1/meetings", "/identity/token", "/identity/revoke", "/nothing"):
        with called.browser() as browser:
            address = f"{path}?client_secret={query}&password={query}"
            given = {"password": body, "client_secret": body}
            assert browser.post(address, headers=headers, json=given).status_code >= 400
            assert browser.post(address, headers=headers, data=given).status_code >= 400
    text = told.since(mark, len(strayed))
    assert not [secret for secret in (*strayed, *brought) if secret in text]
    assert text.count("[hidden]") >= len(strayed), "each was there to be hidden"


def test_what_is_typed_as_a_name_is_not_written_down(told: Told) -> None:
    """It may be a password, in the wrong field. A name that somebody has is."""
    mark, origin = secrets.token_hex(8), told.deployment.origin
    transport = HostTransport(told.network.add_host(), told.deployment.authority)
    typed = [f"{mark}-my password", f"{mark}@vestibule.test", f"sip:{mark}", f"x\n{_LINE}{mark}"]
    for name in (*typed, "alice"):
        with httpx.Client(transport=transport, base_url=origin) as browser:
            assert sign_in(browser, Ask(origin), name, "wrong").status_code == 403
    text = told.since("identity.sign_in_refused", len(typed) + 1)
    refused = [line for line in text.split("\n") if "identity.sign_in_refused" in line]
    assert sum("unknown account" in line for line in refused) == len(typed)
    assert sum("sip:alice@vestibule.test" in line for line in refused) == 1
    assert mark not in text
    assert mark not in told.deployment.vestibule("journal", "export")


def test_no_secret_is_logged(told: Told) -> None:
    host = told.network.add_host()
    shown = {secrets.token_urlsafe(16) for _ in range(3)}
    wrong, key, bearer = shown
    alice = told.deployment.user("alice")
    transport = HostTransport(host, told.deployment.authority)
    with httpx.Client(transport=transport, base_url=told.deployment.origin) as browser:
        assert sign_in(browser, Ask(told.deployment.origin), "alice", wrong).status_code == 403
        given = tokens(browser, told.deployment)
        browser.get("/api/v1/session", headers={"Authorization": f"Bearer {bearer}"})
        shown |= {given[name] for name in ("access_token", "refresh_token", "id_token")}
        shown |= {*browser.cookies.values(), alice.password, alice.device_secret}
    with Guest(host, told.deployment, key=key) as guest:
        guest.knock()
    with SipLine(host, told.deployment) as line:
        line.send(request("REGISTER", DOMAIN, alice.sip, to=alice.sip))
        challenge = challenge_of(line.final())
        for secret, status in ((wrong, 401), (alice.device_secret, 200)):
            proof = digest(
                challenge, method="REGISTER", uri=DOMAIN, username="alice", password=secret
            )
            shown.add(proof.split('response="')[1].split('"')[0])
            message = request("REGISTER", DOMAIN, alice.sip, to=alice.sip, headers=proof)
            assert line.ask(message) == status
    shown |= {told.deployment.facts["meeting"]["conference_key"]}
    text = told.since("device-digest")
    assert len(shown) > 10
    assert not [secret for secret in shown if secret in text]
