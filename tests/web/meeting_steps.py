"""What people do in the web client, as the tests do it: by what the page shows."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.clients.chromium import statistics
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment, User

_PATIENCE = 20_000  # milliseconds


def sign_in(page: Page, deployment: Deployment, user: User) -> None:
    """From the front page through the sign-in page to one's meetings."""
    page.goto(f"{deployment.origin}/")
    start = page.get_by_role("button", name="Sign in")
    start.first.click()
    page.get_by_label("User name").fill(user.name)
    page.get_by_label("Password", exact=True).fill(user.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("meet-now")).to_be_visible(timeout=_PATIENCE)


def start_demo_meeting(page: Page, deployment: Deployment) -> None:
    """The organizer opens the demo's meeting."""
    page.get_by_test_id(f"join-{deployment.facts['meeting']['id']}").click()
    expect(page.get_by_test_id("meeting")).to_be_visible(timeout=_PATIENCE)


def knock(page: Page, deployment: Deployment, name: str, link: str | None = None) -> None:
    """A guest opens the link, of the demo's meeting if not told otherwise, says a name, and knocks."""
    page.goto(link or deployment.facts["meeting"]["link"])
    page.get_by_test_id("guest-name").fill(name)
    page.get_by_test_id("knock").click()
    expect(page.get_by_test_id("lobby")).to_be_visible(timeout=_PATIENCE)


def admit(page: Page, name: str) -> None:
    """A leader lets a guest in."""
    page.get_by_test_id(f"admit-{name}").first.click(timeout=_PATIENCE)


def wait_for_meeting(page: Page) -> None:
    """Until the meeting is on the screen."""
    expect(page.get_by_test_id("meeting")).to_be_visible(timeout=_PATIENCE)


def meet(host: Page, guest: Page, deployment: Deployment) -> None:
    """Alice opens the demo's meeting, Gus knocks and is let in."""
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    knock(guest, deployment, "Gus")
    admit(host, "Gus")
    wait_for_meeting(guest)


def sees_moving_video(page: Page) -> None:
    """Frames are decoded, and more of them a little later."""

    def decoded() -> int:
        return sum(
            int(r.get("framesDecoded", 0)) for r in statistics(page, "inbound-rtp", kind="video")
        )

    first = eventually(decoded, "a first decoded frame", 30.0)
    eventually(lambda: decoded() > first + 20, "video that moves", 30.0)


def hears_sound(page: Page) -> None:
    """Audio packets come, and they are not silence."""

    def loud() -> bool:
        return any(
            row.get("packetsReceived", 0) > 20 and row.get("audioLevel", 0.0) > 0.01
            for row in statistics(page, "inbound-rtp", kind="audio")
        )

    eventually(loud, "sound", 30.0)


def received_packets(page: Page) -> int:
    """How many media packets have come in all."""
    rows: list[dict[str, Any]] = statistics(page, "inbound-rtp")
    return sum(int(row.get("packetsReceived", 0)) for row in rows)
