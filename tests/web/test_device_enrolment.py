"""A device's browser opens the link of a QR code, makes its key, and the phone signs in with the file (I4)."""

import re
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.clients.audio import melody, write_wav
from tests.clients.baresip import Baresip
from tests.clients.chromium import Chromium
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network


@pytest.fixture
def browser(
    network: Network, deployment: Deployment, playwright: Playwright, tmp_path: Path
) -> Iterator[Chromium]:
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, melody(1, 1.0))
    with Chromium(
        playwright, network.add_host(), tmp_path / "browser",
        authority=deployment.authority, microphone=microphone,
    ) as browser:  # fmt: skip
        yield browser


def test_from_the_link_to_a_registered_phone(
    browser: Chromium, deployment: Deployment, network: Network, tmp_path: Path
) -> None:
    said = deployment.vestibule("device", "enroll", "alice", "mobile", "--link")
    link = re.search(r"https://\S+", said)
    assert link
    page = browser.page(accept_downloads=True)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(link[0])
    expect(page).not_to_have_url(re.compile("#"))  # the code is nowhere to be read any more
    with page.expect_download() as saved:
        page.get_by_role("button", name="Make key and certificate").click()
    expect(page.get_by_role("status")).to_contain_text("Keep the file secret")
    assert complaints == []
    file = tmp_path / "mobile.pem"
    saved.value.save_as(file)
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    ssl.create_default_context().load_cert_chain(file)  # key and certificate fit
    with Baresip(
        network.add_host(), tmp_path / "phone", address=deployment.user("alice").sip,
        outbound=deployment.outbound, authority=deployment.authority, certificate=file,
    ) as phone:  # fmt: skip
        phone.wait_registered()
    again = browser.page()
    again.goto(link[0])
    again.get_by_role("button", name="Make key and certificate").click()
    expect(again.get_by_role("alert")).to_contain_text("used up")
