"""Whose share a sender draws on."""

from vestibule.edge.shares import Rates, Share, share_of
from vestibule.identity.principal import Kind, Mechanism, Principal

RATES = Rates(person=3.0, partner=7.0)


def sender(kind: Kind, aor: str, meeting: str | None = None) -> Principal:
    return Principal(kind, aor, "t", "", Mechanism.CERTIFICATE, meeting=meeting)


def test_a_person_has_one_share_wherever_they_are() -> None:
    alice = sender(Kind.MEMBER, "sip:alice@d.test")
    shares = {share_of(alice, host, RATES) for host in ("192.0.2.1", "2001:db8::1")}
    assert shares == {Share("person", "sip:alice@d.test", 3.0)}


def test_guests_share_by_meeting_and_address_not_by_the_name_they_chose() -> None:
    first = share_of(sender(Kind.ANONYMOUS, "sip:a@anonymous.invalid", "m"), "2001:db8::1", RATES)
    second = share_of(
        sender(Kind.ANONYMOUS, "sip:b@anonymous.invalid", "m"), "2001:db8:0:1::2", RATES
    )
    other = share_of(sender(Kind.ANONYMOUS, "sip:a@anonymous.invalid", "n"), "2001:db8::1", RATES)
    assert first == second != other
    assert first is not None
    assert first.kind == "guest"


def test_a_partner_shares_by_its_domain() -> None:
    for kind in (Kind.FEDERATED, Kind.TRUNK):
        people = ("sip:a@partner.test", "sip:b@partner.test")
        shares = {share_of(sender(kind, aor), "192.0.2.1", RATES) for aor in people}
        assert shares == {Share("partner", "partner.test", 7.0)}


def test_nodes_of_ours_have_none() -> None:
    assert share_of(sender(Kind.NODE, "sip:node@d.test"), "192.0.2.1", RATES) is None
