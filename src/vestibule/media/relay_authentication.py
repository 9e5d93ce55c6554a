"""Media relay authentication: people's devices ask by SIP for credentials (N2, N3; docs/protocol/relay.md).

Who asks has been proven before, as for every request; what is handed out ends with that proof (`end_unwelcome`).
"""

import structlog

from vestibule.identity.principal import Kind
from vestibule.media.relay_credentials import RelayCredentials
from vestibule.media.relay_request import (
    CONTENT_TYPE,
    RelayRequest,
    parse_relay_request,
    write_relay_answer,
)
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri
from vestibule.sip.xml_body import BadBody

_log = structlog.get_logger(__name__)


def relay_authentication_uri(domain: str) -> str:
    """Where a domain's people ask. By its `opaque` it is nobody's address, even if somebody is called so."""
    return f"sip:mras@{domain};gruu;opaque=srvr:mras:relay"


class RelayAuthentication:
    """Answers SERVICE with a credential for who asks, and nobody else."""

    def __init__(self, credentials: RelayCredentials) -> None:
        self._credentials = credentials

    def service(self, transaction: ServerTransaction) -> None:
        """One SERVICE. Raises SipRefusal: 400, 403, 415; then nothing has changed."""
        principal = transaction.principal
        if principal is None or principal.kind is not Kind.MEMBER:
            raise _refusal(403, "for people of ours only")
        request = _request_of(transaction)
        if not _is_address(request.identity, principal.aor):
            raise _refusal(403, "identity is not the sender's")
        credential = self._credentials.issue(
            principal.aor, seconds=request.minutes * 60, principal=principal
        )
        _log.info("relay_authentication.issued", aor=principal.aor, seconds=credential.lifetime)
        us = relay_authentication_uri(SipUri.parse(transaction.request.uri).host)
        place = self._credentials.place
        body = write_relay_answer(request, credential, place, us=us, them=principal.aor)
        transaction.respond(200, body=body, content_type=CONTENT_TYPE)


def _request_of(transaction: ServerTransaction) -> RelayRequest:
    message = transaction.request
    if message.content_type != CONTENT_TYPE:
        raise SipRefusal(415, headers=(("Accept", CONTENT_TYPE),))
    try:
        return parse_relay_request(message.body)
    except BadBody as error:
        raise _refusal(400, str(error)) from error


def _is_address(claimed: str, aor: str) -> bool:
    try:
        return SipUri.parse(claimed).aor.lower() == aor
    except SipRefusal:
        return False


def _refusal(status: int, why: str) -> SipRefusal:
    return SipRefusal(status, headers=(("Warning", f'399 vestibule "{why}"'),))
