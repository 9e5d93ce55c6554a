"""How long associations live, how many, and with what they end (ATTACKS 73)."""

from dataclasses import dataclass, field

import pytest

from tests.clients.association import unb64
from tests.unit.identity.test_canonical_form import AGREEMENT
from vestibule.identity.associations import (
    MOST_PER_PERSON,
    MOST_SECONDS,
    Association,
    Associations,
    GrantEnded,
)
from vestibule.identity.tokens import Claims

POINT = unb64(AGREEMENT["client_public"])


@dataclass
class Bench:
    now: float = 1_800_000_000.0
    ended: set[str] = field(default_factory=set)
    lifetime: int = 100

    def __post_init__(self) -> None:
        self.associations = Associations(self, clock=lambda: self.now, lifetime=self.lifetime)

    def is_revoked(self, grant: str) -> bool:
        return grant in self.ended

    def open(self, person: str = "alice", grant: str = "g1") -> str:
        claims = Claims(person, f"sip:{person}@d.test", "web", "openid", grant, 0, 0)
        return self.associations.open(claims, POINT).id

    def find(self, name: str) -> Association:
        association = self.associations.find(name)
        assert association is not None
        return association


def test_each_has_an_id_and_keys_of_its_own() -> None:
    bench = Bench()
    one, other = bench.find(bench.open()), bench.find(bench.open())
    keys = {one.keys.from_client, one.keys.from_server, other.keys.from_client, other.keys.from_server}  # fmt: skip
    assert len(keys) == 4
    assert len(one.id) == 22
    assert [one.next_number(), one.next_number(), other.next_number()] == [1, 2, 1]


def test_it_expires_and_is_told_from_an_unknown_one_for_a_while() -> None:
    bench = Bench()
    name = bench.open()
    bench.now += 99.9
    assert not bench.associations.has_expired(bench.find(name))
    bench.now += 0.1
    assert bench.associations.has_expired(bench.find(name))
    bench.now += 3601.0
    bench.open()
    assert bench.associations.find(name) is None
    assert len(bench.associations) == 1


def test_none_lives_longer_than_eight_hours() -> None:
    bench = Bench(lifetime=MOST_SECONDS * 3)
    assert bench.find(bench.open()).expires_at == bench.now + MOST_SECONDS


def test_the_oldest_of_a_person_goes_when_there_are_too_many() -> None:
    bench = Bench()
    others = bench.open("bob")
    names = [bench.open() for _ in range(MOST_PER_PERSON + 1)]
    assert bench.associations.find(names[0]) is None
    assert all(bench.associations.find(name) for name in (*names[1:], others))


def test_it_ends_with_its_sign_in_for_good() -> None:
    bench = Bench()
    ended, other, without = bench.open(), bench.open(grant="g2"), bench.open(grant="")
    bench.ended.add("g1")
    bench.associations.end_revoked()
    bench.ended.clear()  # as it is forgotten once no token can live any more
    assert bench.associations.find(ended) is None
    assert bench.associations.find(other) and bench.associations.find(without)


def test_an_ended_sign_in_makes_none() -> None:
    bench = Bench(ended={"g1"})
    with pytest.raises(GrantEnded):
        bench.open()


def test_a_connection_answers_by_the_one_that_was_used_last() -> None:
    bench = Bench()
    old, new = bench.find(bench.open()), bench.find(bench.open())
    assert bench.associations.of_flow(1) is None
    for association in (old, new, new, old, new):
        bench.associations.bind(association, 1)
        assert bench.associations.of_flow(1) is association
        assert bench.associations.of_flow(2) is None


def test_a_connection_takes_its_associations_with_it() -> None:
    bench = Bench()
    old, new, elsewhere = (bench.find(bench.open()) for _ in range(3))
    bench.associations.bind(old, 1)
    bench.associations.bind(new, 1)
    bench.associations.bind(elsewhere, 2)
    bench.associations.forget_flow(1)
    bench.associations.forget_flow(1)
    assert bench.associations.of_flow(1) is None
    assert [bench.associations.find(one.id) for one in (old, new, elsewhere)] == [None, None, elsewhere]  # fmt: skip


def test_a_connection_of_which_the_association_was_crowded_out_is_still_bound() -> None:
    bench = Bench()
    first = bench.find(bench.open())
    bench.associations.bind(first, 1)
    for _ in range(MOST_PER_PERSON):
        bench.open()
    assert bench.associations.find(first.id) is None
    assert bench.associations.of_flow(1) is first
