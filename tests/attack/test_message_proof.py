"""ATTACKS 12 and 73: the proof of each message, bent in every way, from outside (I8, I9, I10)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.attack.test_live_flow_ends import sign_out
from tests.clients.association import ClientAssociation
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import device_tokens, tokens
from tests.clients.sip_line import header_of, request, status_of
from tests.clients.socket_line import open_socket

ALICE, BOB, DOMAIN = "sip:alice@vestibule.test", "sip:bob@vestibule.test", "sip:vestibule.test"
CONTACT = "<sip:x@x.invalid;transport=ws>"


@dataclass
class Member:
    """Alice in a browser of her own: signed in, and with as many sockets as a test wants."""

    host: Host
    deployment: Deployment
    browser: httpx.Client
    given: dict[str, Any]

    def associate(self) -> ClientAssociation:
        return ClientAssociation.open(self.browser, self.given["access_token"], ALICE)

    def socket(self) -> ClientConnection:
        return open_socket(self.host, self.deployment)


@pytest.fixture
def member(network: Network, deployment: Deployment) -> Iterator[Member]:
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        yield Member(host, deployment, browser, tokens(browser, deployment))


def message(method: str, uri: str = DOMAIN, **parts: Any) -> str:
    text = request(method, uri, parts.pop("sender", ALICE), **parts).replace("\n", "\r\n")
    return re.sub(r"Contact: .*\r", f"Contact: {CONTACT}\r", text)


def hear(socket: ClientConnection) -> str:
    """The next final answer."""
    while True:
        text = str(socket.recv(10.0))
        if not re.match(r"SIP/2.0 1\d\d", text):
            return text


def ask(socket: ClientConnection, text: str) -> str:
    socket.send(text)
    return hear(socket)


def proven_ask(socket: ClientConnection, association: ClientAssociation, text: str) -> int:
    """Ask, honestly; the answer must be proven too."""
    answer = ask(socket, association.sign(text))
    assert association.verify(answer), answer
    return status_of(answer)


def register(socket: ClientConnection, association: ClientAssociation) -> None:
    assert proven_ask(socket, association, message("REGISTER", to=ALICE)) == 200


# --- honest ---


def test_what_is_signed_is_taken_and_every_answer_is_signed(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket:
        register(socket, association)
        assert proven_ask(socket, association, message("OPTIONS")) == 200
        assert proven_ask(socket, association, message("OPTIONS", f"{DOMAIN};x=1")) == 200
        assert proven_ask(socket, association, message("MESSAGE", BOB, body="x")) in (404, 480)
        assert proven_ask(socket, association, message("BYE")) >= 400, "refusals are signed too"


def test_what_others_send_arrives_signed_and_answers_need_their_proof(member: Member) -> None:
    """One device of Alice writes to another."""
    mine, theirs = member.associate(), member.associate()
    with member.socket() as one, member.socket() as other:
        register(other, theirs)
        text = message("MESSAGE", ALICE, headers="Content-Type: text/plain", body="hello")
        one.send(mine.sign(text.replace("CSeq", "Association-Proof: forged\r\nCSeq")))
        arrived = hear(other)
        assert arrived.startswith("MESSAGE ")
        assert "forged" not in arrived
        assert theirs.verify(arrived)
        other.send(answer_to(arrived))  # unsigned: dropped
        other.send(
            theirs.sign(answer_to(arrived)).replace("200 OK", "486 Busy")
        )  # altered: dropped
        other.send(theirs.sign(answer_to(arrived)))
        answer = hear(one)
        assert status_of(answer) == 200
        assert mine.verify(answer)


def answer_to(text: str) -> str:
    lines = [
        line for line in text.split("\r\n") if re.match(r"(?i)(via|from|to|call-id|cseq):", line)
    ]
    lines = [f"{line};tag=z1" if line.lower().startswith("to:") else line for line in lines]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""])


def test_two_are_valid_while_a_client_renews(member: Member) -> None:
    old, new = member.associate(), member.associate()
    with member.socket() as socket:
        for association in (old, new, old):
            assert proven_ask(socket, association, message("OPTIONS")) == 200


# --- bent ---


def test_an_answer_that_was_altered_on_its_way_is_found_out(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket:
        answer = ask(socket, association.sign(message("REGISTER", to=ALICE)))
        assert not association.verify(answer.replace("200 OK", "202 OK"))
        assert not association.verify(re.sub(r"(?m)^CSeq: 1", "CSeq: 2", answer))
        assert not association.verify(answer.replace('mac="', 'mac="A')[:-1])
        assert not association.verify(re.sub(r"Association-Proof: .*\r\n", "", answer))
        assert association.verify(answer)
        assert not association.verify(answer), "nor does it work twice"


CHANGES: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "method": (r"\bMESSAGE\b", "OPTIONS"),
    "target": (r"^MESSAGE sip:alice", "MESSAGE sip:bob"),
    "from": (r"(?m)^From: <sip:alice@(.*?)>", r"From: Boss <sip:alice@\1>"),
    "from tag": (r"(?m)^(From: .*tag=)", r"\1x"),
    "to": (r"(?m)^To: <sip:alice", "To: <sip:bob"),
    "call-id": (r"(?m)^Call-ID: ", "Call-ID: x"),
    "cseq": (r"(?m)^CSeq: 1 ", "CSeq: 2 "),
    "contact": (r"(?m)^Contact: <sip:x", "Contact: <sip:y"),
    "contact added": (r"(?m)^Contact:", "Contact: <sip:eve@x.invalid>\r\nm:"),
    "content type": (r"text/plain", "text/html"),
    "body": (r"hello", "hellO"),
    "expires": (r"(?m)^Expires: 60", "Expires: 0"),
    "number": (r"seq=(\d+)", r"seq=9\1"),
    "mac": (r'mac="(.)', lambda found: 'mac="' + ("B" if found[1] == "A" else "A")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("first", [False, True], ids=["bound", "fresh"])
def test_an_altered_message_is_refused(member: Member, change: str, first: bool) -> None:
    association = member.associate()
    headers = "Content-Type: text/plain\nExpires: 60"
    with member.socket() as socket:
        if not first:
            register(socket, association)
        text = association.sign(message("MESSAGE", ALICE, headers=headers, body="hello"))
        pattern, new = CHANGES[change]
        altered = re.sub(pattern, new, text)
        assert altered != text
        assert status_of(ask(socket, altered)) == 403
        honest = ask(socket, text)  # a bound socket is one of Alice's devices: she hears herself
        assert honest.startswith("SIP/2.0 480" if first else "MESSAGE "), "no number was used up"


def test_a_replay_is_refused(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket:
        text = association.sign(message("OPTIONS"))
        assert status_of(ask(socket, text)) == 200
        assert status_of(ask(socket, text)) == 403
        again = re.sub("branch=z9hG4bK", "branch=z9hG4bKx", text)
        assert status_of(ask(socket, again)) == 403, "nor as a transaction of its own"


def test_what_fell_out_of_the_window_is_refused(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket:
        assert status_of(ask(socket, association.sign(message("OPTIONS"), number=500))) == 200
        assert status_of(ask(socket, association.sign(message("OPTIONS"), number=373))) == 200
        assert status_of(ask(socket, association.sign(message("OPTIONS"), number=372))) == 403
        for number in (0, 2**53, 10**30):
            assert (
                status_of(ask(socket, association.sign(message("OPTIONS"), number=number))) == 403
            )


def test_another_connection_cant_use_it(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket, member.socket() as stolen:
        register(socket, association)
        assert status_of(ask(stolen, association.sign(message("OPTIONS")))) == 403
        assert proven_ask(socket, association, message("OPTIONS")) == 200
    with member.socket() as later:
        assert status_of(ask(later, association.sign(message("OPTIONS")))) in (401, 403)


@pytest.mark.parametrize("sender", [BOB, "sip:alice@elsewhere.test", "sip:g@anonymous.invalid"])
def test_nobody_signs_for_another(member: Member, sender: str) -> None:
    association = member.associate()
    with member.socket() as socket:
        assert status_of(ask(socket, association.sign(message("OPTIONS", sender=sender)))) == 403


def test_a_bound_connection_is_not_talked_down(member: Member) -> None:
    association = member.associate()
    token = device_tokens(member.browser, member.deployment)["access_token"]
    bearer = f"Authorization: Bearer {token}"
    with member.socket() as fresh:
        assert status_of(ask(fresh, message("OPTIONS", headers=bearer))) == 200
    with member.socket() as socket:
        register(socket, association)
        assert status_of(ask(socket, message("OPTIONS", headers=bearer))) == 403
        stripped = ask(socket, message("OPTIONS"))
        assert status_of(stripped) == 401
        assert header_of(stripped, "WWW-Authenticate").startswith("Association ")
        assert association.verify(stripped)
        guest = message("OPTIONS", sender="sip:g@anonymous.invalid")
        assert status_of(ask(socket, guest)) == 401
        both = association.sign(message("OPTIONS", headers=bearer))
        assert status_of(ask(socket, both)) == 400


@pytest.mark.parametrize("bend", [lambda text: re.sub(r"Authorization.*\r\n", "", text),
                                  lambda text: text.replace("Call-ID: ", "Call-ID: x")])  # fmt: skip
def test_cancel_needs_its_proof(member: Member, bend: Callable[[str], str]) -> None:
    association = member.associate()
    with member.socket() as socket:
        register(socket, association)
        assert status_of(ask(socket, bend(association.sign(message("CANCEL"))))) in (401, 403)
        assert status_of(ask(socket, association.sign(message("CANCEL")))) == 481


def test_an_unknown_association_proves_nothing(member: Member) -> None:
    unknown = ClientAssociation("x" * 22, b"k" * 32, b"k" * 32, 0)
    with member.socket() as socket:
        answer = ask(socket, unknown.sign(message("OPTIONS")))
        assert status_of(answer) == 401
        assert header_of(answer, "WWW-Authenticate") == 'Association realm="vestibule.test"'


def test_it_ends_with_the_sign_in(member: Member) -> None:
    used, unused = member.associate(), member.associate()
    with member.socket() as socket:
        register(socket, used)
        sign_out(member.browser, member.given)
        with pytest.raises(ConnectionClosed):
            socket.recv(10.0)
    with member.socket() as socket:
        for association in (used, unused):
            assert status_of(ask(socket, association.sign(message("OPTIONS")))) == 401
    answer = member.browser.post(
        "/identity/associations",
        json={"public_key": "A" * 87},
        headers=with_token(member.given["access_token"]),
    )
    assert answer.status_code == 401


def test_only_so_many_live_at_a_time(member: Member) -> None:
    made = [member.associate() for _ in range(21)]
    with member.socket() as socket:
        assert status_of(ask(socket, made[0].sign(message("OPTIONS")))) == 401
        assert proven_ask(socket, made[1], message("OPTIONS")) == 200


def test_refusals_are_logged(member: Member) -> None:
    association = member.associate()
    with member.socket() as socket:
        text = association.sign(message("OPTIONS"))
        assert status_of(ask(socket, text.replace("OPTIONS", "MESSAGE"))) == 403
    log = member.deployment.log.read_text()
    assert "proof.failed" in log
    assert "association-mac" in log
    assert association.last.partition('mac="')[2][:43] not in log


# --- a short life ---


def test_an_expired_one_is_stale(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIBULE_ASSOCIATION_SECONDS", "1")
    host, server = network.add_host(), network.add_host()
    with Deployment(server, tmp_path / "demo") as deployment:
        transport = HostTransport(host, deployment.authority)
        with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
            member = Member(host, deployment, browser, tokens(browser, deployment))
            association = member.associate()
            assert association.seconds == 1
            with member.socket() as socket:
                register(socket, association)
                answer = _stale(socket, association)
                assert header_of(answer, "WWW-Authenticate").endswith("stale=true")
                assert association.verify(answer), "what the server says is still proven"
                register(socket, member.associate())


def _stale(socket: ClientConnection, association: ClientAssociation) -> str:
    """Ask until the association's second is over."""
    while True:
        answer = ask(socket, association.sign(message("OPTIONS")))
        if status_of(answer) != 200:
            assert status_of(answer) == 401
            return answer
        assert association.verify(answer)
