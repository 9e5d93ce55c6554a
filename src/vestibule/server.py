"""The composition root: builds every part and hands it what it needs. Reading it shows the architecture.

From the outside in: the native edge (TLS), reception (messages to principals), the services (registrar, calls,
conferencing), the native media side (rooms, relay), and beneath them directory, store and authority.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import structlog

from vestibule._native import Edge
from vestibule.calls.bridge import BridgeParts
from vestibule.calls.bridges import Bridges
from vestibule.calls.proxy import METHODS, Proxy, ProxyParts
from vestibule.calls.route_token import RouteTokens
from vestibule.conferencing.audio_video import AudioVideo, AudioVideoParts
from vestibule.conferencing.focus import Focus, FocusParts
from vestibule.conferencing.identifiers import MeetingAddress, meeting_id_of
from vestibule.conferencing.join_tokens import JoinTokens
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.meeting_journal import MeetingJournal
from vestibule.conferencing.meeting_quality import MeetingQuality, ParticipantQuality
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import Meetings, NotLicensed, TooManyMeetings
from vestibule.conferencing.recording_service import open_recording
from vestibule.conferencing.watchers import Watchers
from vestibule.config import Settings
from vestibule.counted import MetricsListener, metrics_of
from vestibule.directory.directory import Directory
from vestibule.directory.provisioning import Provisioning
from vestibule.directory.provisioning_tokens import ProvisioningTokens
from vestibule.directory.trusted_servers import TrustedServers
from vestibule.edge.alive import alive
from vestibule.edge.flows import Flows
from vestibule.edge.http_backend import HttpBackend
from vestibule.edge.outbound_trust import OutboundTrust
from vestibule.edge.own_certificates import OwnCertificates
from vestibule.edge.reception import Reception, ReceptionParts
from vestibule.edge.refused_certificates import RefusedCertificates
from vestibule.edge.shares import Rates
from vestibule.edge.signed_flows import SignedFlows
from vestibule.identity.external.discovery import IDENTITY_LIMITS
from vestibule.identity.mechanisms.nonces import Nonces
from vestibule.identity.proof import Proof, ProofParts
from vestibule.identity.service import open_identity
from vestibule.identity.sign_in_limits import subnet_of
from vestibule.journal.certificates import CertificateJournal
from vestibule.journal.journal import Journal
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Note
from vestibule.listening import naming
from vestibule.media.quality import EndpointQuality
from vestibule.media_parts import open_media
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher, FetchLimits
from vestibule.outbound.requests_transport import FetcherTransport
from vestibule.pki.acme.service import PublicNames
from vestibule.pki.authority import Authority
from vestibule.pki.foreign_authorities import ForeignAuthorities
from vestibule.pki.foreign_lists import ForeignLists
from vestibule.pki.renewal import Renewal
from vestibule.portal.app import create_app
from vestibule.portal.dependencies import PortalDependencies
from vestibule.registrar.bindings import Bindings
from vestibule.registrar.registrar import Registrar
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage
from vestibule.sip.router import Router, UriKind
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

_log = structlog.get_logger(__name__)


class Server:
    """One node. `start`, then `stop`; nothing runs before or after."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database_url)
        self.writer = Writer(self.store)
        self.journal = Journal(self.writer, settings.journal_dir, "server", source_of=subnet_of)
        self.directory = Directory(self.store, self.journal)
        self.trusted_servers = TrustedServers(self.store)
        self.authority = Authority(
            settings.pki_dir,
            settings.crl_base,
            witness=CertificateJournal(self.journal),
            token=settings.issuing_token,
        )
        self.wheel = TimerWheel(time.monotonic())
        self.meetings = Meetings(
            MeetingRecords(self.store, self.writer),
            self.directory,
            time.time,
            self._meeting_ended,
            self.journal,
        )
        self.foreign = ForeignAuthorities.read(settings.trusted_authorities)
        self.outbound_policy = OutboundPolicy(settings.outbound_allowed)
        self.outbound_trust = OutboundTrust(
            settings.pki_dir / "outbound",
            self.outbound_policy,
            authorities_pem=self.foreign.pem.encode(),
            crl_grace_seconds=settings.crl_grace,
            fips=settings.fips,
        )
        self.identity = open_identity(
            settings.data_dir / "identity",
            settings.web_origin,
            directory=self.directory,
            store=self.store,
            writer=self.writer,
            clock=time.time,
            notes=self.journal,
            certify=self.authority.certify_device,
            association_seconds=settings.association_seconds,
            fetcher=self._fetcher(IDENTITY_LIMITS),
            fips=settings.fips,
        )
        self.media = open_media(settings)
        self._build_recording()
        self._build_edge()
        self._build_signalling()
        self._build_conferencing()
        self._route()
        self._build_trust()
        self.metrics = MetricsListener(metrics_of(self), settings)

    # --- building ---

    def _build_edge(self) -> None:
        settings = self.settings
        portal = OwnCertificates(create_app(self._portal_dependencies()), self.authority.issued)
        self.portal = HttpBackend(portal, settings.run_dir)
        self.edge = Edge(
            http_backend=str(self.portal.path),
            websocket_hosts=sorted(settings.web_hosts),
            websocket_origins=[settings.web_origin],
            fips=settings.fips,
        )
        self.flows = Flows(self.authority.issued, self.trusted_servers)
        self.nonces = Nonces(time.time)

    def _build_trust(self) -> None:
        settings = self.settings
        self.foreign_lists = ForeignLists(
            settings.pki_dir / "foreign",
            wanted=self.edge.wanted_crls,
            fetch=self._fetcher(lists_only=True).fetch,
            on_change=self._certificates_changed,
            own=(f"{settings.crl_base}/",),
        )
        self.renewal = Renewal(
            self.authority,
            settings.server_names,
            self.directory.revoked_certificates,
            self._certificates_changed,
        )
        self.public_names = PublicNames(
            settings.pki_dir / "public",
            settings,
            self._certificates_changed,
            CertificateJournal(self.journal),
        )

    def _fetcher(self, limits: FetchLimits | None = None, *, lists_only: bool = False) -> Fetcher:
        """The way out, with the admin's exceptions."""
        return Fetcher(
            self.outbound_policy, limits=limits, tls=self.outbound_trust, lists_only=lists_only
        )

    def _build_recording(self) -> None:
        self.live = LiveConferences(self.wheel.schedule)
        self.recording = open_recording(
            self.settings.recordings_dir,
            store=self.store,
            writer=self.writer,
            tenants=self.directory,
            meetings=self.meetings,
            live=self.live,
            rooms=self.media.rooms,
            notes=self.journal,
        )

    def _build_signalling(self) -> None:
        settings = self.settings
        sip_host = f"{settings.authority_host}:{settings.sip_tls_port}"
        self.dialogs = DialogTable()
        self.signed = SignedFlows(self.edge, self.identity.associations)
        self.router = Router(self._serves)
        self.layer = TransactionLayer(
            self.signed, self.wheel, via_host=sip_host,
            on_request=self._request, on_ack=self._ack,
        )  # fmt: skip
        self.bindings = Bindings(self.wheel.schedule, time.monotonic)
        gruus = TemporaryGruus()
        self.registrar = Registrar(self.bindings, gruus, time.monotonic)
        self.bridges = Bridges(
            BridgeParts(
                layer=self.layer,
                dialogs=self.dialogs,
                rooms=self.media.call_rooms,
                base=sip_host,
                serves=self._serves,
                address_of=self.flows.address_of,
            ),
            settings.bridged_calls,
        )
        self.proxy = Proxy(
            ProxyParts(
                layer=self.layer,
                bindings=self.bindings,
                gruus=gruus,
                people=self.directory,
                wheel=self.wheel,
                routes=RouteTokens(),
                route_base=sip_host,
                serves=self._serves,
                bridges=self.bridges,
            )
        )
        self.proof = self._build_proof()
        self.reception = Reception(
            ReceptionParts(
                edge=self.edge,
                flows=self.flows,
                wheel=self.wheel,
                proof=self.proof,
                dialogs=self.dialogs,
                router=self.router,
                calls=self.proxy,
                on_flow_closed=self._flow_closed,
                notes=self.journal,
                rates=Rates(
                    person=settings.messages_per_person,
                    partner=settings.messages_per_partner,
                    dialogs=settings.dialogs_per_person,
                ),
            ),
            self.layer,
        )
        self.refused = RefusedCertificates(self.edge, self.journal, self.wheel.schedule)

    def _build_proof(self) -> Proof:
        settings = self.settings
        return Proof(
            ProofParts(
                directory=self.directory,
                tokens=self.identity.tokens,
                associations=self.identity.associations,
                keys=self.meetings,
                nonces=self.nonces,
                meeting_id_of=meeting_id_of,
                token_issuer=settings.issuer,
                default_realm=settings.domains[0],
                clock=time.monotonic,
                notes=self.journal,
                fips=settings.fips,
            )
        )

    def _build_conferencing(self) -> None:
        sip_host = f"{self.settings.authority_host}:{self.settings.sip_tls_port}"
        route = partial(_own_route, f"sip:{sip_host};transport=tls;lr")
        self.audio_video = AudioVideo(
            AudioVideoParts(
                live=self.live,
                rooms=self.media.rooms,
                relay=self.media.relay_credentials,
                tokens=JoinTokens(time.monotonic),
                dialogs=self.dialogs,
                record_route=route,
                address_of=self.flows.address_of,
            )
        )
        self.quality = MeetingQuality(self.live, self.media.rooms.qualities)
        self.focus = Focus(
            FocusParts(
                meetings=self.meetings,
                live=self.live,
                audio_video=self.audio_video,
                watchers=Watchers(self.dialogs, self.wheel.schedule, route),
                dialogs=self.dialogs,
                schedule=self.wheel.schedule,
                journal=MeetingJournal(self.journal, self.flows.address_of),
                recorder=self.recording.recorder,
                record_route=route,
            )
        )

    def _serves(self, host: str) -> bool:
        """Whether a host is one of our domains."""
        return self.directory.tenant_of_domain(host) is not None

    def _route(self) -> None:
        add = self.router.add
        add("REGISTER", UriKind.DOMAIN, self.registrar.register)
        add("OPTIONS", UriKind.DOMAIN, alive)
        add("INVITE", UriKind.FOCUS, self.focus.invite)
        add("SUBSCRIBE", UriKind.FOCUS, self.focus.subscribe, event="conference")
        add("OPTIONS", UriKind.FOCUS, self.focus.options)
        add("INVITE", UriKind.AUDIO_VIDEO, self.audio_video.invite)
        add("SERVICE", UriKind.RELAY, self.media.relay_authentication.service)
        for method in METHODS:
            add(method, UriKind.PERSON, self.proxy.request)

    def _portal_dependencies(self) -> PortalDependencies:
        settings = self.settings
        domain = settings.domains[0]
        return PortalDependencies(
            origin=settings.web_origin,
            domain=domain,
            sip_websocket=settings.sip_websocket,
            people=self.directory,
            provisioning=Provisioning(self.directory, "scim"),
            provisioning_tokens=ProvisioningTokens(self.store, self.directory),
            tokens=self.identity.tokens,
            proofs=self.identity.proofs,
            associations=self.identity.associations,
            provider=self.identity.provider,
            device_sign_in=self.identity.device_sign_in,
            personal_tokens=self.identity.personal_tokens,
            sign_in=self.identity.sign_in,
            external=self.identity.external,
            gate=self.identity.gate,
            second_step=self.identity.second_step,
            enrolment=self.identity.enrolment,
            tickets=self.identity.tickets,
            device_cookies=self.identity.device_cookies,
            device_links=self.identity.device_links,
            meetings=self.meetings,
            meeting_quality=self._meeting_quality,
            recorder=self.recording.recorder,
            recordings=self.recording.recordings,
            authority=self.authority,
            focus_uri=lambda user, meeting: MeetingAddress(user, domain, meeting).focus,
            other_hosts=settings.web_hosts,
            meeting_refusals=(NotLicensed, TooManyMeetings),
            notes=self.journal,
        )

    # --- life ---

    async def start(self) -> None:
        """Open the store, then certificates, then listeners; all of it or, when it raises, nothing.

        Raises OSError, which names the address and port, if a listener can't have its port.
        """
        try:
            await self._open()
        except BaseException:
            await self.stop()
            raise
        settings = self.settings
        _log.info("server.started", web=settings.web_origin, sip_tls_port=settings.sip_tls_port)

    async def _open(self) -> None:
        await self.store.start()
        self.journal.start()
        self.journal.note(Note(Kind.SERVER_STARTED))
        await self.directory.load()
        await self.trusted_servers.load()
        await self.identity.provider.heed_endings()
        await self.meetings.reload()
        self.authority.check_issuing_key()
        self.renewal.start()
        self.outbound_trust.start()
        self.foreign_lists.start(self.foreign.distribution_points)
        transport = FetcherTransport(self._fetcher(), asyncio.get_running_loop())
        self.public_names.start(transport, transport.end)
        self.directory.on_change(self._directory_changed)
        self.directory.watch()
        self.identity.tokens.on_revoked(
            partial(asyncio.get_running_loop().call_soon_threadsafe, self._sign_in_ended)
        )
        await self.recording.start()
        self.media.rooms.start(self.audio_video, self.recording.recorder)
        self.reception.start()
        self.refused.start()
        await self.portal.start()
        self._listen(self.settings.sip_tls_port, sip=True)
        self._listen(self.settings.https_port, sip=False)
        self._listen_for_relay()
        await self.metrics.start(self.edge)

    def _listen(self, port: int, *, sip: bool) -> None:
        address = self.settings.bind
        with naming(f"TCP port {port} of {address}"):
            relay = None if sip else self.media.relay
            self.edge.listen(address, port, sip=sip, web=not sip, relay=relay)

    def _listen_for_relay(self) -> None:
        # A TCP listener at "::" takes IPv4 as well.
        also = None if self.settings.bind == "::" else self.settings.relay_address_v6
        for address in filter(None, (self.settings.bind, also)):
            for port in self.settings.turn_ports:
                with naming(f"TCP port {port} of {address}"):
                    self.edge.listen_for_relay(address, port, self.media.relay)

    async def stop(self) -> None:
        """Close everything, last opened first. What was acknowledged is stored."""
        await self.recording.close()
        self.reception.stop()
        self.edge.close()
        await self.portal.stop()
        await self.metrics.stop()
        self.refused.look()
        self.media.close()
        await self.public_names.close()
        await self.foreign_lists.close()
        await self.outbound_trust.close()
        await self.renewal.close()
        await self.directory.close()
        self.identity.close()
        self.journal.note(Note(Kind.SERVER_STOPPED))
        await self.journal.close()
        await self.writer.close()
        await self.store.close()
        _log.info("server.stopped")

    # --- what parts tell each other through here ---

    def _request(self, transaction: ServerTransaction) -> None:
        self.reception.request(transaction)

    def _ack(self, message: SipMessage) -> None:
        self.reception.ack(message)

    def _flow_closed(self, flow: int) -> None:
        self.bindings.close_flow(flow)
        self.proxy.close_flow(flow)

    def _meeting_ended(self, meeting_id: str) -> None:
        self.focus.close_meeting(meeting_id)

    def _meeting_quality(self, meeting_id: str) -> Sequence[ParticipantQuality[EndpointQuality]]:
        return self.quality.of(meeting_id)

    def _sign_in_ended(self) -> None:
        self.identity.associations.end_revoked()
        self._end_unwelcome()

    async def _directory_changed(self) -> None:
        self.renewal.look()
        await self.trusted_servers.load()
        await self.identity.provider.heed_endings()
        self._end_unwelcome()
        await self.meetings.reload()
        self.recording.recorder.heed_policy()

    def _end_unwelcome(self) -> None:
        """Of who may not be here any more, connections and what they were given for the relay end."""
        self.reception.close_unwelcome()
        self.media.relay_credentials.end_unwelcome(self.proof.stands)

    def _certificates_changed(self) -> None:
        identity = self.public_names.identity() or self.authority.server_identity()
        self.edge.set_identity(*identity)
        self.edge.set_trust(
            self.authority.authority_pem() + self.foreign.pem.encode(),
            self.authority.crls_der() + self.foreign_lists.lists_der(),
            crl_grace_seconds=self.settings.crl_grace,
        )


def _own_route(route: str, transaction: ServerTransaction) -> str:
    """The route back to us; the same for every device of a single node."""
    return route
