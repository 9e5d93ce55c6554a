import pytest

from tests.unit.sip.wire import Wire, layer_on, request
from vestibule.sip.message import Headers
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import Router, UriKind
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri


def router() -> Router:
    return Router(lambda host: host in {"d.test", "10.0.0.9"})


def transaction(method: str, *headers: tuple[str, str]) -> ServerTransaction:
    arrived: list[ServerTransaction] = []
    layer_on(Wire(), on_request=arrived.append).receive(request(method, headers=headers))
    return arrived[0]


def one(_: ServerTransaction) -> None: ...


def other(_: ServerTransaction) -> None: ...


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("sip:d.test", UriKind.DOMAIN),
        ("sip:D.TEST;transport=tls", UriKind.DOMAIN),
        ("sip:10.0.0.9:5061", UriKind.DOMAIN),
        ("sip:alice@d.test", UriKind.PERSON),
        ("sip:alice@d.test;opaque=user:epid:abc;gruu", UriKind.PERSON),
        ("sip:alice@d.test;gr=urn:uuid:1", UriKind.PERSON),
        ("sip:alice@d.test;gruu;opaque=app:conf:focus:id:X", UriKind.FOCUS),
        ("sip:alice@d.test;gruu;opaque=APP:conf:focus:id:X", UriKind.FOCUS),
        ("sip:alice@d.test;gruu;opaque=app%3aconf%3afocus:id:X", UriKind.FOCUS),
        ("sip:alice@d.test;gruu;opaque=app:conf:audio-video:id:X", UriKind.AUDIO_VIDEO),
        ("sip:relay@d.test;gruu;opaque=srvr:MRAS:abc", UriKind.RELAY),
        # services that we don't have are not the person's phones
        ("sip:alice@d.test;gruu;opaque=app:conf:chat:id:X", UriKind.OTHER),
        ("sip:alice@d.test;gruu;opaque=app:conf:focusfactory", UriKind.OTHER),
        ("sip:alice@elsewhere.test", UriKind.OTHER),
        ("sip:alice@elsewhere.test;opaque=app:conf:focus:id:X", UriKind.OTHER),
    ],
)
def test_what_a_uri_stands_for(uri: str, kind: UriKind) -> None:
    assert router().kind(SipUri.parse(uri)) is kind


def test_a_request_goes_to_the_handler_of_its_method_kind_and_event() -> None:
    table = router()
    table.add("INVITE", UriKind.PERSON, one)
    table.add("SUBSCRIBE", UriKind.FOCUS, other, event="conference")
    assert table.find(transaction("INVITE"), UriKind.PERSON) is one
    subscribe = transaction("SUBSCRIBE", ("Event", "Conference;id=7"))
    assert table.find(subscribe, UriKind.FOCUS) is other


def test_a_handler_for_every_method_comes_last() -> None:
    table = router()
    table.add(None, UriKind.PERSON, other)
    table.add("INVITE", UriKind.PERSON, one)
    assert table.find(transaction("INVITE"), UriKind.PERSON) is one
    assert table.find(transaction("WHATEVER"), UriKind.PERSON) is other


@pytest.mark.parametrize(
    ("method", "headers", "kind", "status", "named"),
    [
        ("MESSAGE", (), UriKind.OTHER, 404, ()),
        ("MESSAGE", (), UriKind.FOCUS, 405, (("Allow", "INVITE, SUBSCRIBE, ACK, CANCEL"),)),
        ("PUBLISH", (), UriKind.FOCUS, 405, (("Allow", "INVITE, SUBSCRIBE, ACK, CANCEL"),)),
        ("SUBSCRIBE", (), UriKind.FOCUS, 489, (("Allow-Events", "conference"),)),
        (
            "SUBSCRIBE", (("Event", "presence"),),
            UriKind.FOCUS, 489, (("Allow-Events", "conference"),),
        ),
    ],
)  # fmt: skip
def test_what_nobody_serves(
    method: str, headers: Headers, kind: UriKind, status: int, *, named: Headers
) -> None:
    table = router()
    table.add("INVITE", UriKind.FOCUS, one)
    table.add("SUBSCRIBE", UriKind.FOCUS, one, event="conference")
    with pytest.raises(SipRefusal) as refused:
        table.find(transaction(method, *headers), kind)
    assert (refused.value.status, refused.value.headers) == (status, named)
