"""Runs one of tlsfuzzer's scripts as they are, against a server they were not written for.

    python tls_fuzzer_adapter.py SCRIPT REQUEST asked|unasked ARGUMENTS-OF-THE-SCRIPT

The scripts expect an RSA certificate, a server that asks for no client certificate, and one that answers `GET /`. Ours
has an ECDSA certificate, asks clients for a certificate and lets them have none, and may speak SIP. So ECDSA is offered
beside what a script offers, a CertificateRequest is awaited and answered with an empty Certificate where the server may
send one (unless `unasked`: on the web's port, whoever names no protocol), and REQUEST (with Python's escapes) is sent
in place of the page. Nothing else changes.

`tlsfuzzer` is no package that one can install: PYTHONPATH leads to it.
"""

import runpy
import sys
from typing import Any

from tlsfuzzer import messages, runner
from tlsfuzzer.expect import ExpectCertificate, ExpectCertificateRequest
from tlslite.constants import SignatureScheme
from tlslite.extensions import SignatureAlgorithmsCertExtension, SignatureAlgorithmsExtension

_ECDSA = [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.ecdsa_secp384r1_sha384]
_PAGE = b"GET / HTTP/1.0\r\n\r\n"


def _offer_ecdsa(extension: Any) -> None:
    create = extension.create

    def with_ecdsa(self: Any, schemes: Any) -> Any:
        lacks = schemes and not set(schemes) & set(_ECDSA)
        return create(self, [*schemes, *_ECDSA] if lacks else schemes)

    extension.create = with_ecdsa


def _send_instead(request: bytes) -> None:
    start = messages.ApplicationDataGenerator.__init__

    def replaced(self: Any, payload: Any) -> None:
        start(self, bytearray(request) if payload == _PAGE else payload)

    messages.ApplicationDataGenerator.__init__ = replaced


def _answer_certificate_requests() -> None:
    start = runner.Runner.__init__

    def prepared(self: Any, conversation: Any) -> None:
        _prepare(conversation)
        start(self, conversation)

    runner.Runner.__init__ = prepared


def _prepare(conversation: Any) -> None:
    """Put the two messages into a conversation's tree, once for each handshake in it."""
    waiting, seen = [(conversation, False)], set()
    while waiting:
        node, asked = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        waiting.append((node.next_sibling, asked))
        child = node.child
        if isinstance(node, messages.ClientHelloGenerator):
            asked = False
        if isinstance(child, ExpectCertificate) and not isinstance(node, ExpectCertificateRequest):
            node.add_child(ExpectCertificateRequest()).add_child(child)
            asked = True
        elif isinstance(child, messages.FinishedGenerator) and asked:
            node.add_child(messages.CertificateGenerator()).add_child(child)
            asked = False
        waiting.append((child, asked))


if __name__ == "__main__":
    script, said, asked = sys.argv[1:4]
    _offer_ecdsa(SignatureAlgorithmsExtension)
    _offer_ecdsa(SignatureAlgorithmsCertExtension)
    _send_instead(said.encode().decode("unicode_escape").encode("latin-1"))
    if asked == "asked":
        _answer_certificate_requests()
    sys.argv = [script, *sys.argv[4:]]
    runpy.run_path(script, run_name="__main__")
