"""What the authority tells, as notes."""

from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.pki.witness import CertificateAct, CertificateEvent

_KINDS = {
    CertificateAct.ISSUED: Kind.CERTIFICATE_ISSUED,
    CertificateAct.RENEWED: Kind.CERTIFICATE_RENEWED,
    CertificateAct.REVOKED: Kind.CERTIFICATE_REVOKED,
    CertificateAct.FAILED: Kind.CERTIFICATE_FAILED,
}


class CertificateJournal:
    """Notes what the authority does; to be called by it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def __call__(self, event: CertificateEvent) -> None:
        """Note one act."""
        facts = {Detail.SERIAL: event.serial, Detail.REASON: event.reason}
        details = {name: value for name, value in facts.items() if value is not None}
        self._notes.note(Note(_KINDS[event.act], subject=event.subject, details=details))
