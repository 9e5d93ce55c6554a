"""Which credentials the relay is told, and told to forget."""

from base64 import b64decode

from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.media.relay_credentials import (
    LIFETIME_SECONDS,
    MOST_PER_HOLDER,
    RelayCredentials,
    RelayPlace,
)

ALICE = "sip:alice@d.test"
PHONE = Principal(Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.CERTIFICATE, device="phone")
TABLET = Principal(Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.CERTIFICATE, device="tablet")


class Ledger:
    """In the relay's place: what it knows now."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, float, str | None]] = {}

    def add_credential(
        self, username: str, password: str, lifetime: float, *, holder: str | None = None
    ) -> None:
        self.known[username] = (password, lifetime, holder)

    def remove_credential(self, username: str) -> None:
        self.known.pop(username, None)


def bench() -> tuple[Ledger, RelayCredentials]:
    ledger = Ledger()
    return ledger, RelayCredentials(ledger, RelayPlace("relay.test", 3478, 443))


def test_what_is_handed_out_is_what_the_relay_knows() -> None:
    ledger, credentials = bench()
    given = credentials.issue(ALICE, seconds=60)
    assert ledger.known == {given.username: (given.password, 60, ALICE)}
    assert given.lifetime == 60
    assert given.udp_uri == "turn:relay.test:3478?transport=udp"
    assert given.tcp_uri == "turn:relay.test:3478?transport=tcp"
    assert given.tls_uri == "turns:relay.test:443?transport=tcp"
    assert len(b64decode(given.username, validate=True)) == 12
    assert len(b64decode(given.password, validate=True)) == 18
    assert given.password not in repr(given)


def test_none_lives_for_more_than_eight_hours() -> None:
    ledger, credentials = bench()
    given = credentials.issue(ALICE, seconds=LIFETIME_SECONDS + 1)
    assert given.lifetime == LIFETIME_SECONDS == 8 * 3600
    assert ledger.known[given.username][1] == LIFETIME_SECONDS


def test_one_more_than_may_be_ends_the_oldest_of_that_holder() -> None:
    ledger, credentials = bench()
    other = credentials.issue("seat").username
    names = [credentials.issue(ALICE).username for _ in range(MOST_PER_HOLDER + 2)]
    assert list(ledger.known) == [other, *names[2:]]


def test_all_of_a_holder_end_at_once() -> None:
    ledger, credentials = bench()
    other = credentials.issue("seat").username
    for _ in range(3):
        credentials.issue(ALICE)
    credentials.revoke(ALICE)
    credentials.revoke(ALICE)
    assert list(ledger.known) == [other]


def test_only_those_end_whose_proof_no_longer_stands() -> None:
    ledger, credentials = bench()
    seat = credentials.issue("seat").username
    tablet = credentials.issue(ALICE, principal=TABLET).username
    for _ in range(2):
        credentials.issue(ALICE, principal=PHONE)
    credentials.end_unwelcome(lambda principal: principal.device != "phone")
    assert list(ledger.known) == [seat, tablet]
    credentials.end_unwelcome(lambda _: False)
    assert list(ledger.known) == [seat], "a seat's end with the seat"
