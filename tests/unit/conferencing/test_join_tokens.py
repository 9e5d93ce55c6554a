"""Media tokens open once, for one seat, for a minute (C4; ATTACKS 38)."""

from vestibule.conferencing.join_tokens import TOKEN_SECONDS, JoinTokens


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_looking_does_not_use_it_up_but_using_does() -> None:
    tokens = JoinTokens(Clock())
    token = tokens.issue("m", "seat", "e1")
    for _ in range(2):
        grant = tokens.find(token)
        assert grant is not None
        assert (grant.meeting_id, grant.seat_id, grant.endpoint) == ("m", "seat", "e1")
    tokens.revoke("seat")
    assert tokens.find(token) is None


def test_a_newer_token_voids_the_older() -> None:
    tokens = JoinTokens(Clock())
    older, newer = tokens.issue("m", "seat", "e1"), tokens.issue("m", "seat", "e1")
    assert tokens.find(older) is None
    assert tokens.find(newer) is not None


def test_void_after_a_minute_and_when_revoked() -> None:
    clock = Clock()
    tokens = JoinTokens(clock)
    late, revoked = tokens.issue("m", "a", "e1"), tokens.issue("m", "b", "e2")
    tokens.revoke("b")
    clock.now += TOKEN_SECONDS + 0.1
    assert tokens.find(late) is None
    assert tokens.find(revoked) is None
