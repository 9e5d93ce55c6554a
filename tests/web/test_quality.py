"""How the connection fares in one real meeting: as the browser shows it, and as the server tells the organizer."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.oidc import tokens
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    meet,
    sees_moving_video,
)

_PATIENCE = 20_000  # milliseconds


def test_a_panel_tells_how_the_connection_fares(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    opened = open_browser("host", 1)
    host, guest = opened.page(), open_browser("guest", 2).page()
    meet(host, guest, deployment)
    for page in (host, guest):
        sees_moving_video(page)
    shows_numbers(host)
    closes_by_keyboard(host)
    with httpx.Client(
        transport=HostTransport(opened.host, deployment.authority), base_url=deployment.origin
    ) as client:
        token = tokens(client, deployment)["access_token"]
        eventually(lambda: is_known(everyone(client, deployment, token)), "the server's view", 30.0)
        opened.host.lose(30)
        is_told_that_it_is_poor(host)
        eventually(
            lambda: is_lossy(everyone(client, deployment, token)),
            "the server to hear of what is lost",
            30.0,
        )
    guest.get_by_test_id("leave").click()
    ended = "a line about it in the log"
    eventually(lambda: "media.ended" in deployment.log.read_text(), ended, 60.0)


def shows_numbers(page: Page) -> None:
    """Opened by keyboard, the panel says in a word how it goes, and has numbers of both ways."""
    page.get_by_test_id("quality").focus()
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("quality-panel")
    expect(panel).to_be_focused()
    expect(panel.get_by_role("status")).to_have_text("Connection: good", timeout=_PATIENCE)
    expect(panel.get_by_test_id("quality-path")).to_have_text("Directly to the server, UDP")
    expect(panel.get_by_test_id("quality-round-trip")).to_contain_text(" ms")
    for way, sources in (
        ("received", ("Voices", "Cameras")),
        ("sent", ("Your microphone", "Your camera")),
    ):
        table = panel.get_by_test_id(f"quality-{way}")
        for source in sources:
            row = table.get_by_role("row").filter(has_text=source)
            expect(row).to_contain_text(" ms", timeout=_PATIENCE)
            expect(row).to_contain_text("bit/s")
            expect(row).to_contain_text("%")
            expect(row).to_contain_text(
                "opus" if source in {"Voices", "Your microphone"} else "\N{MULTIPLICATION SIGN}"
            )


def closes_by_keyboard(page: Page) -> None:
    """Escape, and one is where one was."""
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("quality-panel")).to_be_hidden()
    expect(page.get_by_test_id("quality")).to_be_focused()


def is_told_that_it_is_poor(page: Page) -> None:
    """Where media gets lost on its way in, the panel says so of what comes in."""
    page.get_by_test_id("quality").click()
    panel = page.get_by_test_id("quality-panel")
    expect(panel.get_by_role("status")).to_have_text("Connection: poor", timeout=_PATIENCE)
    voices = panel.get_by_test_id("quality-received").get_by_role("row").filter(has_text="Voices")
    expect(voices).to_contain_text(re.compile(r"[1-5]\d\.\d %"), timeout=_PATIENCE)


def everyone(client: httpx.Client, deployment: Deployment, token: str) -> list[dict[str, Any]]:
    """What the server says of the meeting."""
    meeting = deployment.facts["meeting"]["id"]
    answer = client.get(f"/api/v1/meetings/{meeting}/quality", headers=with_token(token))
    answer.raise_for_status()
    return list(answer.json())


def is_lossy(told: list[dict[str, Any]]) -> bool:
    """One browser says that it hears badly; what comes from it is as good as ever."""
    (bad,) = (one for one in told if one["display_name"] != "Gus")
    (sent,) = (flow for flow in bad["sent"] if flow["source"] == "audio")
    (received,) = (flow for flow in bad["received"] if flow["source"] == "audio")
    if not (sent["loss"] and sent["loss"] > 0.15 and bad["mos_sent"] < 3.1):
        return False
    assert received["loss"] is not None
    return bool(received["loss"] < 0.05)


def is_known(told: list[dict[str, Any]]) -> bool:
    """Both browsers, both ways, sound and pictures."""
    assert [one["kind"] for one in told] == ["browser", "browser"]
    assert {one["display_name"] for one in told} >= {"Gus"}
    for one in told:
        if not (one["mos_received"] and one["mos_sent"] and one["round_trip"] is not None):
            return False
        assert one["mos_received"] == pytest.approx(4.3, abs=0.4)
        for way in ("received", "sent"):
            flows = {flow["source"]: flow for flow in one[way]}
            if not flows.keys() >= {"audio", "camera"} or not flows["camera"]["bitrate"]:
                return False
    return True
