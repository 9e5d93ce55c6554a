"""Proofs that failed, for the journal."""

from typing import Protocol

from vestibule.directory.model import Person
from vestibule.identity.flow_facts import FlowFacts
from vestibule.identity.principal import Principal
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.uri import SipUri


class People(Protocol):
    """The directory, as far as it is needed here."""

    def person(self, aor: str) -> Person | None:
        """The person with that address."""


class ProofJournal:
    """Notes each proof that failed or was one too many, and whom it claimed if there is such a person."""

    def __init__(self, notes: Notes, people: People) -> None:
        self._notes = notes
        self._people = people

    def refused(
        self,
        message: SipMessage,
        facts: FlowFacts,
        mechanism: str,
        *,
        proven: Principal | None = None,
        meeting: str | None = None,
    ) -> None:
        """A proof failed. `proven`: who the sender is, if only the claim was wrong."""
        details = {Detail.METHOD: message.method}
        if meeting is not None:
            details[Detail.MEETING] = meeting
        if facts.certificate is not None:
            details[Detail.SERIAL] = facts.certificate.serial
        self._note(Kind.PROOF_REFUSED, message, facts, mechanism, proven, details)

    def throttled(self, message: SipMessage, facts: FlowFacts) -> None:
        """A proof came after too many that failed, and was not looked at."""
        details = {Detail.METHOD: message.method}
        self._note(Kind.PROOF_THROTTLED, message, facts, None, None, details)

    def _note(
        self,
        kind: Kind,
        message: SipMessage,
        facts: FlowFacts,
        mechanism: str | None,
        proven: Principal | None,
        details: dict[Detail, str],
    ) -> None:
        person = self._claimed(message)
        self._notes.note(
            Note(
                kind,
                tenant=person.tenant if person else None,
                actor=proven.aor if proven else None,
                subject=person.aor if person else None,
                address=facts.host,
                mechanism=mechanism,
                details=details,
            )
        )

    def _claimed(self, message: SipMessage) -> Person | None:
        try:
            return self._people.person(SipUri.parse(message.from_uri).aor.lower())
        except SipRefusal:
            return None
