"""Sign-ins and their ends, for the journal; called from the event loop and from Authlib's threads."""

from typing import Protocol

from vestibule.directory.journalled import of_person
from vestibule.directory.model import Person
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes


class People(Protocol):
    """The directory, as far as it is needed here."""

    def person_by_id(self, person_id: str, /) -> Person | None:
        """The person of that id, disabled ones too."""


class GrantJournal:
    """Notes who signed in and out, and which grants were revoked, why."""

    def __init__(self, notes: Notes, people: People) -> None:
        self._notes = notes
        self._people = people

    def signed_in(self, person: Person, methods: tuple[str, ...], address: str) -> None:
        """All steps were passed. Raises JournalFull, and then nobody is in."""
        self._notes.note(
            Note(
                Kind.SIGN_IN_ACCEPTED,
                tenant=person.tenant,
                actor=person.aor,
                subject=person.aor,
                address=address,
                mechanism="+".join(methods),
            )
        )

    def signed_out(self, person_id: str) -> None:
        """A browser's session was ended."""
        self._note(Kind.SIGN_OUT, person_id, {}, by_person=True)

    def revoked(self, grant: str, person_id: str) -> None:
        """What a sign-in gave a client was taken back, as the person or the client wished."""
        self._note(Kind.GRANT_REVOKED, person_id, {Detail.GRANT: grant}, by_person=True)

    def reused(self, grant: str, person_id: str, what: str) -> None:
        """A code or refresh token came a second time; its grant fell."""
        details = {Detail.GRANT: grant, Detail.REASON: what}
        self._note(Kind.TOKEN_REUSED, person_id, details, by_person=False)

    def key_missing(self, grant: str, person_id: str, address: str) -> None:
        """Somebody holds a code or refresh token, but not the key that it is bound to."""
        details = {Detail.GRANT: grant, Detail.REASON: "key"}
        self._note(Kind.PROOF_REFUSED, person_id, details, by_person=False, address=address)

    def _note(
        self,
        kind: Kind,
        person_id: str,
        details: dict[Detail, str],
        *,
        by_person: bool,
        address: str | None = None,
    ) -> None:
        person = self._people.person_by_id(person_id)
        self._notes.note(
            of_person(kind, person, by_themselves=by_person, address=address, details=details)
        )
