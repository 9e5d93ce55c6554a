"""The two kinds of end of a bridged call: a SIP phone (SDES) and a browser (DTLS-SRTP, ICE).

Both do the same four things: offer, take the answer to that, answer, and answer once more.
"""

from dataclasses import dataclass, replace
from ipaddress import ip_address

from vestibule._native import Media, MediaRefused
from vestibule.media.own_phone_offer import OwnPhoneOffer
from vestibule.media.phone_offer import PhoneOffer, not_acceptable, read_phone_offer, write_answer
from vestibule.media.rooms import join_phone, refusal_of
from vestibule.media.session_origin import Origin
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.sdp import MediaDescription, SessionDescription

Direction = str
"""What an end says of its sound: sendrecv, sendonly, recvonly or inactive."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an end is in the core, and what stands in our descriptions."""

    media: Media
    room: str
    name: str
    address: str
    fips: bool


class BrowserEnd:
    """An end by WebRTC."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.direction: Direction = "sendrecv"

    @property
    def name(self) -> str:
        """The endpoint's, in its room."""
        return self._place.name

    def check(self, offer: str) -> None:
        """Raises SipRefusal (400, 488) if an offer of its own could not be answered."""
        medium = next(iter(_sound_in(offer)), None)
        if medium is None or not (medium.has("mid") and medium.has("rtcp-mux")):
            raise not_acceptable("no audio as browsers have it: with a=mid and a=rtcp-mux")
        codecs = medium.codecs()
        if not any((codec.name.lower(), codec.rate) == ("opus", 48000) for codec in codecs):
            raise not_acceptable("no codec in common")

    def offer(self) -> str:
        """An offer of ours. Raises SipRefusal (500)."""
        place = self._place
        try:
            return place.media.offer_call(place.room, place.name)
        except MediaRefused as refused:
            raise refusal_of(refused) from refused

    def accept(self, answer: str, *, seen_at: str | None) -> None:
        """Join with the answer to our offer. Raises SipRefusal (400, 488)."""
        place, direction = self._place, _direction_of(answer)
        try:
            place.media.accept_call(place.room, place.name, answer, audio=True)
        except MediaRefused as refused:
            raise refusal_of(refused) from refused
        self.direction = direction

    def answer(self, offer: str, *, seen_at: str | None) -> str:
        """Join with an offer of its own; our answer. Raises SipRefusal (400, 488)."""
        place, direction = self._place, _direction_of(offer)
        try:
            answer = place.media.join_call(place.room, place.name, offer, audio=True)
        except MediaRefused as refused:
            raise refusal_of(refused) from refused
        self.direction = direction
        return answer

    def renew(self, offer: str, *, seen_at: str | None) -> str:
        """Take a later offer; our answer. Raises SipRefusal (400, 488); then nothing has changed."""
        self.check(offer)
        place, direction = self._place, _direction_of(offer)
        try:
            answer = place.media.renew_call(place.room, place.name, offer)
        except MediaRefused as refused:
            raise refusal_of(refused) from refused
        self.direction = direction
        return answer


class PhoneEnd:
    """An end by SDES."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._own_offer: OwnPhoneOffer | None = None
        self._chosen: PhoneOffer | None = None
        self._origin = Origin.drawn()
        self._port = 0
        self._renewals = 0

    @property
    def name(self) -> str:
        """The endpoint's, in its room."""
        return f"{self._place.name}{self._renewals or ''}"

    @property
    def direction(self) -> Direction:
        """As its newest description says."""
        return self._chosen.direction if self._chosen else "sendrecv"

    def check(self, offer: str) -> None:
        """Raises SipRefusal (400, 488) if an offer of its own could not be answered."""
        read_phone_offer(offer, fips=self._place.fips)

    def offer(self) -> str:
        """An offer of ours. Raises SipRefusal (500)."""
        place = self._place
        self._own_offer = OwnPhoneOffer(fips=place.fips)
        self._origin = self._own_offer.origin
        try:
            port = place.media.offer_phone(place.room, self.name)
        except MediaRefused as refused:
            raise refusal_of(refused) from refused
        return self._own_offer.write(place.address, port)

    def accept(self, answer: str, *, seen_at: str | None) -> None:
        """Join with the answer to our offer. Raises SipRefusal (400, 488)."""
        if self._own_offer is None:
            raise SipRefusal(500)
        self._join(self._own_offer.read_answer(answer), seen_at)

    def answer(self, offer: str, *, seen_at: str | None) -> str:
        """Join with an offer of its own; our answer. Raises SipRefusal (400, 488)."""
        self._join(read_phone_offer(offer, fips=self._place.fips), seen_at)
        return self._written()

    def renew(self, offer: str, *, seen_at: str | None) -> str:
        """Take a later offer; our answer. Raises SipRefusal (400, 488); then nothing has changed."""
        before = self._chosen
        if before is None:
            raise SipRefusal(500)
        chosen = read_phone_offer(offer, fips=self._place.fips)
        if ip_address(chosen.host).is_unspecified:  # how old phones hold a call (RFC 2543)
            chosen = replace(chosen, host=before.host, port=before.port, direction="inactive")
        if _same_media(chosen, before):
            self._chosen = replace(chosen, local_key=before.local_key)
        else:
            self._move(chosen, seen_at)
        self._origin = self._origin.following
        return self._written()

    def _move(self, chosen: PhoneOffer, seen_at: str | None) -> None:
        """Other keys, another codec or place: it is another endpoint, and the one before leaves."""
        left = self.name
        self._renewals += 1
        try:
            self._join(chosen, seen_at)
        except SipRefusal:
            self._renewals -= 1
            raise
        self._place.media.leave(self._place.room, left)

    def _join(self, chosen: PhoneOffer, seen_at: str | None) -> None:
        place = self._place
        self._port = join_phone(
            place.media, place.room, self.name, chosen, audio=True, seen_at=seen_at
        )
        self._chosen = chosen

    def _written(self) -> str:
        if self._chosen is None:
            raise SipRefusal(500)
        return write_answer(self._chosen, self._place.address, self._port, origin=self._origin)


CallEnd = BrowserEnd | PhoneEnd


def _same_media(one: PhoneOffer, other: PhoneOffer) -> bool:
    """Whether nothing has changed but who is to be heard."""
    return (
        (one.suite, one.remote_key, one.codec, one.described.payload_type)
        == (other.suite, other.remote_key, other.codec, other.described.payload_type)
    ) and (one.host, one.port, one.rtcp_mux) == (other.host, other.port, other.rtcp_mux)


def _direction_of(description: str) -> Direction:
    """Of the first sound in use. Raises SdpError (400)."""
    return next((medium.direction for medium in _sound_in(description)), "inactive")


def _sound_in(description: str) -> list[MediaDescription]:
    media = SessionDescription.parse(description).media
    return [medium for medium in media if medium.kind == "audio" and medium.is_active]
