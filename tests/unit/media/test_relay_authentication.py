"""Who is given relay credentials by SIP; tests/attack/test_relay_credentials.py asks from outside."""

from dataclasses import dataclass, field, replace

import pytest

from tests.unit.media.test_relay_credentials import PHONE, bench
from tests.unit.media.test_relay_request import request as body
from tests.unit.sip.wire import Wire, layer_on, request
from vestibule.identity.principal import Kind, Principal
from vestibule.media.relay_authentication import RelayAuthentication, relay_authentication_uri
from vestibule.media.relay_request import CONTENT_TYPE
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import Router, UriKind
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

URI = relay_authentication_uri("d.test")
MINE = body("<identity>sip:Alice@D.test;x=1</identity>")


@dataclass
class Bench:
    """What asks for credentials, behind a layer."""

    principal: Principal | None = PHONE
    wire: Wire = field(default_factory=Wire)

    def __post_init__(self) -> None:
        self.ledger, credentials = bench()
        self.authentication = RelayAuthentication(credentials)
        self.layer = layer_on(self.wire, TimerWheel(), on_request=self._serve)

    def _serve(self, transaction: ServerTransaction) -> None:
        transaction.principal = self.principal
        try:
            self.authentication.service(transaction)
        except SipRefusal as refusal:
            transaction.refuse(refusal)

    def ask(self, content: bytes = MINE, content_type: str = CONTENT_TYPE) -> SipMessage:
        headers = (("Content-Type", content_type),)
        self.layer.receive(request("SERVICE", URI, headers=headers, body=content))
        return self.wire.one()


def test_its_address_is_nobodys() -> None:
    assert Router(lambda host: host == "d.test").kind(SipUri.parse(URI)) is UriKind.RELAY


def test_a_person_of_ours_is_given_one() -> None:
    bench = Bench()
    answer = bench.ask()
    assert (answer.status, answer.content_type) == (200, CONTENT_TYPE)
    [(username, (password, lifetime, holder))] = bench.ledger.known.items()
    assert f"<username>{username}</username><password>{password}</password>" in str(
        answer.body, "utf-8"
    )
    assert (lifetime, holder) == (8 * 3600, PHONE.aor)


@pytest.mark.parametrize(
    "principal", [None, *(replace(PHONE, kind=kind) for kind in Kind if kind is not Kind.MEMBER)]
)
def test_nobody_else_is(principal: Principal | None) -> None:
    bench = Bench(principal)
    assert bench.ask().status == 403
    assert not bench.ledger.known


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (MINE, "application/sdp", 415),
        (b"<request/>", CONTENT_TYPE, 400),
        (body(""), CONTENT_TYPE, 403),
        (body("<identity>sip:bob@d.test</identity>"), CONTENT_TYPE, 403),
        (body("<identity>tel:+49</identity>"), CONTENT_TYPE, 403),
    ],
)
def test_refused_requests_change_nothing(content: bytes, content_type: str, status: int) -> None:
    bench = Bench()
    answer = bench.ask(content, content_type)
    assert answer.status == status
    assert answer.header("Accept" if status == 415 else "Warning")
    assert not bench.ledger.known
