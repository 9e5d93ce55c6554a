"""What the portal is given by the composition root, and the shapes it expects of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vestibule.directory.model import Person, Tenant
from vestibule.directory.provisioning import Provisioning
from vestibule.directory.provisioning_tokens import ProvisioningTokens
from vestibule.identity.access_gate import AccessGate
from vestibule.identity.associations import Associations
from vestibule.identity.device_cookies import DeviceCookies
from vestibule.identity.device_links import DeviceLinks
from vestibule.identity.dpop import DpopProofs
from vestibule.identity.external.sign_in import ExternalSignIn
from vestibule.identity.personal_tokens import PersonalTokens
from vestibule.identity.provider.device_sign_in import DeviceSignIn
from vestibule.identity.provider.provider import Provider
from vestibule.identity.second_factors.enrolment import Enrolment
from vestibule.identity.second_factors.second_step import SecondStep
from vestibule.identity.sign_in import SignIn
from vestibule.identity.tickets import Tickets
from vestibule.identity.tokens import AccessTokens
from vestibule.journal.note import NoNotes, Notes
from vestibule.portal.recording_dependencies import Recorder, Recordings

STATIC = Path(__file__).parent / "static"
"""Where `make` puts the built web client."""


class People(Protocol):
    """The directory, as far as the portal needs it."""

    def person_by_id(self, person_id: str, /) -> Person | None:
        """The person of that id."""

    def tenant(self, tenant_id: str, /) -> Tenant | None:
        """The tenant of that id."""

    def people_of(self, tenant_id: str, /) -> list[Person]:
        """Everyone of a tenant, by address."""


class MeetingAddress(Protocol):
    """The names of a meeting."""

    @property
    def user(self) -> str:
        """The organizer's user part."""

    @property
    def focus(self) -> str:
        """URI of the focus."""


class Meeting(Protocol):
    """A meeting as its organizer sees it."""

    @property
    def id(self) -> str:
        """22 URL-safe characters."""

    @property
    def subject(self) -> str:
        """What it is about."""

    @property
    def conference_key(self) -> str:
        """What opens the lobby's door to guests."""

    @property
    def created_at(self) -> float:
        """Seconds since 1970."""

    @property
    def address(self) -> MeetingAddress:
        """Its names."""


class Meetings(Protocol):
    """The meetings of all people."""

    async def create(self, person: Person, subject: str, /) -> Meeting:
        """A new meeting; may raise one of `PortalDependencies.meeting_refusals`."""

    def list_of(self, person: Person, /) -> Sequence[Meeting]:
        """The meetings that a person organises, newest first."""

    def organises(self, person: Person, meeting_id: str, /) -> bool:
        """Whether the person has such a meeting."""

    async def replace_key(self, person: Person, meeting_id: str, /) -> Meeting | None:
        """Another conference key for a meeting of one's own; None if there is no such meeting."""

    async def end(self, person: Person, meeting_id: str, /) -> bool:
        """Deletes a meeting of one's own; whether there was one."""


class MediaFlow(Protocol):
    """One source's media in one direction, with the names and units of `meeting_quality_api.FlowView`."""

    @property
    def source(self) -> str:
        """What it shows."""

    @property
    def packets(self) -> int:
        """Since the device joined."""

    @property
    def octets(self) -> int:
        """Of payload."""

    @property
    def bitrate(self) -> int:
        """Bits a second."""

    @property
    def loss(self) -> float | None:
        """0.0 to 1.0."""

    @property
    def jitter(self) -> float | None:
        """Seconds."""


class MediaQuality(Protocol):
    """How one device's media fares, with the names and units of `meeting_quality_api.QualityView`."""

    @property
    def is_phone(self) -> bool:
        """Or a browser."""

    @property
    def is_connected(self) -> bool:
        """Whether media has ever flowed."""

    @property
    def audio_codec(self) -> str:
        """SDP name."""

    @property
    def round_trip(self) -> float | None:
        """Seconds."""

    @property
    def mos_received(self) -> float | None:
        """1.0 to 4.5."""

    @property
    def mos_sent(self) -> float | None:
        """1.0 to 4.5."""

    @property
    def received(self) -> Sequence[MediaFlow]:
        """From the device."""

    @property
    def sent(self) -> Sequence[MediaFlow]:
        """To the device."""


class ParticipantQuality(Protocol):
    """The same with whose device it is."""

    @property
    def entity(self) -> str:
        """SIP URI."""

    @property
    def display_name(self) -> str:
        """As the roster has it."""

    @property
    def media(self) -> MediaQuality:
        """The numbers."""


class AuthorityFiles(Protocol):
    """What our certificate authority publishes."""

    def authority_pem(self) -> bytes:
        """The root certificate."""

    def crls_der(self) -> Sequence[bytes]:
        """The CRLs of root and issuing authority, in this order."""


@dataclass(frozen=True, slots=True)
class PortalDependencies:
    """Everything that the portal works with.

    `origin` is scheme, host and port as browsers show them; `other_hosts` are further `host:port`
    under which people may reach us, such as `localhost:8443`; `focus_uri` makes a focus URI of an
    organizer's user part and a meeting id; `meeting_quality` tells by meeting id how media fares there; `clock` gives
    Unix seconds; `notes` is the journal.
    """

    origin: str
    domain: str
    sip_websocket: str
    people: People
    provisioning: Provisioning
    provisioning_tokens: ProvisioningTokens
    tokens: AccessTokens
    proofs: DpopProofs
    associations: Associations
    provider: Provider
    device_sign_in: DeviceSignIn
    personal_tokens: PersonalTokens
    sign_in: SignIn
    external: ExternalSignIn
    gate: AccessGate
    second_step: SecondStep
    enrolment: Enrolment
    tickets: Tickets
    device_cookies: DeviceCookies
    device_links: DeviceLinks
    meetings: Meetings
    meeting_quality: Callable[[str], Sequence[ParticipantQuality]]
    recorder: Recorder
    recordings: Recordings
    authority: AuthorityFiles
    focus_uri: Callable[[str, str], str]
    other_hosts: frozenset[str] = frozenset()
    meeting_refusals: tuple[type[Exception], ...] = ()
    static: Path = STATIC
    clock: Callable[[], float] = time.time
    notes: Notes = field(default_factory=NoNotes)

    @property
    def host(self) -> str:
        """The `Host` header of browsers that came by `origin`."""
        return self.origin.removeprefix("https://")
