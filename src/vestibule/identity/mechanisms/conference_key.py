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


class ShownKeys:
    """Which key each connection has shown for a meeting, so that who is inside stays when it is replaced."""

    def __init__(self) -> None:
        self._of_flow: dict[int, dict[str, str]] = {}

    def of(self, flow: int, meeting_id: str) -> str | None:
        """The key that was good when the connection showed it."""
        return self._of_flow.get(flow, {}).get(meeting_id)

    def remember(self, flow: int, meeting_id: str, key: str) -> None:
        """A connection has shown the meeting's key."""
        self._of_flow.setdefault(flow, {})[meeting_id] = key

    def forget(self, flow: int) -> None:
        """A connection is gone."""
        self._of_flow.pop(flow, None)


def prove_by_key(
    response: DigestResponse,
    message: SipMessage,
    meeting_id: str,
    tenant: str,
    keys: ConferenceKeys,
    shown: ShownKeys,
) -> Principal | None:
    """The guest; None if the proof fails. An unknown meeting costs the same as a wrong key.

    `meeting_id` is the one in the Request-URI: a key opens the meeting it belongs to, no other. One that was
    replaced opens nothing any more, but proves who showed it on this connection while it was good.
    """
    if response.algorithm != "SHA-256":
        return None
    realm, key = keys.key_of(meeting_id) or (response.realm, "")
    same = (response.username, response.realm) == (meeting_id, realm)
    fits = response.fits(ha1("SHA-256", meeting_id, realm, key), message.method)
    old = shown.of(message.flow, meeting_id) if key and not fits and goes_on(message) else None
    if old is not None:
        fits = response.fits(ha1("SHA-256", meeting_id, realm, old), message.method)
    if not (fits and same and key):
        return None
    shown.remember(message.flow, meeting_id, old or key)
    return Principal(
        Kind.ANONYMOUS, SipUri.parse(message.from_uri).aor, tenant, message.from_display,
        Mechanism.CONFERENCE_KEY, meeting=meeting_id,
    )  # fmt: skip


def goes_on(message: SipMessage) -> bool:
    """Whether a request belongs to a place that its sender may have, rather than asking for one.

    Those without a dialog are refused later if there is no place: the roster is for who is inside, media for
    who has a token.
    """
    if message.to_tag or message.method == "SUBSCRIBE":
        return True
    opaque = SipUri.parse(message.uri).opaque or ""
    return message.method == "INVITE" and opaque.startswith("app:conf:audio-video:")
