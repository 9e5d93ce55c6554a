"""Seats, lobby, roles: the live state of a meeting (C7, C8, C13, C14, C17, C20)."""

from collections.abc import Callable

import pytest

from tests.unit.conferencing.conference_bench import ALICE, BOB, GUEST, make_conference
from vestibule.conferencing.admission import Who
from vestibule.conferencing.conference import (
    MOST_SEATS_OF_ONE,
    MOST_WAITING,
    Acted,
    Conference,
    Ending,
    NotAllowed,
    Seat,
)
from vestibule.conferencing.roles import Act, Role
from vestibule.directory.model import Presenting


def organizer(conference: Conference) -> Seat:
    return conference.knock(ALICE, "Alice", Who.ORGANIZER)


def guest(conference: Conference, entity: str = GUEST) -> Seat:
    return conference.knock(entity, "Gus", Who.ANONYMOUS)


def test_a_leaders_arrival_alone_lets_nobody_in() -> None:
    conference, notebook = make_conference()
    early = guest(conference)
    host = organizer(conference)
    assert not early.is_in
    assert not notebook.admitted_seats
    conference.let_in(host, GUEST)
    assert early.is_in
    assert notebook.admitted_seats == [early]


def test_a_rejected_guest_is_gone() -> None:
    conference, notebook = make_conference()
    host = organizer(conference)
    guest(conference)
    conference.reject(host, GUEST)
    assert notebook.endings == [(GUEST, Ending.REJECTED)]
    assert not conference.seats_of(GUEST)


def test_the_lobby_times_out_and_admission_calls_the_timeout_off() -> None:
    conference, notebook = make_conference()
    host = organizer(conference)
    guest(conference)
    assert notebook.timers[0].delay == 900.0
    notebook.timers[0].fire()
    assert notebook.endings == [(GUEST, Ending.TIMED_OUT)]
    second = guest(conference, "sip:g2@anonymous.invalid")
    conference.let_in(host, second.entity)
    notebook.timers[1].fire()
    assert second.is_in


def test_a_guest_cannot_enter_on_another_guests_admission() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    guest(conference)
    conference.let_in(host, GUEST)
    with pytest.raises(NotAllowed, match="identityInUse"):
        guest(conference)


def test_a_phones_own_mute_and_a_presenters_are_two_things() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    phone = conference.knock(BOB, "Bob", Who.MEMBER)
    conference.toggle_self_mute(phone)
    assert not phone.may_be_heard
    conference.mute(host, BOB, muted=True)
    conference.toggle_self_mute(phone)
    assert not phone.may_be_heard
    conference.mute(host, BOB, muted=False)
    assert phone.may_be_heard


@pytest.mark.parametrize("act", ["let_in", "reject", "remove"])
def test_an_attendee_and_a_waiting_guest_move_nobody(act: str) -> None:
    conference, notebook = make_conference(presenting=Presenting.ORGANIZER)
    organizer(conference)
    attendee = conference.knock(BOB, "Bob", Who.MEMBER)
    waiting = guest(conference)
    for actor in (attendee, waiting):
        with pytest.raises(NotAllowed, match="accessDenied"):
            getattr(conference, act)(actor, BOB if act == "remove" else GUEST)
    assert not notebook.endings
    assert not waiting.is_in


def test_a_presenter_promotes_live_but_never_touches_the_organizer() -> None:
    conference, notebook = make_conference()
    host = organizer(conference)
    presenter = conference.knock(BOB, "Bob", Who.MEMBER)
    gus = guest(conference)
    conference.let_in(presenter, GUEST)
    conference.change_role(presenter, GUEST, Role.PRESENTER)
    assert gus.may(Act.SHARE_SCREEN)
    assert notebook.role_changes == [gus]
    forbidden: list[Callable[[], None]] = [
        lambda: conference.change_role(presenter, ALICE, Role.ATTENDEE),
        lambda: conference.remove(presenter, ALICE),
        lambda: conference.change_role(presenter, BOB, Role.ORGANIZER),
    ]
    for act in forbidden:
        with pytest.raises(NotAllowed):
            act()
    assert host.role is Role.ORGANIZER


def test_a_late_request_after_demotion_fails() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    bob = conference.knock(BOB, "Bob", Who.MEMBER)
    guest(conference)
    conference.change_role(host, BOB, Role.ATTENDEE)
    with pytest.raises(NotAllowed, match="accessDenied"):
        conference.let_in(bob, GUEST)


def test_a_muted_guest_does_not_lift_the_mute() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    gus = guest(conference)
    conference.let_in(host, GUEST)
    conference.mute(host, GUEST, muted=True)
    with pytest.raises(NotAllowed):
        conference.mute(gus, GUEST, muted=False)
    assert gus.muted
    conference.mute(host, GUEST, muted=False)
    conference.mute(gus, GUEST, muted=True)
    assert gus.muted


def test_media_is_for_those_inside_and_ids_are_nobody_elses() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    waiting = guest(conference)
    with pytest.raises(NotAllowed, match="notInConference"):
        conference.claim_endpoint(waiting, "e1")
    conference.claim_endpoint(host, "e1")
    conference.let_in(host, GUEST)
    with pytest.raises(NotAllowed, match="endpointInUse"):
        conference.claim_endpoint(waiting, "e1")
    conference.leave(host)
    conference.claim_endpoint(waiting, "e1")


def test_a_second_device_of_a_member_shares_the_role() -> None:
    conference, _ = make_conference()
    host = organizer(conference)
    conference.knock(BOB, "Bob", Who.MEMBER)
    conference.change_role(host, BOB, Role.ATTENDEE)
    assert conference.knock(BOB, "Bob", Who.MEMBER).role is Role.ATTENDEE


def test_ending_ends_every_seat_once() -> None:
    conference, notebook = make_conference()
    host = organizer(conference)
    gus = guest(conference)
    conference.end(host)
    conference.leave(gus)
    assert sorted(notebook.endings) == [
        (ALICE, Ending.MEETING_ENDED),
        (GUEST, Ending.MEETING_ENDED),
    ]
    assert conference.is_empty


def test_one_person_has_ten_devices_here_and_no_more() -> None:
    conference, _ = make_conference()
    for _ in range(MOST_SEATS_OF_ONE):
        conference.knock(BOB, "Bob", Who.MEMBER)
    with pytest.raises(NotAllowed, match="tooManyDevices"):
        conference.knock(BOB, "Bob", Who.MEMBER)
    assert len(conference.seats_of(BOB)) == MOST_SEATS_OF_ONE


def test_a_full_lobby_takes_nobody_more_but_people_who_need_not_wait() -> None:
    conference, _ = make_conference()
    for number in range(MOST_WAITING):
        conference.knock(f"sip:g{number}@anonymous.invalid", "Guest", Who.ANONYMOUS)
    with pytest.raises(NotAllowed, match="lobbyFull"):
        conference.knock("sip:late@anonymous.invalid", "Guest", Who.ANONYMOUS)
    assert conference.knock(ALICE, "Alice", Who.ORGANIZER).is_in


def test_each_act_is_told_with_who_did_it_before_it_takes_effect() -> None:
    conference, notebook = make_conference()
    host = organizer(conference)
    guest(conference)
    conference.let_in(host, GUEST)
    conference.change_role(host, GUEST, Role.PRESENTER)
    conference.mute(host, GUEST, muted=True)
    conference.remove(host, GUEST)
    conference.end(host)
    assert notebook.acts == [
        (ALICE, Acted.ADMITTED, GUEST, Role.ATTENDEE),
        (ALICE, Acted.ROLE_CHANGED, GUEST, Role.PRESENTER),
        (ALICE, Acted.MUTED, GUEST, Role.PRESENTER),
        (ALICE, Acted.REMOVED, GUEST, Role.PRESENTER),
        (ALICE, Acted.ENDED, None, None),
    ]


def test_an_act_that_can_t_be_recorded_has_no_effect() -> None:
    conference, notebook = make_conference()
    host, waiting = organizer(conference), guest(conference)
    notebook.full = True
    with pytest.raises(RuntimeError):
        conference.let_in(host, GUEST)
    assert not waiting.is_in
    assert notebook.admitted_seats == []
