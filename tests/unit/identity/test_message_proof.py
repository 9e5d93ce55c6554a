"""Messages proven one by one, and every way to bend them (I8, I9, I10; ATTACKS 12)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.association import ClientAssociation
from tests.unit.identity.proof_bench import GUEST, Connection, Place
from tests.unit.identity.test_associations import POINT
from tests.unit.sip.wire import Wire, arrived, request, response_to
from vestibule.edge.signed_flows import SignedFlows
from vestibule.identity.associations import Association
from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal

ALICE = "sip:alice@d.test"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def association_of(place: Place, name: str = "alice", grant: str = "g1") -> Association:
    token = place.tokens.issue(place.people[name], "vestibule-web", "openid", grant=grant)
    opened = place.associations.open(place.tokens.verify(token, audience="sip"), POINT)
    association = place.associations.find(opened.id)
    assert association is not None
    return association


def client_of(association: Association) -> ClientAssociation:
    keys = association.keys
    return ClientAssociation(association.id, keys.from_client, keys.from_server, 0)


def signed(client: ClientAssociation, message: SipMessage, **options: Any) -> SipMessage:
    return arrived(client.sign(message.to_bytes().decode(), **options).encode(), message.flow)


def changed(message: SipMessage, old: str, new: str) -> SipMessage:
    text = message.to_bytes().decode()
    assert old in text
    return arrived(text.replace(old, new).encode(), message.flow)


def reason(refusal: SipRefusal) -> str:
    return dict(refusal.headers).get("Reason", "")


def test_a_signed_request_is_who_signed_it(place: Place) -> None:
    client = client_of(association_of(place))
    assert place.prove(signed(client, request())) == Principal(
        Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.ASSOCIATION, grant="g1"
    )


FULL = (
    ("Contact", "<sip:a@x.invalid>"),
    ("Content-Type", "text/plain"),
    ("Expires", "600"),
    ("Event", "presence"),
    ("Refer-To", "<sip:bob@d.test>"),
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MESSAGE", "INVITE"),
        ("MESSAGE sip:bob@d.test", "MESSAGE sip:eve@d.test"),
        ("From: <sip:alice@d.test>;tag=a1", "From: <sip:alice@d.test>;tag=a2"),
        ("From: <sip:alice", "From: Boss <sip:alice"),
        ("To: <sip:bob@d.test>", "To: <sip:eve@d.test>"),
        ("Call-ID: c1", "Call-ID: c2"),
        ("CSeq: 1 ", "CSeq: 2 "),
        ("Contact: <sip:a@x", "Contact: <sip:b@x"),
        ("Contact: ", "Contact: <sip:eve@x.invalid>\r\nContact: "),
        ("Content-Type: text/plain", "Content-Type: text/html"),
        ("Content-Type: text/plain\r\n", ""),
        ("Expires: 600", "Expires: 0"),
        ("Event: presence", "Event: dialog"),
        ("Refer-To: <sip:bob", "Refer-To: <sip:eve"),
        ("hello", "hellO"),
        ("seq=1", "seq=2"),
        ('mac="', 'mac="A'),
    ],
)
def test_a_changed_octet_is_refused(place: Place, old: str, new: str) -> None:
    client = client_of(association_of(place))
    message = signed(client, request(headers=FULL, body=b"hello"))
    assert place.refusal(changed(message, old, new)).status == 403
    assert place.prove(message).aor == ALICE, "a forgery uses no number up"


@pytest.mark.parametrize(
    "text",
    [
        "Association", "Association x", 'Association id="", seq=1, mac=""',
        'Association id="{id}", seq=01, mac="{mac}"', 'Association id="{id}", seq=+1, mac="{mac}"',
        'Association id="{id}", seq=, mac="{mac}"', 'Association id="{id}", seq=\u0661, mac="{mac}"',
        'Association id="{id}", seq=1', 'Association id="{id}",seq=1,mac="{mac}"',
        'Association id="{id}", seq=1, mac="{mac}", x=1', 'Association seq=1, id="{id}", mac="{mac}"',
        'Association id="{id}", seq=0, mac="{mac}"', "Association id={id}, seq=1, mac={mac}",
        'Association id="{id}", seq=99999999999999999999, mac="{mac}"',
    ],
)  # fmt: skip
def test_a_proof_has_one_spelling(place: Place, text: str) -> None:
    name = association_of(place).id
    value = text.replace("{id}", name).replace("{mac}", "A" * 43)
    assert place.refusal(request(headers=(("Authorization", value),))).status in (401, 403)


def test_a_number_works_once_and_an_old_one_never(place: Place) -> None:
    client = client_of(association_of(place))
    first = signed(client, request(), number=1)
    late = signed(client, request(), number=2)
    place.prove(first)
    assert place.refusal(first).status == 403
    place.prove(signed(client, request(), number=200))
    assert place.refusal(late).status == 403
    place.prove(signed(client, request(), number=199))


def test_an_unknown_association_is_asked_to_be_made(place: Place) -> None:
    client = ClientAssociation("x" * 22, b"k" * 32, b"k" * 32, 0)
    refusal = place.refusal(signed(client, request()))
    assert refusal.status == 401
    assert refusal.headers == (("WWW-Authenticate", 'Association realm="d.test"'),)


def test_an_expired_one_is_stale(place: Place) -> None:
    client = client_of(association_of(place))
    place.prove(signed(client, request()))
    place.now += 8 * 3600
    refusal = place.refusal(signed(client, request()))
    assert refusal.status == 401
    assert refusal.headers == (("WWW-Authenticate", 'Association realm="d.test", stale=true'),)
    client = client_of(association_of(place))
    assert place.prove(signed(client, request())).aor == ALICE


def test_on_another_connection_it_is_worth_nothing(place: Place) -> None:
    client = client_of(association_of(place))
    place.prove(signed(client, request()))
    assert place.refusal(signed(client, request(flow=2))).status == 403
    place.proof.forget(1)
    assert place.refusal(signed(client, request(flow=2))).status == 401


@pytest.mark.parametrize("sender", ["sip:bob@d.test", "sip:alice@e.test", GUEST])
def test_nobody_signs_for_another(place: Place, sender: str) -> None:
    client = client_of(association_of(place))
    assert place.refusal(signed(client, request(sender=sender))).status == 403


def test_a_bound_connection_takes_no_other_persons_association(place: Place) -> None:
    place.prove(signed(client_of(association_of(place)), request()))
    bob = client_of(association_of(place, "bob"))
    assert place.refusal(signed(bob, request(sender="sip:bob@d.test"))).status == 403


def test_a_bound_connection_takes_nothing_less(place: Place) -> None:
    place.prove(signed(client_of(association_of(place)), request()))
    bearer = (("Authorization", f"Bearer {place.token()}"),)
    assert place.refusal(request()).status == 401
    assert place.refusal(request(headers=bearer)).status == 403
    assert place.refusal(request(sender=GUEST)).status == 401
    assert place.prove(request(flow=2, headers=bearer)).mechanism is Mechanism.BEARER


def test_both_are_valid_while_a_client_renews(place: Place) -> None:
    old, new = client_of(association_of(place)), client_of(association_of(place))
    for client in (old, new, old, new):
        assert place.prove(signed(client, request())).aor == ALICE


def test_it_ends_with_sign_in_and_account(place: Place) -> None:
    client = client_of(association_of(place))
    principal = place.prove(signed(client, request()))
    place.tokens.revoke("g1")
    assert place.refusal(signed(client, request())).status == 403
    assert not place.proof.stands(principal)
    other = client_of(association_of(place, "bob", "g2"))
    place.disable("bob")
    assert place.refusal(signed(other, request(sender="sip:bob@d.test", flow=2))).status == 403


# --- what isn't proven again further in: ACK, CANCEL, responses ---


def arrives(place: Place, message: SipMessage) -> int:
    try:
        place.proof.arrive(message, Connection(message.flow))
    except SipRefusal as refusal:
        return refusal.status
    return 0


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_need_their_proof(place: Place, method: str) -> None:
    client = client_of(association_of(place))
    place.prove(signed(client, request()))
    assert arrives(place, request(method)) == 401
    good = signed(client, request(method))
    assert arrives(place, changed(good, "c1", "c2")) == 403
    assert arrives(place, good) == 0
    assert arrives(place, good) == 403


def test_responses_need_their_proof(place: Place) -> None:
    client = client_of(association_of(place))
    place.prove(signed(client, request()))
    answer = response_to(request("NOTIFY"), 200, flow=1)
    assert arrives(place, answer) == 401
    good = signed(client, answer)
    assert arrives(place, changed(good, "200 OK", "486 Busy")) == 403
    assert arrives(place, changed(good, "Association-Proof", "Authorization: x\r\nX")) == 401
    assert arrives(place, good) == 0
    assert arrives(place, good) == 403


def test_a_signed_request_cant_be_turned_round(place: Place) -> None:
    """What we signed for the client is no proof of the client's."""
    association = association_of(place)
    client, wire = client_of(association), Wire()
    place.prove(signed(client, request()))
    SignedFlows(wire, place.associations).send(1, request().to_bytes())
    [message] = wire.take()
    proof = message.header("Association-Proof")
    back = request(headers=(("Authorization", f"Association {proof}"),))
    assert place.refusal(back).status == 403


# --- what goes out ---


Send = Callable[[SignedFlows], bool]


def test_everything_to_a_bound_connection_is_signed(place: Place) -> None:
    association = association_of(place)
    client, wire = client_of(association), Wire()
    flows = SignedFlows(wire, place.associations)
    assert flows.send(1, request().to_bytes())
    assert wire.one().header("Association-Proof") is None
    place.prove(signed(client, request()))
    for status in (100, 183, 200, 401):
        assert flows.send(1, request().response(status, to_tag="b1"))
    assert flows.send(1, request("NOTIFY", body=b"<a/>").to_bytes())
    assert flows.send(2, request().to_bytes())
    assert all(client.verify(data.decode()) for flow, data in wire.sent if flow == 1)
    assert wire.one(2).header("Association-Proof") is None


def test_the_newest_association_signs(place: Place) -> None:
    wire = Wire()
    old, new = client_of(association_of(place)), client_of(association_of(place))
    flows = SignedFlows(wire, place.associations)
    for client in (old, new):
        place.prove(signed(client, request()))
        flows.send(1, request().to_bytes())
        assert client.verify(wire.sent.pop()[1].decode())


def test_what_is_no_message_is_not_sent_to_who_expects_signatures(place: Place) -> None:
    wire = Wire()
    place.prove(signed(client_of(association_of(place)), request()))
    assert not SignedFlows(wire, place.associations).send(1, b"junk\r\n\r\n")
    assert wire.sent == []


def test_macs_are_written_as_base64url() -> None:
    assert len(urlsafe_b64encode(bytes(32)).rstrip(b"=")) == 43
