"""A meeting in real browsers: host, guest, lobby, a phone (C3, C4, C6, C7, C14, E4, A8)."""

from pathlib import Path

from playwright.sync_api import Page, WebSocket, expect

from tests.clients.audio import likeness, melody, read_wav, write_wav
from tests.clients.baresip import Baresip
from tests.clients.capture import Capture
from tests.clients.chromium import statistics
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.media_capture import assert_only_protected_media
from tests.clients.namespaces import Network
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    admit,
    hears_sound,
    knock,
    received_packets,
    sees_moving_video,
    sign_in,
    start_demo_meeting,
    wait_for_meeting,
)


def test_a_guest_knocks_is_admitted_and_both_see_and_hear(
    network: Network, deployment: Deployment, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    host = open_browser("host", 1).page()
    guest = open_browser("guest", 2).page()
    with Capture(network.server, "bridge0", tmp_path / "meeting.pcap") as capture:
        sign_in(host, deployment, deployment.user("alice"))
        start_demo_meeting(host, deployment)
        knock(guest, deployment, "Gus")
        assert received_packets(guest) == 0
        admit(host, "Gus")
        wait_for_meeting(guest)
        for page in (host, guest):
            sees_moving_video(page)
            hears_sound(page)
        assert statistics(guest, "transport")[0]["dtlsState"] == "connected"
        guest.get_by_test_id("leave").click()
    assert capture.count("sip") == 0
    assert not capture.holds(b"INVITE sip:")
    assert_only_protected_media(capture, at_least=500)


def test_a_rejected_guest_is_told_and_never_saw_or_heard_anything(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    guest = open_browser("guest", 2).page()
    frames: list[str] = []
    guest.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))),
    )
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    knock(guest, deployment, "Gus")
    host.get_by_test_id("reject-Gus").first.click()
    expect(guest.get_by_test_id("rejected")).to_be_visible(timeout=20_000)
    assert received_packets(guest) == 0
    assert frames
    assert not [frame for frame in frames if "conference-info" in frame or "NOTIFY" in frame]
    assert not [frame for frame in frames if "a=fingerprint" in frame or "relay-password" in frame]


def test_an_early_guest_stays_in_the_lobby_when_the_host_comes(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    guest = open_browser("guest", 2).page()
    knock(guest, deployment, "Gus")
    host = open_browser("host", 1).page()
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    expect(host.get_by_test_id("admit-Gus").first).to_be_visible(timeout=20_000)
    expect(guest.get_by_test_id("lobby")).to_be_visible()
    admit(host, "Gus")
    wait_for_meeting(guest)


def test_a_phone_hears_the_browser_and_is_heard(
    network: Network, deployment: Deployment, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    host = open_browser("host", 1).page()
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    folder = tmp_path / "phone"
    folder.mkdir()
    write_wav(folder / "in.wav", melody(3, 60.0), channels=2)
    user = deployment.user("bob")
    with Baresip(
        network.add_host(), folder, address=user.sip, outbound=deployment.outbound,
        authority=deployment.authority, certificate=user.device_pem,
    ) as phone:  # fmt: skip
        phone.wait_registered()
        phone.dial(deployment.facts["meeting"]["focus"])
        phone.wait_event("CALL_ESTABLISHED")
        hears_sound(host)

        def recording() -> Path | None:
            path = phone.heard()
            return path if path and path.stat().st_size > 48000 * 2 * 10 else None

        path = eventually(recording, "ten seconds of recording", 60.0)
        assert likeness(melody(1, 60.0), read_wav(path)) > 0.6


_KEYS = """async () => {
    const opened = indexedDB.open("oidc");
    await new Promise((resolve) => { opened.onsuccess = resolve; });
    const kept = opened.result.transaction("dpop").objectStore("dpop").getAll();
    await new Promise((resolve) => { kept.onsuccess = resolve; });
    return kept.result.map(({ keys }) => keys.privateKey.extractable);
}"""


def assert_tokens_are_bound(page: Page, authorizations: list[str]) -> None:
    """Every request of the page shows a bound token, and the one key can't be read out of the browser."""
    assert authorizations
    assert all(value.startswith("DPoP ") for value in authorizations)
    assert page.evaluate(_KEYS) == [False]


def test_every_message_of_a_members_browser_is_proven_both_ways(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    sent: list[str] = []
    heard: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(str(frame)))
        socket.on("framereceived", lambda frame: heard.append(str(frame)))

    host.on("websocket", listen)
    asked: list[str] = []
    host.on("request", lambda request: asked.append(request.headers.get("authorization", "")))
    sign_in(host, deployment, deployment.user("alice"))
    assert_tokens_are_bound(host, [value for value in asked if value])
    start_demo_meeting(host, deployment)
    host.get_by_test_id("leave").click()

    def said_goodbye() -> bool:
        host.evaluate("0")  # the driver tells of frames while it is asked for something
        return any(text.startswith("BYE ") for text in sent)

    eventually(said_goodbye, "the goodbye")
    methods = {text.partition(" ")[0] for text in sent if text.strip()}
    assert {"INVITE", "ACK", "INFO", "SUBSCRIBE", "BYE", "SIP/2.0"} <= methods
    for text in filter(str.strip, sent):
        name = (
            "Association-Proof: " if text.startswith("SIP/2.0") else "Authorization: Association "
        )
        assert text.split("\r\n")[1].startswith(f'{name}id="')
        assert "Bearer" not in text
    for text in filter(str.strip, heard):
        assert text.split("\r\n")[1].startswith('Association-Proof: id="')


def test_a_new_link_shuts_out_the_old_one_and_nobody_who_has_come(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    old = deployment.vestibule("meeting", "create", "alice", "Another").split()[1]
    meeting_id = old.rpartition("#")[0].rpartition("/")[2]
    host = open_browser("host", 1).page()
    guest, late = (open_browser(name, 2).page() for name in ("guest", "late"))
    sign_in(host, deployment, deployment.user("alice"))
    knock(guest, deployment, "Gus", link=old)
    host.reload()
    host.get_by_test_id(f"new-link-{meeting_id}").click(timeout=20_000)
    host.get_by_test_id("confirm").click()
    shown = host.get_by_test_id(f"meeting-{meeting_id}").get_by_role("textbox")
    expect(shown).not_to_have_value(old)
    late.goto(old)
    late.get_by_test_id("guest-name").fill("Liz")
    late.get_by_test_id("knock").click()
    expect(late.get_by_test_id("bad-key")).to_be_visible(timeout=20_000)
    host.get_by_test_id(f"join-{meeting_id}").click()
    admit(host, "Gus")
    wait_for_meeting(guest)
    for page in (host, guest):
        sees_moving_video(page)
