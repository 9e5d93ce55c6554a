"""ATTACKS 70, E1: tlsfuzzer's TLS 1.3 handshake scripts, at each TLS port of a running server.

They are not ours and not in this repository: `VESTIBULE_SUITES` names the folder that holds `tlsfuzzer.tar.xz`. What
may fail is named below, script by script, with the reason; everything else that fails is a fault. Of many scripts each
run takes a random sample, so that what may fail need not.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.tls_fuzzer import ARCHIVE, Failure, Outcome, TlsFuzzer

pytestmark = [
    pytest.mark.skipif(not ARCHIVE.exists(), reason=f"no {ARCHIVE} (VESTIBULE_SUITES)"),
    pytest.mark.timeout(900),
]
PORTS = ("https_port", "sip_tls_port")
Outcomes = dict[tuple[str, str], "Future[Outcome]"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """A way of failing that is none. Both are patterns for the whole text."""

    conversation: str
    why: str
    because: str

    def covers(self, failure: Failure) -> bool:
        return bool(
            re.fullmatch(self.conversation, failure.conversation, re.DOTALL)
            and re.fullmatch(self.why, failure.why, re.DOTALL)
        )


def other_alert(conversation: str, wanted: str, got: str) -> Allowed:
    """Refused, as it should be, but by another fatal alert."""
    return Allowed(
        conversation,
        rf'AssertionError: Expected alert description "{wanted}" does not match received "{got}"',
        f"rustls says {got} where the script wants {wanted}; the connection ends either way",
    )


GROUPS_WE_LACK = "x448|secp521r1|ffdhe|brainpool"
NO_SUCH_GROUP = Allowed(
    f".*({GROUPS_WE_LACK}).*",
    r"AssertionError: (Unexpected message from peer: Alert\(fatal, handshake_failure\)"
    r'|Expected alert description "\w+" does not match received "(handshake_failure|decode_error)")',
    "we offer X25519MLKEM768, X25519, P-256 and P-384 only",
)
HUNG_UP = Allowed(
    ".*",
    r"(AssertionError: Unexpected closure from peer|BrokenPipeError.*|ConnectionResetError.*"
    r"|tlslite\.errors\.TLSAbruptCloseError.*)",
    "the connection was ended with more of the script's octets unread, so that TCP's reset overtook the alert",
)
CCM = Allowed(
    ".*TLS_AES_128_CCM.*",
    r"AssertionError: Unexpected message from peer: Alert\(fatal, handshake_failure\)",
    "we have no CCM suites",
)

QUICK: dict[str, tuple[Allowed, ...]] = {
    "conversation": (),
    "ccs": (),
    "hrr": (),
    "nociphers": (),
    "unencrypted-alert": (),
    "empty-alert": (other_alert("empty alert .*", "unexpected_message", "decode_error"),),
    "finished": (other_alert("(truncation|padding|empty) - .*", "decode_error", "decrypt_error"),),
    "finished-plaintext": (
        other_alert("Unencrypted Finished message", "unexpected_message", "bad_record_mac"),
    ),
}
"""A few seconds each; run every time."""

LONG: dict[str, tuple[Allowed, ...]] = {
    "certificate-request": (
        Allowed(
            "check sigalgs in cert request",
            "AssertionError: Unexpected signature algorithms.*",
            "the script knows one default list; ours is what our verifier takes",
        ),
        Allowed(
            "verify extensions in CertificateRequest",
            r"AssertionError: Server sent unexpected extension\(s\): 47",
            "rustls names the authorities it takes (RFC 8446 section 4.2.4), so that browsers needn't ask",
        ),
    ),
    "connection-abort": (
        Allowed('"After NewSessionTicket".*', ".*", "we send no tickets: a session isn't resumed"),
    ),
    "count-tickets": (),
    "crfg-curves": (
        NO_SUCH_GROUP,
        other_alert("empty x25519 key share", "illegal_parameter", "decode_error"),
    ),
    "ecdhe-curves": (NO_SUCH_GROUP,),
    "invalid-ciphers": (),
    "keyshare-omitted": (
        other_alert("key_share extension omitted", "missing_extension", "handshake_failure"),
    ),
    "keyupdate": (HUNG_UP,),
    "large-number-of-extensions": (
        Allowed(
            r"(empty )?unassigned extensions( with random payload)?, ids in range from (2|61464|64536) to \d+",
            r"AssertionError: Unexpected message from peer: Alert\(fatal, decode_error\)",
            "the range holds extensions that rustls knows, where other octets are seldom well-formed",
        ),
    ),
    "legacy-version": (
        Allowed(
            r"version \(\d+, \d+\)",
            r"AssertionError: Unexpected message from peer: Handshake\(server_hello\)",
            "legacy_version is ignored when supported_versions is there, as RFC 8446 section 4.2.1 has it",
        ),
    ),
    "no-unknown-groups": (
        Allowed(
            r"long list of unknown \(between 4356 and 4611\)",
            r"AssertionError: Unexpected message from peer: Handshake\(server_hello, hello_retry_request\)",
            "the range holds 4588, X25519MLKEM768, which the script doesn't know yet",
        ),
    ),
    "record-layer-limits": (
        other_alert("too big ciphertext .*", "record_overflow", "bad_record_mac"),
        other_alert("max size payload .* of Finished msg.*", "decode_error", "decrypt_error"),
        Allowed(
            "too big ClientHello msg.*",
            r"AssertionError: Unexpected message from peer: Handshake\(server_hello\)",
            "a ClientHello of 16 KiB is small enough for rustls",
        ),
        HUNG_UP,
    ),
    "record-padding": (),
    "symetric-ciphers": (CCM,),
    "unrecognised-groups": (NO_SUCH_GROUP,),
    "zero-content-type": (HUNG_UP,),
}
"""The rest of what fits; `make test-long`."""

SPEAKS_HTTP = {
    "keyupdate": "(app data split|multiple KeyUpdate messages).*",
    "record-layer-limits": "max size payload in app_data.*",
    "zero-content-type": "zero content type .*during application data",
}
"""Conversations that write HTTP of their own, in pieces and without a Host: the SIP port hangs up or answers each of
two keep-alives, and what the web port says comes in more or fewer records than they await."""

ASKED_ONLY = {"certificate-request"}
"""The scripts name no protocol, so the web's port, where TURN is served too, asks them for no certificate."""

# Not run, for there is nothing of ours to meet: 0rtt-garbage, psk*, session-resumption (no tickets, no early data);
# certificate-compression (not offered); ffdhe*, ecdhe-brainpool*, obsolete-curves, eddsa*, rsa*, pkcs* (neither such
# groups nor such keys); non-support (of TLS 1.3); post-handshake-auth, keyupdate-from-server (want a page of
# `openssl s_server`); mlkem (wants a library); version-negotiation, shuffled-extentions, signature-algorithms (their
# TLS 1.2 halves and fuzzed lists offer no ECDSA but through our adapter, which makes them sound);
# *in-certificate-verify (send a client's certificate without what leads to the root, which we refuse); lengths,
# dhe-shared-secret-padding, serverhello-random, minerva (statistics of thousands of connections); multiple-ccs-messages
# (waits for an alert where rustls waits for the rest; the handshake's deadline ends it).


def runs(scripts: dict[str, tuple[Allowed, ...]]) -> list[tuple[str, str]]:
    """Each script with each port at which it makes sense."""
    every = [(script, port) for script in scripts for port in PORTS]
    return [run for run in every if run[1] != "https_port" or run[0] not in ASKED_ONLY]


def started(
    scripts: dict[str, tuple[Allowed, ...]],
    network: Network,
    deployment: Deployment,
    fuzzer: TlsFuzzer,
) -> Iterator[Outcomes]:
    """All of them at all ports, a few at a time."""
    hosts = {port: network.add_host() for port in PORTS}
    with ThreadPoolExecutor(4) as pool:
        yield {
            (script, port): pool.submit(fuzzer.run, script, hosts[port], deployment, port)
            for script, port in runs(scripts)
        }


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> TlsFuzzer:
    return TlsFuzzer(tmp_path_factory.mktemp("tlsfuzzer"))


@pytest.fixture(scope="module")
def quick(network: Network, deployment: Deployment, fuzzer: TlsFuzzer) -> Iterator[Outcomes]:
    yield from started(QUICK, network, deployment, fuzzer)


@pytest.fixture(scope="module")
def thorough(network: Network, deployment: Deployment, fuzzer: TlsFuzzer) -> Iterator[Outcomes]:
    yield from started(LONG, network, deployment, fuzzer)


def check(outcome: Outcome, script: str, allowed: tuple[Allowed, ...]) -> None:
    """Nothing failed but what may, and something passed."""
    wrong = [failure for failure in outcome.failures if not any(a.covers(failure) for a in allowed)]
    if script in SPEAKS_HTTP:
        wrong = [one for one in wrong if not re.fullmatch(SPEAKS_HTTP[script], one.conversation)]
    assert not wrong
    assert outcome.passed > 0


@pytest.mark.parametrize(("script", "port"), runs(QUICK))
def test_a_handshake_script(quick: Outcomes, script: str, port: str) -> None:
    check(quick[script, port].result(), script, QUICK[script])


@pytest.mark.long
@pytest.mark.parametrize(("script", "port"), runs(LONG))
def test_a_longer_script(thorough: Outcomes, script: str, port: str) -> None:
    check(thorough[script, port].result(), script, LONG[script])
