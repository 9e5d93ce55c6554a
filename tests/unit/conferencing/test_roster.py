"""Conference documents: who sees whom (C14: nothing of the meeting leaks to the lobby, or from it)."""

from lxml import etree

from tests.unit.conferencing.conference_bench import ALICE, GUEST, make_conference
from vestibule.conferencing.admission import Who
from vestibule.conferencing.roster import RosterView

NS = {
    "i": "urn:ietf:params:xml:ns:conference-info",
    "x": "http://schemas.microsoft.com/rtc/2005/08/confinfoextensions",
}


def entities(document: bytes | None) -> list[tuple[str, str]]:
    assert document is not None
    root = etree.fromstring(document)
    return [(u.get("entity", ""), u.get("state", "")) for u in root.iterfind(".//i:user", NS)]


def version(document: bytes | None) -> int:
    assert document is not None
    return int(etree.fromstring(document).get("version", ""))


def test_only_leaders_see_the_lobby() -> None:
    conference, _ = make_conference()
    leaders = RosterView(conference, sees_lobby=True)
    attendees = RosterView(conference, sees_lobby=False)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    conference.knock(GUEST, "Gus", Who.ANONYMOUS)
    assert entities(leaders.full()) == [(ALICE, "full"), (GUEST, "full")]
    assert b"pending" in leaders.full()
    assert entities(attendees.full()) == [(ALICE, "full")]
    assert attendees.partial(GUEST) is None
    conference.let_in(host, GUEST)
    assert entities(attendees.partial(GUEST)) == [(GUEST, "full")]


def test_a_departure_is_told_once_and_only_to_who_saw_the_arrival() -> None:
    conference, _ = make_conference()
    leaders = RosterView(conference, sees_lobby=True)
    attendees = RosterView(conference, sees_lobby=False)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    conference.knock(GUEST, "Gus", Who.ANONYMOUS)
    leaders.full()
    attendees.full()
    conference.reject(host, GUEST)
    assert entities(leaders.partial(GUEST)) == [(GUEST, "deleted")]
    assert leaders.partial(GUEST) is None
    assert attendees.partial(GUEST) is None


def test_versions_rise_by_one_in_each_view() -> None:
    conference, _ = make_conference()
    view = RosterView(conference, sees_lobby=True)
    conference.knock(ALICE, "Alice", Who.ORGANIZER)
    first = version(view.full())
    assert [version(view.partial(ALICE)) for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_media_is_listed_when_connected_with_what_the_room_takes() -> None:
    conference, _ = make_conference()
    view = RosterView(conference, sees_lobby=False)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    conference.claim_endpoint(host, "e1")
    assert b"audio-video</" in view.full()
    assert b'entity="e1"' not in view.full()
    conference.media_changed(host, connected=True)
    conference.mute(host, ALICE, muted=True)
    root = etree.fromstring(view.full())
    endpoint = root.find('.//i:endpoint[@entity="e1"]', NS)
    assert endpoint is not None
    assert endpoint.findtext("i:media/x:media-ingress-filter", namespaces=NS) == "block"
    assert [m.findtext("i:status", namespaces=NS) for m in endpoint.iterfind("i:media", NS)] == [
        "recvonly",
        "sendrecv",
        "sendrecv",
    ]


def test_a_phone_s_own_mute_is_told_from_a_presenter_s() -> None:
    conference, _ = make_conference()
    view = RosterView(conference, sees_lobby=False)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    conference.claim_endpoint(host, "e1")
    conference.media_changed(host, connected=True)

    def audio() -> tuple[str | None, str | None]:
        media = etree.fromstring(view.full()).find('.//i:endpoint[@entity="e1"]/i:media', NS)
        assert media is not None
        status = media.findtext("i:status", None, NS)
        return status, media.findtext("x:media-ingress-filter", None, NS)

    assert audio() == ("sendrecv", None)
    conference.toggle_self_mute(host)
    assert audio() == ("recvonly", None)
    conference.mute(host, ALICE, muted=True)
    assert audio() == ("recvonly", "block")
    conference.toggle_self_mute(host)
    assert audio() == ("recvonly", "block")
