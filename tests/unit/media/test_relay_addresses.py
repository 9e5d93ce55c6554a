"""Where the relay listens, by how the server is bound."""

import pytest

from vestibule.media.relay_addresses import RelayAddresses, relay_addresses

V4, V6 = "192.0.2.1", "2001:db8::1"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((V4, V4, None), RelayAddresses((V4,), (V4,))),
        ((V4, V4, V6), RelayAddresses((V4, V6), (V4, V6))),
        (("0.0.0.0", V4, None), RelayAddresses(("0.0.0.0",), (V4,))),
        (("0.0.0.0", V4, V6), RelayAddresses(("0.0.0.0", "::"), (V4, V6))),
        (("::", V4, None), RelayAddresses(("0.0.0.0",), (V4,))),
        (("::", V4, V6), RelayAddresses(("0.0.0.0", "::"), (V4, V6))),
        (("::", V6, None), RelayAddresses(("::",), (V6,))),
    ],
)
def test_each_family_has_a_socket_of_its_own(
    asked: tuple[str, str, str | None], found: RelayAddresses
) -> None:
    assert relay_addresses(*asked) == found
