"""Single-use tokens that the focus hands out and the audio-video endpoint takes back (C4).

A token is bound to the meeting, the seat it was given to and the media endpoint it is for, and is
void after a minute: a copied or second use opens nothing (ATTACKS 38).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

TOKEN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class JoinGrant:
    """What a token stands for."""

    meeting_id: str
    seat_id: str
    endpoint: str
    expires_at: float


class JoinTokens:
    """The tokens that are out, at most one a seat. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._grants: dict[str, JoinGrant] = {}
        self._of_seat: dict[str, str] = {}

    def issue(self, meeting_id: str, seat_id: str, endpoint: str) -> str:
        """A new token for this seat and endpoint; an earlier one for the same seat is void."""
        self.revoke(seat_id)
        token = secrets.token_urlsafe(24)
        expires_at = self._clock() + TOKEN_SECONDS
        self._grants[token] = JoinGrant(meeting_id, seat_id, endpoint, expires_at)
        self._of_seat[seat_id] = token
        return token

    def find(self, token: str) -> JoinGrant | None:
        """What the token stands for; None if unknown, used or expired.

        It stays good: whoever shows somebody else's must not use it up (ATTACKS 74).
        """
        grant = self._grants.get(token)
        if grant is None or grant.expires_at < self._clock():
            return None
        return grant

    def revoke(self, seat_id: str) -> None:
        """Void the token of a seat, if one is out: it was used, or the seat is gone."""
        token = self._of_seat.pop(seat_id, None)
        if token is not None:
            del self._grants[token]
