"""Certificates that the edge refused within the handshake, for the journal (N11).

The edge sums them up, so that a flood wakes nobody; here each becomes a note, and the journal sums up again what comes
in floods. `address` "*" stands for the many that were not told apart.
"""

from collections.abc import Callable
from typing import Protocol

from vestibule.journal.flood import EVERYWHERE
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.sip.timers import Timer

LOOK_SECONDS = 1.0
MOST_NOTES = 5000
"""Of one look and source; more handshakes than that a second fail on no machine of today."""


class Refusing(Protocol):
    """What of the edge is needed here."""

    def refused_certificates(self) -> list[tuple[str | None, str, int]]:
        """Address, reason and count since the last call."""


class RefusedCertificates:
    """Looks at the edge every second."""

    def __init__(
        self, edge: Refusing, notes: Notes, schedule: Callable[[float, Callable[[], None]], Timer]
    ) -> None:
        self._edge = edge
        self._notes = notes
        self._schedule = schedule

    def start(self) -> None:
        """Look, now and from now on."""
        self.look()
        self._schedule(LOOK_SECONDS, self.start)

    def look(self) -> None:
        """Note what was refused since the last time."""
        for address, reason, many in self._edge.refused_certificates():
            note = Note(
                Kind.CERTIFICATE_REFUSED,
                address=address or EVERYWHERE,
                mechanism="certificate",
                details={Detail.REASON: reason},
            )
            for _ in range(min(many, MOST_NOTES)):
                self._notes.note(note)
