import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.sip.refusal import SipRefusal
from vestibule.sip.uri import SipUri

_USERS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
_HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,6}){0,2}", fullmatch=True)
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
_URIS = st.builds(
    SipUri,
    st.sampled_from(["sip", "sips"]),
    _USERS,
    _HOSTS,
    st.none() | st.integers(1, 65535),
    st.dictionaries(_NAMES, _USERS, max_size=4).map(lambda params: tuple(params.items())),
)


@given(_URIS)
def test_writing_and_reading_is_the_identity(uri: SipUri) -> None:
    assert SipUri.parse(str(uri)) == uri


@given(_URIS)
def test_every_uri_is_equivalent_to_itself_however_its_scheme_and_host_are_spelt(
    uri: SipUri,
) -> None:
    scheme, _, rest = str(uri).partition(":")
    assert SipUri.parse(f"{scheme.upper()}:{rest}").equivalent(uri)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"sip:{text}", f"sip:alice@{text}", f"sip:alice@d.test;{text}"):
        try:
            SipUri.parse(candidate)
        except SipRefusal as refusal:
            assert refusal.status in (400, 416)


def test_the_parts() -> None:
    uri = SipUri.parse("sips:J%61ne;x=1@Example.ORG.:5061;transport=TLS;LR;opaque=a%3bb?subject=hi")
    assert (uri.scheme, uri.user, uri.host, uri.port) == ("sips", "Jane;x=1", "example.org", 5061)
    assert uri.param("transport") == "TLS"
    assert uri.param("lr") == ""
    assert uri.param("maddr") is None
    assert uri.opaque == "a;b"
    assert uri.aor == "sip:Jane;x=1@example.org"


def test_a_password_is_not_kept() -> None:
    assert "secret" not in str(SipUri.parse("sip:alice:secret@d.test"))


def test_a_focus_and_a_gruu() -> None:
    focus = SipUri.parse("sip:alice@d.test;gruu;opaque=app:conf:focus:id:ABC")
    assert (focus.opaque, focus.param("gruu")) == ("app:conf:focus:id:ABC", "")
    gruu = SipUri.parse("sip:alice@d.test;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    assert gruu.param("gr") == "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def test_guests_are_anonymous() -> None:
    assert SipUri.parse("sip:x1@anonymous.invalid").is_anonymous
    assert not SipUri.parse("sip:anonymous@d.test").is_anonymous


@pytest.mark.parametrize(
    "text",
    [
        "", "sip:", "sip:@d.test", "sip:a@", "sip:a@b@c", "sip:a b@d.test", "sip:a@d test",
        "sip:a@d.test:0", "sip:a@d.test:65536", "sip:a@d.test:5061x", "sip:a@[::1", "sip:a@-d",
        "sip:a@d.test;", "sip:a@d.test;x=1;X=2", "sip:a@d.test;x=<", "sip:a%zz@d.test",
        "sip:a%0d%0ab@d.test", "sip:a%ff@d.test", "sip:a@d.test?x=y z", "sip:a@d.test?x=\r\n",
        "sip:a\x00@d.test", "alice", "sip:" + "a" * 3000 + "@d.test",
    ],
)  # fmt: skip
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(SipRefusal) as refused:
        SipUri.parse(text)
    assert refused.value.status == 400


@pytest.mark.parametrize("text", ["tel:+4912345", "http://d.test/", "mailto:alice@d.test"])
def test_other_schemes(text: str) -> None:
    with pytest.raises(SipRefusal) as refused:
        SipUri.parse(text)
    assert refused.value.status == 416


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # RFC 3261 section 19.1.4
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", True),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
        ("sip:a@d.test", "sips:a@d.test", False),
        # a digest made for a person must not open a meeting of theirs
        ("sip:a@d.test", "sip:a@d.test;opaque=app:conf:focus:id:X", False),
        ("sip:a@d.test;gr=1", "sip:a@d.test", False),
    ],
)
def test_comparison(one: str, other: str, same: bool) -> None:
    assert SipUri.parse(one).equivalent(SipUri.parse(other)) is same
    assert SipUri.parse(other).equivalent(SipUri.parse(one)) is same
