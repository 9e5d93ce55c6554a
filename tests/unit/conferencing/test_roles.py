"""The whole table of rights (C7, C20)."""

from itertools import product

from vestibule.conferencing.roles import Act, Role, may

ATTENDEE_MAY = {Act.SEND_AUDIO, Act.SEND_VIDEO}
NOT_TO_THE_ORGANIZER = {Act.CHANGE_ROLE, Act.REMOVE}


def test_every_cell() -> None:
    for role, act, target in product(Role, Act, (None, *Role)):
        expected = (role is not Role.ATTENDEE or act in ATTENDEE_MAY) and not (
            target is Role.ORGANIZER and act in NOT_TO_THE_ORGANIZER
        )
        assert may(role, act, target) is expected, (role, act, target)
