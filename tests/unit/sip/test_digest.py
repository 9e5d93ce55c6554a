import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.sip.digest import DigestResponse, digest, ha1, parse_digest
from vestibule.sip.refusal import SipRefusal

_VALUES = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), min_size=1)


def written(fields: dict[str, str]) -> str:
    bare = {"nc", "algorithm", "qop"}
    parts = []
    for name, value in fields.items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f"{name}={value}" if name in bare else f'{name}="{escaped}"')
    return ", ".join(parts)


def fields(**changed: str) -> dict[str, str]:
    return {
        "username": "Mufasa", "realm": "http-auth@example.org", "uri": "/dir/index.html",
        "algorithm": "SHA-256", "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001", "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "qop": "auth",
        "response": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    } | changed  # fmt: skip


def test_the_examples_of_rfc_7616() -> None:
    secret = "Circle of Life"
    sha = parse_digest(written(fields()))
    assert sha.fits(ha1("SHA-256", "Mufasa", sha.realm, secret), "GET")
    md5 = parse_digest(
        written(fields(algorithm="MD5", response="8ca523f5e9506fed4657c9700eebdbec"))
    )
    assert md5.fits(ha1("MD5", "Mufasa", md5.realm, secret), "GET")


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "other"}, {"nc": "00000002"}, {"cnonce": "other"}, {"uri": "/other"},
        {"algorithm": "MD5"}, {"response": "0" * 64}, {"response": "é"},
    ],
)  # fmt: skip
def test_a_response_fits_nothing_else(change: dict[str, str]) -> None:
    response = parse_digest(written(fields(**change)))
    secret = ha1("SHA-256", "Mufasa", "http-auth@example.org", "Circle of Life")
    assert not response.fits(secret, "GET")


def test_a_response_fits_no_other_method_or_secret() -> None:
    response = parse_digest(written(fields()))
    right = ha1("SHA-256", "Mufasa", "http-auth@example.org", "Circle of Life")
    assert not response.fits(right, "POST")
    assert not response.fits(ha1("SHA-256", "Mufasa", "http-auth@example.org", "x"), "GET")


@pytest.mark.parametrize(
    "name", ["username", "realm", "uri", "nonce", "nc", "cnonce", "qop", "response"]
)
def test_what_must_be_there(name: str) -> None:
    short = fields()
    del short[name]
    with pytest.raises(SipRefusal) as refused:
        parse_digest(written(short))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "text",
    [
        written(fields(qop="auth-int")),
        written(fields(algorithm="SHA-256-sess")),
        written(fields(algorithm="SHA-512-256")),
        written(fields(nc="1")),
        written(fields(nc="0000000g")),
        written(fields(nc="\N{ARABIC-INDIC DIGIT ONE}" * 8)),
        written(fields()) + ', nonce="again"',
        written(fields()) + ', Nonce="again"',
        written(fields()).replace('"Mufasa"', '"Mufasa'),
        written(fields()).replace(", ", "; "),
        "=," + written(fields()),
        written(fields(username="x" * 5000)),
        "",
    ],
)
def test_what_is_malformed(text: str) -> None:
    with pytest.raises(SipRefusal) as refused:
        parse_digest(text)
    assert refused.value.status == 400


@given(_VALUES, _VALUES, _VALUES, _VALUES, st.integers(0, 2**32 - 1))
def test_reading_undoes_writing(
    username: str, realm: str, nonce: str, uri: str, count: int
) -> None:
    text = written(fields(username=username, realm=realm, nonce=nonce, uri=uri, nc=f"{count:08x}"))
    response = parse_digest(text)
    assert (response.username, response.realm, response.nonce, response.uri, response.count) == (
        username, realm, nonce, uri, count,
    )  # fmt: skip


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_digest(text)
    except SipRefusal as refusal:
        assert refusal.status == 400


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["SHA-256", "MD5"]))
def test_who_knows_the_secret_always_gets_in(secret: str, name: str, algorithm: str) -> None:
    known = ha1(algorithm, name, "d.test", secret)
    ha2 = digest(algorithm, "INVITE:sip:bob@d.test")
    answer = digest(algorithm, f"{known}:n:00000001:c:auth:{ha2}")
    response = DigestResponse(name, "d.test", "n", "sip:bob@d.test", answer, algorithm, 1, "c")
    assert response.fits(known, "INVITE")
