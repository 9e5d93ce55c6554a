"""Pictures for the documentation, of a real meeting: `make screenshots` takes them anew.

`python -m tests.web.screenshots FOLDER` writes them all.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.clients.audio import melody, write_wav
from tests.clients.baresip import Baresip
from tests.clients.chromium import Chromium
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.web.meeting_steps import (
    admit,
    knock,
    sees_moving_video,
    sign_in,
    start_demo_meeting,
    wait_for_meeting,
)

_Scheme = Literal["light", "dark"]
_SIZE = {"width": 1280, "height": 800}
_STILL = "() => !document.getAnimations().some((each) => each instanceof CSSTransition)"


class Studio:
    """A demo, browsers, and a folder for the pictures."""

    def __init__(self, folder: Path, scratch: Path, opened: ExitStack) -> None:
        self._folder, self._scratch, self._opened = folder, scratch, opened
        self._network = opened.enter_context(Network())
        self.deployment = opened.enter_context(Deployment(self._network.server, scratch / "demo"))

    def browser(self, playwright: Playwright, name: str, seed: int) -> Chromium:
        """A browser on a host of its own."""
        microphone = self._scratch / f"{name}.wav"
        write_wav(microphone, melody(seed, 60.0))
        return self._opened.enter_context(
            Chromium(
                playwright, self._network.add_host(), self._scratch / name,
                authority=self.deployment.authority, microphone=microphone,
            )
        )  # fmt: skip

    def phone(self, name: str) -> Baresip:
        """A demo person's SIP phone, in the meeting."""
        user, folder = self.deployment.user(name), self._scratch / f"phone-{name}"
        folder.mkdir()
        write_wav(folder / "in.wav", melody(9, 60.0), channels=2)
        phone = self._opened.enter_context(
            Baresip(
                self._host(), folder, address=user.sip, outbound=self.deployment.outbound,
                authority=self.deployment.authority, certificate=user.device_pem,
            )
        )  # fmt: skip
        phone.wait_registered()
        phone.dial(self.deployment.facts["meeting"]["focus"])
        phone.wait_event("CALL_ESTABLISHED")
        return phone

    def take(self, page: Page, name: str, schemes: tuple[_Scheme, ...] = ("light",)) -> None:
        """One picture for each colour scheme, once colours have stopped changing."""
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(_STILL)
            page.screenshot(path=self._folder / f"{name}-{scheme}.png")

    def _host(self) -> Host:
        return self._network.add_host()


def take_all(folder: Path) -> None:
    """Walk through a meeting, with pictures on the way."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as scratch,
        ExitStack() as opened,
    ):
        playwright = opened.enter_context(sync_playwright())
        studio = Studio(folder, Path(scratch), opened)
        host, guest, late = (
            studio.browser(playwright, name, seed).page(viewport=_SIZE)
            for seed, name in enumerate(("host", "guest", "late"), 1)
        )
        deployment = studio.deployment
        sign_in(host, deployment, deployment.user("alice"))
        studio.take(host, "meetings")
        start_demo_meeting(host, deployment)
        studio.phone("bob")
        guest.goto(deployment.facts["meeting"]["link"])
        guest.get_by_test_id("guest-name").fill("Gus Guest")
        studio.take(guest, "join")
        knock(guest, deployment, "Gus Guest")
        studio.take(guest, "lobby")
        admit(host, "Gus Guest")
        wait_for_meeting(guest)
        sees_moving_video(host)
        knock(late, deployment, "Lena Late")
        host.get_by_test_id("people").click()
        expect(host.get_by_test_id("lobby-queue")).to_be_visible()
        host.mouse.move(5, 5)  # no hint over the picture
        studio.take(host, "meeting", ("light", "dark"))


if __name__ == "__main__":
    take_all(Path(sys.argv[1]))
