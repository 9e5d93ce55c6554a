"""A meeting recorded in real browsers: everyone is asked, sees who is in it, and the file plays (ATTACKS 43)."""

import json
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.clients.audio import likeness, melody, read_wav
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    admit,
    knock,
    sees_moving_video,
    sign_in,
    start_demo_meeting,
    wait_for_meeting,
)

_PATIENCE = 20_000  # milliseconds
_ALONE, _SECONDS = 3, 8  # that the host alone, then both are recorded


def host_where_recording_is_allowed(page: Page, deployment: Deployment) -> None:
    """Alice in her meeting; before, she sees that there are no recordings yet."""
    sign_in(page, deployment, deployment.user("alice"))
    expect(page.get_by_test_id("recordings")).not_to_be_visible()
    deployment.vestibule("policy", "set", "--recording")

    def offered() -> bool:
        page.reload()
        expect(page.get_by_test_id("meet-now")).to_be_visible(timeout=_PATIENCE)
        return page.get_by_test_id("recordings").is_visible()

    eventually(offered, "the policy to be in force")
    expect(page.get_by_text("No recordings yet")).to_be_visible()
    start_demo_meeting(page, deployment)


def recorded_seconds(page: Page) -> int:
    """What the red mark says."""
    shown = page.get_by_test_id("recording-progress").inner_text()
    if "·" not in shown:
        return 0
    minutes, seconds = shown.removeprefix("REC ").split(" · ")[0].split(":")
    return int(minutes) * 60 + int(seconds)


def streams_of(path: Path) -> dict[str, Any]:
    """What ffprobe says of each codec in a file, packets counted."""
    wanted = ["-count_packets", "-show_streams", "-of", "json"]
    done = subprocess.run(
        ["ffprobe", "-v", "error", *wanted, str(path)], check=True, capture_output=True
    )
    assert not done.stderr, done.stderr
    return {one["codec_name"]: one for one in json.loads(done.stdout)["streams"]}


def starts_by_keyboard(host: Page) -> None:
    """Asked first what it means; then it runs, with oneself in it."""
    host.get_by_test_id("record").focus()
    host.keyboard.press("Enter")
    expect(host.get_by_role("alertdialog")).to_contain_text("only once they agree")
    host.get_by_test_id("confirm").press("Enter")
    expect(host.get_by_test_id("recorded")).to_be_visible(timeout=_PATIENCE)
    expect(host.get_by_test_id("recording-notice")).not_to_be_visible()
    eventually(lambda: recorded_seconds(host) >= 1, "progress on the red mark")


def is_asked(guest: Page) -> None:
    """Told by whom, and not in it."""
    notice = guest.get_by_test_id("recording-notice")
    expect(notice.get_by_role("alert")).to_contain_text(
        "This meeting is being recorded by Alice Archer. You're not in the recording until you agree.",
        timeout=_PATIENCE,
    )
    expect(guest.get_by_role("img", name="Being recorded")).to_be_visible()
    expect(guest.get_by_test_id("record")).to_have_count(0)


def shown_consent(host: Page, name: str) -> str | None:
    """What the list of people says of somebody."""
    row = host.get_by_test_id("roster-item").filter(has_text=name)
    return row.locator("[data-recorded]").get_attribute("data-recorded")


def test_a_meeting_is_recorded_of_those_who_agree(
    deployment: Deployment, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    host, guest = open_browser("host", 1).page(), open_browser("guest", 2).page()
    host_where_recording_is_allowed(host, deployment)
    knock(guest, deployment, "Gus")
    admit(host, "Gus")
    wait_for_meeting(guest)
    sees_moving_video(host)
    starts_by_keyboard(host)
    is_asked(guest)
    guest.screenshot(path=tmp_path / "asked.png")
    host.get_by_test_id("people").click()
    assert (shown_consent(host, "Alice"), shown_consent(host, "Gus")) == ("true", "false")
    host.screenshot(path=tmp_path / "records.png")
    guest.get_by_test_id("not-now").click()
    expect(guest.get_by_test_id("not-recorded")).to_be_visible()
    eventually(lambda: recorded_seconds(host) > _ALONE, "a while of the host alone")
    guest.get_by_test_id("agree").click()
    expect(guest.get_by_test_id("recorded")).to_be_visible(timeout=_PATIENCE)
    eventually(lambda: shown_consent(host, "Gus") == "true", "the host to see it")
    agreed = recorded_seconds(host)
    eventually(lambda: recorded_seconds(host) >= agreed + _SECONDS, "something to look at", 60.0)
    guest.screenshot(path=tmp_path / "recorded.png")
    guest.get_by_test_id("take-back").click()
    expect(guest.get_by_test_id("not-recorded")).to_be_visible(timeout=_PATIENCE)
    comes_back_and_is_asked_again(host, guest, deployment)
    host.get_by_test_id("record").press("Enter")
    for page in (host, guest):
        expect(page.get_by_test_id("recording")).not_to_be_visible(timeout=_PATIENCE)
    is_listed_played_and_deleted(host, deployment, tmp_path, agreed + _SECONDS)


def comes_back_and_is_asked_again(host: Page, guest: Page, deployment: Deployment) -> None:
    """Consent is not carried over to who comes anew."""
    guest.get_by_test_id("leave").click()
    guest.goto("about:blank")  # the link again would be the same page
    knock(guest, deployment, "Gus")
    admit(host, "Gus")
    wait_for_meeting(guest)
    is_asked(guest)


def is_listed_played_and_deleted(
    host: Page, deployment: Deployment, folder: Path, seconds: int
) -> None:
    """The organizer's alone, and gone when they say so."""
    host.goto(f"{deployment.origin}/")
    kept = host.get_by_test_id("kept-recording")
    expect(kept).to_contain_text("The first meeting", timeout=_PATIENCE)
    host.screenshot(path=folder / "kept.png", full_page=True)
    with host.expect_download() as downloaded:
        kept.get_by_role("button", name="Download").click()
    file = folder / "recording.webm"
    downloaded.value.save_as(file)
    streams = streams_of(file)
    assert set(streams) == {"vp8", "opus"}
    assert int(streams["vp8"]["nb_read_packets"]) > 10 * _SECONDS
    assert int(streams["opus"]["nb_read_packets"]) > 50 * (seconds - 2)
    wav = folder / "recording.wav"
    decode = ["ffmpeg", "-v", "error", "-xerror", "-i", str(file), "-f", "null", "-"]
    sound = ["-map", "0:a", "-ac", "1", "-ar", "48000", "-c:a", "pcm_s16le", str(wav)]
    subprocess.run([*decode, *sound], check=True)
    assert likeness(melody(1, 60.0), read_wav(wav)[: _ALONE * 48_000]) > 0.5, (
        "the host alone, at first"
    )
    kept.get_by_role("button", name="Delete").click()
    host.get_by_test_id("confirm").click()
    expect(host.get_by_text("No recordings yet")).to_be_visible(timeout=_PATIENCE)
    assert not list((deployment.folder / "recordings").iterdir())
