"""A guest's conference key: digest with the meeting's id as user name, for that meeting only (I7; ATTACKS 38, 39)."""

from typing import Protocol

from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.sip.digest import DigestResponse, ha1
from vestibule.sip.message import SipMessage
from vestibule.sip.uri import SipUri


class ConferenceKeys(Protocol):
    """Finds meetings' keys."""

    def key_of(self, meeting_id: str) -> tuple[str, str] | None:
        """The tenant's domain and the conference key; None if there is no such meeting."""


def prove_by_key(
    response: DigestResponse,
    message: SipMessage,
    meeting_id: str,
    tenant: str,
    keys: ConferenceKeys,
) -> Principal | None:
    """The guest; None if the proof fails. An unknown meeting costs the same as a wrong key.

    `meeting_id` is the one in the Request-URI: a key opens the meeting it belongs to, no other.
    """
    if response.algorithm != "SHA-256":
        return None
    realm, key = keys.key_of(meeting_id) or (response.realm, "")
    expected = ha1("SHA-256", meeting_id, realm, key)
    fits = response.fits(expected, message.method)
    same = (response.username, response.realm) == (meeting_id, realm)
    if not (fits and same and key):
        return None
    return Principal(
        Kind.ANONYMOUS, SipUri.parse(message.from_uri).aor, tenant, message.from_display,
        Mechanism.CONFERENCE_KEY, meeting=meeting_id,
    )  # fmt: skip
