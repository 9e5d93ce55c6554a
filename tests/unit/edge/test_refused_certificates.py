"""What the edge refused within handshakes becomes notes."""

from dataclasses import dataclass, field

from vestibule.edge.refused_certificates import LOOK_SECONDS, RefusedCertificates
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.sip.timers import TimerWheel


@dataclass
class Refusing:
    waiting: list[tuple[str | None, str, int]]

    def refused_certificates(self) -> list[tuple[str | None, str, int]]:
        taken, self.waiting = self.waiting, []
        return taken


@dataclass
class Journal:
    notes: list[Note] = field(default_factory=list)

    def note(self, note: Note) -> None:
        self.notes.append(note)


def test_each_is_noted_once_and_the_edge_is_asked_again() -> None:
    edge = Refusing([("192.0.2.1", "expired", 2), (None, "signature", 1)])
    journal, wheel = Journal(), TimerWheel()
    RefusedCertificates(edge, journal, wheel.schedule).start()
    told = [(note.address, note.details[Detail.REASON]) for note in journal.notes]
    assert told == [("192.0.2.1", "expired"), ("192.0.2.1", "expired"), ("*", "signature")]
    assert {note.kind for note in journal.notes} == {Kind.CERTIFICATE_REFUSED}
    edge.waiting = [("192.0.2.2", "revoked", 1)]
    wheel.advance(LOOK_SECONDS + 0.2)
    assert journal.notes[-1].address == "192.0.2.2"
