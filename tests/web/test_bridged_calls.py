"""A page in Chromium, without a client of ours, and a SIP phone (baresip, SDES) in a call that the server bridges."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.clients.baresip import Baresip
from tests.clients.chromium import statistics
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import header_of, request, status_of
from tests.clients.socket_line import SocketLine
from tests.interop.test_baresip_calls import comes_through, phone
from tests.web.conftest import OpenBrowser

SDP = "Content-Type: application/sdp"
_SPEECH = 0.01
"""Of energy, as getStats counts it: much more than comfort noise has in some seconds."""

_OPEN = """async () => {
  const call = window.call = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const sound = await navigator.mediaDevices.getUserMedia({audio: {
    echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  for (const track of sound.getTracks()) call.addTrack(track, sound);
  call.ontrack = ({streams}) => {
    const player = window.player = new Audio();
    player.srcObject = streams[0];
    player.play();
  };
}"""
_GATHERED = """async (description) => {
  await window.call.setLocalDescription(description);
  while (window.call.iceGatheringState !== 'complete')
    await new Promise((done) => window.call.addEventListener('icegatheringstatechange', done, {once: true}));
  return window.call.localDescription.sdp;
}"""
_OFFER = f"async () => ({_GATHERED})(await window.call.createOffer())"
_ANSWER = f"""async (sdp) => {{
  await window.call.setRemoteDescription({{type: 'offer', sdp}});
  return ({_GATHERED})(await window.call.createAnswer());
}}"""
_ACCEPT = "async (sdp) => window.call.setRemoteDescription({type: 'answer', sdp})"


@pytest.fixture
def host(network: Network) -> Host:
    """Alice's."""
    return network.add_host()


@pytest.fixture
def page(open_browser: OpenBrowser, deployment: Deployment, host: Host) -> Page:
    """A page of Alice's with a microphone, about to call or be called."""
    page = open_browser("alice", 1, host).page()
    page.goto(deployment.origin)
    page.evaluate(_OPEN)
    return page


@pytest.fixture
def line(host: Host, deployment: Deployment) -> Iterator[SocketLine]:
    with SocketLine(host, deployment, "alice") as line:
        me = deployment.user("alice").sip
        assert line.ask(request("REGISTER", "sip:vestibule.test", me, to=me)) == 200
        yield line


@pytest.fixture
def bob(network: Network, deployment: Deployment, tmp_path: Path) -> Iterator[Baresip]:
    with phone(network, deployment, "bob", tmp_path / "bob", 2) as baresip:
        baresip.wait_registered()
        yield baresip


def said(page: Page, script: str, argument: Any = None) -> str:
    """A description of the page's, as it goes into a message."""
    return str(page.evaluate(script, argument)).replace("\r\n", "\n")


def energy(page: Page) -> float:
    """Of what the page has heard."""
    rows = statistics(page, "inbound-rtp", kind="audio")
    return max((row.get("totalAudioEnergy", 0.0) for row in rows), default=0.0)


def both_hear(page: Page, bob: Baresip) -> None:
    eventually(lambda: energy(page) > _SPEECH, "Bob's voice in the page", 20.0)
    comes_through(bob, 1)


def test_a_page_calls_a_phone(
    page: Page, line: SocketLine, bob: Baresip, deployment: Deployment
) -> None:
    alice, callee = deployment.user("alice").sip, deployment.user("bob").sip
    offer = said(page, _OFFER)
    line.send(request("INVITE", callee, alice, headers=SDP, body=offer))
    accepted = line.final()
    assert status_of(accepted) == 200, accepted
    line.send(later("ACK", accepted, cseq=1))
    page.evaluate(_ACCEPT, accepted.partition("\r\n\r\n")[2])
    both_hear(page, bob)
    line.send(later("BYE", accepted))
    assert status_of(line.final()) == 200


def test_a_phone_calls_a_page(
    page: Page, line: SocketLine, bob: Baresip, deployment: Deployment
) -> None:
    bob.dial(deployment.user("alice").sip)
    line.send(answer(next_invite(line), 488))
    invite = next_invite(line)
    assert header_of(invite, "Vestibule-Media") == "bridged"
    body = said(page, _ANSWER, invite.partition("\r\n\r\n")[2])
    line.send(answer(invite, 200, headers=SDP, body=body))
    bob.wait_event("CALL_ESTABLISHED")
    both_hear(page, bob)
    bob.command("hangup")


def next_invite(line: SocketLine) -> str:
    while not (received := line.receive()).startswith("INVITE "):
        pass
    return received
