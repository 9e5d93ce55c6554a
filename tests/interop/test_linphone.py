"""linphone calls baresip through the server: proof by SHA-256 digest, keys by SDES or DTLS, ways by ICE (E4, N8, A8).

Debian's linphone can't read the certificate of our issuing authority (its mbedTLS knows no name constraints), so its
TLS ends at a forwarder that shows one of another authority. Messages and media are its own.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import TestAuthority
from tests.clients.audio import likeness, melody, write_wav
from tests.clients.deployment import Deployment
from tests.clients.linphone import Linphone
from tests.clients.namespaces import Network
from tests.clients.tls_forwarder import TlsForwarder
from tests.interop.test_baresip_calls import hears, phone

_SECONDS = 4.0


@contextmanager
def linphone(
    network: Network,
    deployment: Deployment,
    folder: Path,
    encryption: str,
    stun: str,
    *,
    name: str = "alice",
    seed: int = 1,
) -> Iterator[Linphone]:
    """A demo person's, with that melody on its microphone."""
    folder.mkdir()
    write_wav(folder / "in.wav", melody(seed, 20.0))
    authority, trusted, shown = TestAuthority(), folder / "trusted.pem", folder / "shown.pem"
    server = authority.server(network.server.address)
    trusted.write_bytes(authority.root_pem)
    shown.write_bytes(server.chain_pem + server.key_pem)
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    front.load_cert_chain(shown)
    host, facts = network.add_host(), deployment.facts
    with TlsForwarder(host, deployment, None, way_out=network.server, front=front) as forwarder:
        host.redirect(facts["host"], facts["sip_tls_port"], forwarder.port)
        with Linphone(
            host, folder, user=deployment.user(name), outbound=deployment.outbound,
            authority=trusted, encryption=encryption, stun=stun,
        ) as client:  # fmt: skip
            yield client


@pytest.mark.parametrize("keys", ["srtp", "dtls"])
def test_linphone_and_baresip_hear_each_other(
    town: Network, house: Deployment, tmp_path: Path, keys: str
) -> None:
    stun, options = "", {}
    if keys == "dtls":
        stun = f"{town.server.address}:{house.facts['turn_port']}"
        options = {"media_encryption": "dtls_srtp", "nat_traversal": "ice"}
    with (
        linphone(town, house, tmp_path / "alice", keys, stun) as alice,
        phone(town, house, "bob", tmp_path / "bob", 2, **options) as bob,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.command(f"call {house.user('bob').sip}")
        bob.wait_event("CALL_ESTABLISHED")
        assert hears(bob, 1, _SECONDS) > 0.8
        assert likeness(melody(2, 20.0), alice.recorded(_SECONDS)) > 0.8
        negotiated = "DTLS" if keys == "dtls" else "SRTP"
        alice.wait_for(f"Negotiated media encryption is LinphoneMediaEncryption{negotiated}")
