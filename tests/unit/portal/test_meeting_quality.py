"""The media of a meeting, as its organizer is told."""

from tests.unit.portal.conftest import Portal
from vestibule.conferencing.meeting_quality import ParticipantQuality
from vestibule.media.quality import EndpointQuality, Flow

FLOW = Flow("audio", 500, 50_000, 32_000, 0.02, 0.004)
PHONE = EndpointQuality("e", True, True, "G722", 0.05, (FLOW,), (), 4.1, None)


async def test_an_organizer_sees_everyone_s_numbers(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    meeting = (await browser.api("POST", "/meetings", token, json={"subject": "x"})).json()["id"]
    path = f"/meetings/{meeting}/quality"
    assert (await browser.api("GET", path, token)).json() == []
    portal.qualities[meeting] = [ParticipantQuality("sip:bob@vestibule.test", "Bob", PHONE)]
    flow = {
        "source": "audio",
        "packets": 500,
        "octets": 50_000,
        "bitrate": 32_000,
        "loss": 0.02,
        "jitter": 0.004,
    }
    assert (await browser.api("GET", path, token)).json() == [
        {
            "entity": "sip:bob@vestibule.test",
            "display_name": "Bob",
            "kind": "phone",
            "connected": True,
            "audio_codec": "G722",
            "round_trip": 0.05,
            "mos_received": 4.1,
            "mos_sent": None,
            "received": [flow],
            "sent": [],
        }
    ]


async def test_nobody_else_sees_them(portal: Portal) -> None:
    alice, bob = portal.browser(), portal.browser()
    alices = (await alice.tokens())["access_token"]
    bobs = (await bob.tokens("bob"))["access_token"]
    meeting = (await alice.api("POST", "/meetings", alices, json={"subject": "x"})).json()["id"]
    portal.qualities[meeting] = [ParticipantQuality("sip:bob@vestibule.test", "Bob", PHONE)]
    path = f"/meetings/{meeting}/quality"
    for token, status in ((bobs, 404), (None, 401)):
        refused = await bob.api("GET", path, token)
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"
    unknown = await alice.api("GET", f"/meetings/{'A' * 22}/quality", alices)
    assert unknown.status_code == 404
