import base64

from hypothesis import given
from hypothesis import strategies as st

from vestibule.calls.route_token import CallRoute, End, RouteTokens
from vestibule.sip.uri import SipUri

_ENDS = st.builds(End, st.text(max_size=30), st.integers(0, 2**40), st.text(max_size=30))
_ROUTES = st.builds(CallRoute, _ENDS, _ENDS)
_CALL_IDS = st.text(max_size=40)


@given(_ROUTES, _CALL_IDS)
def test_what_was_sealed_can_be_opened(route: CallRoute, call_id: str) -> None:
    tokens = RouteTokens()
    assert tokens.open(tokens.seal(route, call_id), call_id) == route


@given(_ROUTES, _CALL_IDS)
def test_a_token_is_a_uri_user_part(route: CallRoute, call_id: str) -> None:
    token = RouteTokens().seal(route, call_id)
    assert SipUri.parse(f"sip:{token}@10.0.0.9:5061;lr").user == token


@given(_ROUTES, _CALL_IDS, _CALL_IDS)
def test_it_is_good_for_one_call(route: CallRoute, call_id: str, other: str) -> None:
    tokens = RouteTokens()
    opened = tokens.open(tokens.seal(route, call_id), other)
    assert (opened is not None) == (call_id == other)


@given(_ROUTES, st.data())
def test_no_octet_can_be_changed(route: CallRoute, data: st.DataObject) -> None:
    tokens = RouteTokens()
    token = tokens.seal(route, "c")
    at = data.draw(st.integers(0, len(token) - 2))  # the last character may hold unused bits
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[at]))
    assert tokens.open(token[:at] + other + token[at + 1 :], "c") is None


@given(_ROUTES)
def test_another_servers_token_opens_nothing(route: CallRoute) -> None:
    assert RouteTokens().open(RouteTokens().seal(route, "c"), "c") is None


@given(st.text(max_size=100))
def test_any_text_opens_nothing(text: str) -> None:
    assert RouteTokens().open(text, "c") is None


def test_who_is_party_to_a_call() -> None:
    alice, bob = End("sip:alice@d", 1), End("sip:bob@d", 2)
    route = CallRoute(alice, bob)
    assert route.other_than("sip:alice@d", 1) == route.other_than("sip:alice@d", 9) == bob
    assert route.other_than("sip:bob@d", 2) == alice
    assert route.other_than("sip:carol@d", 1) is None


def test_a_token_tells_its_bearer_nothing() -> None:
    route = CallRoute(
        End("sip:alice@d", 1, "<urn:uuid:alices>"), End("sip:bob@d", 2, "<urn:uuid:bobs>")
    )
    token = RouteTokens().seal(route, "c")
    octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert not any(word in octets for word in (b"alice", b"bob", b"urn:uuid"))
