"""How descriptions of ours begin: whose they are, and which one of a session."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Which session a description of ours is of, and which one in it (RFC 8866 section 5.2)."""

    session: int
    version: int

    @staticmethod
    def drawn() -> "Origin":
        """Of a new session."""
        session = secrets.randbelow(2**31)
        return Origin(session, session)

    @property
    def following(self) -> "Origin":
        """Of the next description in the same session (RFC 3264 section 8)."""
        return Origin(self.session, self.version + 1)

    def lines(self, address: str) -> list[str]:
        """What a description begins with."""
        family = "IP6" if ":" in address else "IP4"
        return [
            "v=0", f"o=- {self.session} {self.version} IN {family} {address}", "s=-",
            f"c=IN {family} {address}", "t=0 0",
        ]  # fmt: skip
