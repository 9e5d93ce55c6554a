"""Calls between two people's devices, spoken by hand."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import SipLine, header_of, request, status_of

DOMAIN = "sip:vestibule.test"
SDP = "Content-Type: application/sdp"
KEYED = """\
v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 40000 RTP/SAVP 0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
"""
PICTURES = """\
m=video 40002 RTP/SAVP 98
a=rtpmap:98 VP8/90000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
a=rtcp-fb:* nack pli
a=rtcp-mux
"""
H264_PICTURES = PICTURES.replace(
    "VP8/90000", "H264/90000\na=fmtp:98 profile-level-id=42e01f;packetization-mode=1"
)
"""An m-line to add to that."""


@contextmanager
def registered(network: Network, deployment: Deployment, *names: str) -> Iterator[list[SipLine]]:
    """A registered device of each, on hosts of their own."""
    with ExitStack() as opened:
        lines = []
        for name in names:
            line = opened.enter_context(device_line(network.add_host(), deployment, name))
            aor = deployment.user(name).sip
            assert line.ask(request("REGISTER", DOMAIN, aor, to=aor)) == 200
            lines.append(line)
        yield lines


def ring(caller: SipLine, sender: str, callee: SipLine, aor: str, *, call_id: str = "") -> str:
    """INVITE until the other device has it; what it received."""
    invite = request("INVITE", aor, sender, headers=SDP, body=KEYED, call_id=call_id or None)
    caller.send(invite)
    received = callee.receive()
    assert received.startswith("INVITE "), received
    return received


def connect(caller: SipLine, sender: str, callee: SipLine, aor: str) -> str:
    """A call, answered and acknowledged; the 200 that the caller got."""
    received = ring(caller, sender, callee, aor)
    callee.send(answer(received, 200, headers=SDP, body=KEYED))
    accepted = caller.final()
    assert status_of(accepted) == 200, accepted
    caller.send(later("ACK", accepted, cseq=1))
    assert callee.receive().startswith("ACK ")
    return accepted


def next_message(caller: SipLine, sender: str, callee: SipLine, aor: str) -> str:
    """A MESSAGE goes through; what the other device receives next, which must be it."""
    message = request("MESSAGE", aor, sender)
    call_id = next(line for line in message.splitlines() if line.startswith("Call-ID"))
    caller.send(message)
    received = callee.receive()
    assert header_of(received, "Call-ID") == call_id.split(": ")[1], received
    callee.send(answer(received, 200))
    assert status_of(caller.final()) == 200
    return received
