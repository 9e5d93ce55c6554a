"""Debian's Chromium on a host of the test's own, with a microphone that plays a file."""

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.clients.namespaces import Host

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]

# Keeps every peer connection of a page where a test can ask it for statistics.
_REMEMBER_CONNECTIONS = """
window.rememberedConnections = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...args) { super(...args); window.rememberedConnections.push(this); }
};
"""

_STATISTICS = """async () => {
  const all = [];
  for (const connection of window.rememberedConnections) {
    if (connection.connectionState === 'closed') continue;
    for (const row of (await connection.getStats()).values()) all.push(row);
  }
  return all;
}"""


class Chromium:
    """One browser. Separate browsers have separate microphones and cameras."""

    def __init__(
        self, playwright: Playwright, host: Host, folder: Path, *, authority: Path, microphone: Path
    ) -> None:
        self._playwright, self.host, self._folder = playwright, host, folder
        self._authority, self._microphone = authority, microphone

    def __enter__(self) -> "Chromium":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._trust_authority()
        wrapper = self._folder / "chromium"
        chromium = shutil.which("chromium")
        assert chromium, "Debian's chromium is not installed"
        wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {self.host.namespace} {chromium} "$@"\n')
        wrapper.chmod(0o755)
        self._browser: Browser = self._playwright.chromium.launch(
            executable_path=str(wrapper),
            args=[*_ARGUMENTS, f"--use-file-for-fake-audio-capture={self._microphone}"],
            env={"HOME": str(self._folder)},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._browser.close()

    def page(self, **options: Any) -> Page:
        """A page in a profile of its own, which writes its console into a file."""
        context: BrowserContext = self._browser.new_context(**options)
        context.add_init_script(_REMEMBER_CONNECTIONS)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.text))
        page.on("pageerror", lambda error: self._note(f"ERROR {error}"))
        return page

    def _note(self, line: str) -> None:
        with (self._folder / "console.log").open("a") as log:
            log.write(f"{line}\n")

    def _trust_authority(self) -> None:
        database = self._folder / ".pki" / "nssdb"
        database.mkdir(parents=True, exist_ok=True)
        at = f"sql:{database}"
        for arguments in (
            ["-N", "-d", at, "--empty-password"],
            ["-A", "-d", at, "-n", "authority", "-t", "C,,", "-i", str(self._authority)],
        ):
            subprocess.run(["certutil", *arguments], check=True, capture_output=True)


def statistics(page: Page, row_type: str, /, **wanted: Any) -> list[dict[str, Any]]:
    """getStats rows of one type over all live peer connections, such as "inbound-rtp"."""
    rows: list[dict[str, Any]] = page.evaluate(_STATISTICS)
    return [
        row
        for row in rows
        if row["type"] == row_type and all(row.get(name) == value for name, value in wanted.items())
    ]
