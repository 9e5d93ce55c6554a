"""Every row of the admission table (DESIGN 4.5; C11-C17; ATTACKS 38)."""

from itertools import product

import pytest

from vestibule.conferencing.admission import (
    Door,
    MeetingPolicy,
    Who,
    admit,
    role_of,
)
from vestibule.conferencing.roles import LEADERS, Role
from vestibule.directory.model import Access, Presenting

EVERY_CASE = list(product(Who, Access, Presenting, (False, True), (False, True), (False, True)))


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("presenting", Presenting)
def test_the_organizer_always_enters_as_organizer(access: Access, presenting: Presenting) -> None:
    policy = MeetingPolicy(access, presenting, phones_bypass_lobby=False)
    decision = admit(Who.ORGANIZER, policy, leader_is_in=False)
    assert (decision.door, decision.role) == (Door.IN, Role.ORGANIZER)


def test_nobody_but_a_leader_opens_a_meeting() -> None:
    for who, access, presenting, phones, chosen, _ in EVERY_CASE:
        policy = MeetingPolicy(access, presenting, phones)
        decision = admit(who, policy, leader_is_in=False, chosen=chosen)
        if decision.door is Door.IN:
            assert decision.role in LEADERS, (who, access, presenting)


def test_a_key_or_a_telephone_never_gives_more_than_attendee_at_the_door() -> None:
    for who in (Who.ANONYMOUS, Who.TELEPHONE):
        for presenting, chosen in product(Presenting, (False, True)):
            assert role_of(who, presenting, chosen=chosen) is Role.ATTENDEE


@pytest.mark.parametrize(
    ("access", "skip"),
    [
        (Access.ORGANIZER, set()),
        (Access.INVITED, {Who.INVITED}),
        (Access.ORGANISATION, {Who.INVITED, Who.MEMBER}),
        (Access.ANYONE, {Who.INVITED, Who.MEMBER, Who.FEDERATED, Who.ANONYMOUS}),
    ],
)
def test_who_skips_the_lobby_of_an_open_meeting(access: Access, skip: set[Who]) -> None:
    policy = MeetingPolicy(access, Presenting.ORGANISATION, phones_bypass_lobby=False)
    entered = {who for who in Who if admit(who, policy, leader_is_in=True).door is Door.IN}
    assert entered == skip | {Who.ORGANIZER}


@pytest.mark.parametrize("access", Access)
def test_telephones_have_their_own_switch_save_where_only_the_organizer_skips(
    access: Access,
) -> None:
    doors = {
        phones: admit(
            Who.TELEPHONE,
            MeetingPolicy(access, Presenting.ORGANISATION, phones),
            leader_is_in=True,
        ).door
        for phones in (False, True)
    }
    expected = Door.LOBBY if access is Access.ORGANIZER else Door.IN
    assert doors == {False: Door.LOBBY, True: expected}


@pytest.mark.parametrize(
    ("presenting", "presenters"),
    [
        (Presenting.ORGANIZER, set()),
        (Presenting.ORGANISATION, {Who.INVITED, Who.MEMBER}),
        (Presenting.EVERYONE, {Who.INVITED, Who.MEMBER, Who.FEDERATED}),
        (Presenting.CHOSEN, set()),
    ],
)
def test_who_presents(presenting: Presenting, presenters: set[Who]) -> None:
    assert {w for w in Who if role_of(w, presenting) is Role.PRESENTER} == presenters


def test_the_chosen_present_where_chosen_people_present() -> None:
    assert role_of(Who.FEDERATED, Presenting.CHOSEN, chosen=True) is Role.PRESENTER
    assert role_of(Who.FEDERATED, Presenting.ORGANISATION, chosen=True) is Role.ATTENDEE
