"""Which failed proofs are journalled, and what a stranger can put into the journal: nothing (I13)."""

from pathlib import Path

import pytest

from tests.unit.identity.proof_bench import (
    MEETING,
    OTHER_MEETING,
    Certificate,
    Connection,
    DigestClient,
    Place,
    focus,
    guest,
    with_authorization,
)
from tests.unit.sip.wire import request
from vestibule.identity.proof import FAILURES
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail

ALICE = "sip:alice@d.test"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_good_proof_and_a_first_question_leave_nothing(place: Place) -> None:
    place.refusal(request())
    place.prove(DigestClient(place).answer())
    assert place.notes == []


def test_a_wrong_device_secret_names_whom_it_claimed_and_from_where(place: Place) -> None:
    place.refusal(DigestClient(place, secret="wrong").answer())
    (note,) = place.notes
    assert (note.kind, note.mechanism) == (Kind.PROOF_REFUSED, "device-digest")
    assert (note.actor, note.subject, note.tenant) == (None, ALICE, "t1")
    assert note.address == "192.0.2.1"
    assert note.details == {Detail.METHOD: "MESSAGE"}


def test_a_name_that_is_nobody_s_is_not_written_down(place: Place) -> None:
    place.refusal(with_authorization("Bearer x", sender="sip:hunter2@d.test"))
    (note,) = place.notes
    assert (note.mechanism, note.subject) == ("bearer", None)
    assert "hunter2" not in repr(note)


def test_a_proven_person_who_claims_to_be_another_is_named(place: Place) -> None:
    token = f"Bearer {place.token()}"
    place.refusal(with_authorization(token, sender="sip:bob@d.test"))
    (note,) = place.notes
    assert (note.mechanism, note.actor, note.subject) == ("from", ALICE, "sip:bob@d.test")


def test_a_revoked_certificate_is_named_by_its_serial(place: Place) -> None:
    place.revoke("phone")
    place.refusal(request(), Connection(certificate=Certificate()))
    (note,) = place.notes
    assert (note.mechanism, note.details[Detail.SERIAL]) == ("certificate", "abc")


@pytest.mark.parametrize(
    ("meeting", "named"), [(MEETING, {Detail.MEETING: MEETING}), (OTHER_MEETING, {})]
)
def test_a_wrong_key_names_the_meeting_if_there_is_one(
    place: Place, meeting: str, named: dict[Detail, str]
) -> None:
    answer = guest(place, secret="wrong", username=meeting).answer(focus(meeting), "OPTIONS")
    place.refusal(answer)
    (note,) = place.notes
    assert (note.mechanism, note.subject) == ("conference-key", None)
    assert note.details == {Detail.METHOD: "OPTIONS", **named}


def test_a_replay_is_journalled(place: Place) -> None:
    client = DigestClient(place)
    place.prove(client.answer())
    place.refusal(client.answer(count=1))
    assert [note.mechanism for note in place.notes] == ["nonce"]


def test_what_comes_after_too_many_is_throttled(place: Place) -> None:
    client = DigestClient(place, secret="wrong")
    for _ in range(FAILURES.burst + 1):
        place.refusal(client.answer())
    kinds = [note.kind for note in place.notes]
    assert kinds == [Kind.PROOF_REFUSED] * FAILURES.burst + [Kind.PROOF_THROTTLED]
