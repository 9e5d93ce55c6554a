"""The boundary between Python and Rust, documented like a public API.

Python decides; Rust moves bytes. Everything here is cheap to call from the event loop: no call
blocks on the network. Objects that have something to tell (`Edge`, `Media`, `Relay`) own a file
descriptor (`fileno()`, an eventfd) that becomes readable when `drain()` has events; `drain()` takes
all that are waiting in one go, so that one wake-up of the loop serves a whole batch. Calls are safe
from any thread, but made from the event loop's only. Rust never calls Python.

Times are seconds; addresses are text ("192.0.2.1", "2001:db8::1"); ports are integers.
"""

from collections.abc import Sequence
from typing import Literal, final

# --- SIP messages -------------------------------------------------------------------------------

class MalformedMessage(ValueError):
    """A message that breaks RFC 3261; `args` is (status, reason): what the wire should say."""

    status: int
    reason: str

@final
class SipMessage:
    """One parsed SIP message, immutable and byte-faithful (RFC 3261 section 7).

    Mandatory headers have been checked when you hold one: Via, From, To, Call-ID and CSeq are
    there, once where once is the rule, and CSeq's method fits. Headers are unfolded and built only
    when asked for. Names are compared without case, and compact forms are the same header.
    """

    flow: int
    """The connection it came by (see `FlowOpened`); 0 if made by `parse_sip`."""
    is_request: bool
    method: str
    """Of the request; of a response, the method in CSeq."""
    uri: str
    """Request-URI as sent; "" for a response."""
    status: int
    """0 for a request."""
    reason: str
    call_id: str
    cseq: int
    branch: str
    """Branch of the topmost Via; "" if it has none (old Microsoft clients)."""
    via_count: int
    from_uri: str
    """URI of From between the angle brackets, as sent, with its URI parameters."""
    from_tag: str
    """ "" if absent; so with `to_tag`."""
    from_display: str
    """Display name, unquoted and unescaped; "" if absent."""
    to_uri: str
    to_tag: str
    max_forwards: int
    """70 if absent; a number over 255 or no number is a MalformedMessage."""
    content_type: str
    """Media type in lower case without parameters; "" if absent."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, unfolded and trimmed; None if absent."""

    def headers(self, name: str) -> list[str]:
        """Every header line of that name in order."""

    def values(self, name: str) -> list[str]:
        """Every value of that name: lines split at commas outside quotes and angle brackets."""

    def to_bytes(self) -> bytes:
        """The message as it was received."""

    def forwarded(
        self,
        *,
        uri: str | None = None,
        pop_via: bool = False,
        push_via: str | None = None,
        pop_routes: int = 0,
        push_record_route: str | None = None,
        max_forwards: int | None = None,
        drop: Sequence[str] = (),
        add: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> bytes:
        """The message as a proxy sends it on (RFC 3261 section 16.6): every byte that is not named here
        stays as it was. `pop_via` takes the topmost Via value away, `push_via` puts one on top;
        `pop_routes` takes that many topmost Route values; `drop` removes every header of those
        names (however spelt); `add` appends headers; a new `body` renews Content-Length, and one is
        added to a message that came without (over WebSocket). Raises ValueError if a given value
        holds CR, LF or NUL, or `drop` or `add` names Content-Length.
        """

    def response(
        self,
        status: int,
        reason: str = "",
        *,
        to_tag: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> bytes:
        """A response to this request (RFC 3261 section 8.2.6): Via, From, To, Call-ID, CSeq copied, and
        Record-Route too; `to_tag` is added if To has none. Content-Length is written;
        Content-Type, if there is a body, comes from `headers`. An empty `reason` becomes the
        status's usual phrase.
        """

def parse_sip(data: bytes) -> SipMessage:
    """Parse one whole message. Raises MalformedMessage."""

def build_request(
    method: str, uri: str, headers: Sequence[tuple[str, str]], body: bytes = b""
) -> bytes:
    """Serialise a new request; writes Content-Length itself. Raises ValueError on CR, LF or NUL in a value."""

# --- The edge: every TLS connection begins and ends here -----------------------------------------

@final
class FlowOpened:
    """A connection has proven its TLS and spoken its first SIP (or opened its WebSocket)."""

    flow: int
    transport: Literal["tls", "wss"]
    peer_host: str
    peer_port: int
    local_port: int
    certificate: bytes | None
    """DER of the client's certificate, verified (chain, validity, clientAuth EKU, CRL); else None.
    Always None of a flow that `connect` began."""

@final
class FlowEnding:
    """Nothing more comes from this flow, for that reason. What came before may still be answered;
    `close_flow` then ends it, or `answer_seconds` do.
    """

    flow: int
    reason: str

@final
class FlowClosed:
    """A connection is over, whoever ended it; nothing more comes from or goes to this flow."""

    flow: int
    reason: str

@final
class MessageRefused:
    """Bytes that were not a SIP message. A response has been sent where one was possible."""

    flow: int
    status: int
    reason: str

@final
class ConnectFailed:
    """`Edge.connect` came to nothing; the flow never opened."""

    flow: int
    reason: str

EdgeEvent = SipMessage | FlowOpened | FlowEnding | FlowClosed | MessageRefused | ConnectFailed

@final
class Edge:
    """TLS listeners and the connector (rustls), SIP framing, SIP over WebSocket (RFC 7118), and the
    way of HTTP to the ASGI application. Threads: a tokio runtime of its own.
    """

    def __init__(
        self,
        *,
        http_backend: str,
        websocket_hosts: Sequence[str],
        websocket_origins: Sequence[str],
        max_message: int = 65536,
        max_connections: int = 10000,
        max_connections_per_address: int = 1000,
        messages_per_second: float = 200.0,
        unproven_messages_per_second: float = 400.0,
        handshake_seconds: float = 10.0,
        idle_seconds: float = 600.0,
        message_seconds: float = 30.0,
        unproven_seconds: float = 30.0,
        answer_seconds: float = 2.0,
        fips: bool = False,
    ) -> None:
        """`http_backend` is the path of the Unix socket to which HTTP goes, each connection led by a
        PROXY protocol v2 header with the peer's address and, as TLV 0xE0, the DER of a verified
        client certificate. `websocket_hosts` are the Host values by which `/sip` may be asked for (any
        other: 421), `websocket_origins` the exact Origin values that may open it;
        a request without Origin (not a browser) may too. An address may also open its share of
        connections only once in ten seconds; its network (/24, /56) has four shares. A flow that
        sends more than `messages_per_second` (twice that at once) is read from more slowly. All
        flows of an address on which nobody has been proven share `unproven_messages_per_second`
        (its network: four times that); see `share_flow` for what being over a share means. A message
        that began must be whole in `message_seconds`, and a peer must take what is sent to it in as
        many. A flow without a client certificate that isn't proven (`prove_flow`) in `unproven_seconds` is
        ended. When a peer stops sending, or sends what can't be read, after messages that can:
        FlowEnding is told, and for `answer_seconds` what came before may be answered (0: not).
        `fips`: TLS with approved algorithms only (docs/admins/fips.md).
        Raises ValueError if a number makes no sense.
        """

    def set_identity(self, chain_pem: bytes, key_pem: bytes) -> None:
        """The server's certificate chain and key for every handshake from now on; live connections
        stay. Raises ValueError if they don't fit each other.
        """

    def set_trust(
        self, roots_pem: bytes, crls_der: Sequence[bytes], *, crl_grace_seconds: int = 0
    ) -> None:
        """Authorities whose client (and, when connecting, server) certificates are accepted, with
        their CRLs, which serve for `crl_grace_seconds` past their `nextUpdate`. A certificate whose
        revocation status can't be told is refused. Until called, no client certificate is asked
        for. Live flows whose certificate is no longer accepted are ended. Raises ValueError if a
        root or a CRL can't be read.
        """

    def wanted_crls(self) -> list[str]:
        """Distribution points of CRLs that a peer was refused for the lack of since the last call.
        Only certificates that are good otherwise, of authorities that are trusted, get here.
        """

    def refused_certificates(self) -> list[tuple[str | None, str, int]]:
        """Handshakes with a certificate that isn't accepted, summed up since the last call: address
        (None: of the many that are not told apart), one word for why, how many.
        """

    def listen(
        self,
        host: str,
        port: int,
        *,
        sip: bool,
        web: bool,
        name: str | None = None,
        http_backend: str | None = None,
        relay: Relay | None = None,
    ) -> int:
        """Open a TLS listener and return its port (0 asks for any free one). `sip`: SIP framing is
        understood; `web`: HTTP and the WebSocket `/sip` are. `host` is an address; "::" takes
        IPv4 as well. Only the first request of a connection can open the WebSocket. What happens
        here is counted under `name` ("sip", "web" or "sip+web"). `http_backend`: another
        application's socket than the edge's; then there is no WebSocket. `relay` serves what
        begins as STUN (TURN over TLS), if given; then, without `sip`, who names no protocol by ALPN is asked for no
        certificate. Raises OSError.
        """

    def listen_for_relay(self, host: str, port: int, relay: Relay) -> int:
        """Open a TCP listener for STUN and TURN alone, without TLS, and return its port. What
        happens here is counted under "relay". Raises OSError.
        """

    def connect(self, host: str, port: int, server_name: str, *, sip_domain: bool = False) -> int:
        """Begin a TLS connection for SIP and return its flow; FlowOpened or ConnectFailed follows.
        What is sent before that goes out once it is open. `host` is an address or a DNS name,
        `server_name` what the certificate must be for: a host (RFC 6125) or, with `sip_domain`, a
        domain that the server speaks for (RFC 5922: no wildcard, no common name). Raises
        RuntimeError once closed.
        """

    def fileno(self) -> int: ...
    def drain(self) -> list[EdgeEvent]:
        """All that is waiting, in order of arrival per flow."""

    def send(self, flow: int, data: bytes) -> bool:
        """Queue one whole SIP message; False if the flow is gone or its queue is full (1 MiB)."""

    def prove_flow(self, flow: int) -> None:
        """Somebody has proven who they are on this flow: it may stay. No error if it is gone."""

    def share_flow(
        self,
        flow: int,
        kind: Literal["person", "guest", "partner"],
        holder: str,
        messages_per_second: float,
    ) -> None:
        """Messages of this flow draw on the holder's share from now on, beside those of other holders;
        the first one stands instead of the share of its address. All flows of a holder have one
        share: `messages_per_second`, twice that at once. Over it they are read from more slowly;
        a second burst over it, requests get 503 with Retry-After, ACKs and responses are dropped,
        and neither is told here. No error if the flow is gone. Raises ValueError if a value makes no sense.
        """

    def close_flow(self, flow: int, reason: str) -> None:
        """End a flow once what is queued for it has been written; FlowClosed follows with `reason`."""

    def counters(self) -> dict[str, int]:
        """What was accepted and what was dropped, by reason, over all listeners; `connections_open` is how
        many are now.
        """

    def counters_by_listener(self) -> dict[str, dict[str, int]]:
        """The same by listener's name; "outgoing" is what `connect` began."""

    def close(self) -> None:
        """Close listeners, then flows, and end the threads."""

# --- TLS of what Python fetches -------------------------------------------------------------------

class TlsRefused(ValueError):
    """No TLS with that server; `args` is (reason, fault): `fault` is one word for what is wrong with its
    certificate, such as "revoked" or "revocation-unknown"; "" if it is something else.
    """

@final
class OutboundTls:
    """Whom connections to web servers believe, and by which revocation lists. Without sockets: each
    connection's TLS is a `TlsLine`, whose bytes Python moves. Any thread.
    """

    def __init__(
        self,
        roots_pem: bytes,
        crls_der: Sequence[bytes],
        *,
        crl_grace_seconds: int = 0,
        fips: bool = False,
    ) -> None:
        """Roots that can't be used are left out; who leads to them is refused. `fips` as of `Edge`.
        Raises ValueError if the PEM text or a list can't be read.
        """

    def connect(self, host: str, *, lists_only: bool = False) -> TlsLine:
        """A connection to that host (a DNS name or an address, RFC 6125). What is checked is what `Edge` checks,
        but a certificate that lives seven days at most may name no distribution point. `lists_only`:
        lists are fetched from there, so that one of whom no list tells is accepted; a revoked one is not.
        Raises TlsRefused if it is no host.
        """

    def wanted_crls(self) -> list[str]:
        """As of `Edge`."""

@final
class TlsLine:
    """The TLS of one connection that we begin."""

    is_handshaking: bool
    def outgoing(self) -> bytes:
        """Records to be sent to the server now; at first a ClientHello, after a refusal an alert."""

    def receive(self, data: bytes) -> bytes:
        """The text in what came from the server. Raises TlsRefused; then the connection is over."""

    def send(self, data: bytes) -> None:
        """Say this to the server: it is among what is `outgoing` once the handshake is done."""

# --- Media ---------------------------------------------------------------------------------------

class MediaRefused(ValueError):
    """An offer, a leg or a recording that can't be served; `args` is (status, reason). Status is what the wire
    says: SIP's 488 or 500; for a recording HTTP's 404, 409 or 500.
    """

    status: int
    reason: str

@final
class EndpointConnected:
    """Media flows: DTLS is done (browser) or the first authentic SRTP packet came (phone)."""

    room: str
    endpoint: str

@final
class EndpointGone:
    """The endpoint ended by itself: ICE timed out, DTLS failed, or an error of ours that says why."""

    room: str
    endpoint: str
    reason: str
    quality: EndpointQuality
    """How its media fared in the end."""

@final
class EndpointDigit:
    """A key of a phone was pressed: 0-9, *, # or A-D, once however long it was held (RFC 4733)."""

    room: str
    endpoint: str
    digit: str

@final
class ActiveSpeaker:
    """The room's loudest endpoint has changed; None: silence."""

    room: str
    endpoint: str | None

@final
class RecordingEnded:
    """A recording's file is as it will stay: it was stopped, its room was closed, or it couldn't go on."""

    room: str
    seconds: float
    """How long what is in the file lasts."""
    octets: int
    problem: str | None
    """Why it couldn't go on (the disk is full, or too slow); None if its end was asked for. What was written
    before can be played.
    """

@final
class PicturesWithheld:
    """A phone sees nothing, for as many pictures are transcoded as may be; told once, until it sees something."""

    room: str
    endpoint: str

@final
class TranscodingFailed:
    """A codec panicked over this endpoint's pictures: no phone is shown them in H.264 before it has looked away."""

    room: str
    endpoint: str

MediaEvent = (
    EndpointConnected
    | EndpointGone
    | EndpointDigit
    | ActiveSpeaker
    | PicturesWithheld
    | TranscodingFailed
    | RecordingEnded
)

@final
class EndpointStats:
    """Counters of one endpoint since it joined, both ways, and its newest audio level."""

    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    packets_refused: int
    """Packets that failed authentication or were replays: counted, never acted on."""
    packets_forbidden: int
    """Authentic packets of a track that the endpoint's rights don't cover."""
    audio_level: float
    """0.0 (silence) to 1.0 (full scale), smoothed."""

@final
class MediaFlow:
    """One source's media in one direction. `loss` and `jitter` are as the receiver of the flow tells them, None if it
    hasn't lately; what an endpoint tells is its claim.
    """

    source: Literal["audio", "camera", "screen"]
    packets: int
    """Since the endpoint joined, retransmissions too; read every two seconds, as is what follows."""
    octets: int
    """Of payload."""
    bitrate: int
    """Bits of payload a second, lately."""
    loss: float | None
    """0.0 to 1.0, lately."""
    jitter: float | None
    """Interarrival jitter (RFC 3550 section 6.4.1) in seconds."""

@final
class EndpointQuality:
    """How one endpoint's media fares; flows are in the order audio, camera, screen. What a phone is shown counts as
    camera.
    """

    endpoint: str
    """ "" where nobody is to be named."""
    is_phone: bool
    is_connected: bool
    audio_codec: Literal["opus", "G722", "PCMU", "PCMA"]
    round_trip: float | None
    """Seconds to the endpoint and back, as its reports tell; None if none did lately."""
    received: list[MediaFlow]
    """From the endpoint to us; loss and jitter are what we see."""
    sent: list[MediaFlow]
    """From us to the endpoint; loss and jitter are what it reports."""

@final
class RecordingProgress:
    """How far a room's recording is."""

    seconds: float
    """Since it was started."""
    octets: int
    """In the file; about a second is always still to come."""

@final
class Media:
    """Rooms of browsers (ICE lite, DTLS-SRTP, forwarded) and phones (SDES-SRTP, mixed). One thread, and one for
    pictures that are transcoded.
    """

    def __init__(
        self,
        *,
        bind: str,
        advertise: str,
        port_low: int,
        port_high: int,
        fips: bool = False,
        transcodings: int = 4,
    ) -> None:
        """`bind` is the local address of all UDP sockets, `advertise` the address written into
        answers. One socket serves all browsers; each phone has its own, at random from the range.
        `transcodings`: pictures that are transcoded at once; beyond that phones with H.264 see nothing.
        Raises OSError.
        """

    browser_port: int
    def open_room(self, room: str) -> None: ...
    def close_room(self, room: str) -> None:
        """Ends every endpoint in it. No error if there is none."""

    def join_browser(
        self, room: str, endpoint: str, offer: str, *, audio: bool, video: bool, screen: bool
    ) -> str:
        """Take a browser's SDP offer and return the answer. The offer's m-lines, in this order: audio
        sendonly (microphone), video sendonly (camera), video sendonly (screen), then the receive
        slots: audio recvonly x 1-3, video recvonly x 1-25, and one video recvonly for the screen;
        application (data channel "room") as the fourth line or, as browsers have it, the last. The
        camera may be in up to three simulcast layers (docs/protocol/room.md).
        Raises MediaRefused.
        """

    def join_phone(
        self,
        room: str,
        endpoint: str,
        *,
        codec: Literal["opus", "G722", "PCMU", "PCMA"],
        payload_type: int,
        dtmf_payload_type: int | None,
        suite: Literal["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"],
        local_key: bytes,
        remote_key: bytes,
        remote_host: str,
        remote_port: int,
        remote_is_known: bool,
        rtcp_mux: bool,
        audio: bool,
    ) -> int:
        """Add a phone that hears the mix of everyone else. Keys are key||salt as RFC 4568 and RFC 7714
        lay out (30, 28 or 44 octets). Returns the local RTP port (RTCP: the same if muxed,
        else that plus one). Media goes to where the newest authentic packet came from; before the
        first, for ten seconds, to remote_host:remote_port, if `remote_is_known` to be the phone's
        (its signalling comes from there). Raises MediaRefused.
        """

    def add_phone_video(
        self,
        room: str,
        endpoint: str,
        *,
        payload_type: int,
        suite: Literal["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"],
        local_key: bytes,
        remote_key: bytes,
        remote_host: str,
        remote_port: int,
        remote_is_known: bool,
        rtcp_mux: bool,
        bandwidth: int | None,
        repairs: bool,
        receives: bool,
        video: bool,
        h264_level: int | None = None,
    ) -> int:
        """Show a phone that has joined pictures, VP8, and let it show its own if `video`. With `h264_level` (the
        level_idc it takes; 9 is 1b) it is shown H.264, transcoded, and its own go nowhere. One stream has a shared
        screen, else the camera of who speaks, never its own, in a layer that fits `bandwidth` (bits per second;
        None: not said) and the losses it reports. `repairs`: it may ask for lost packets; `receives`: it wants
        pictures. Keys, addresses and the port returned as with `join_phone`. Raises MediaRefused, after which the
        phone has its sound as before.
        """

    def offer_phone(self, room: str, endpoint: str) -> int:
        """Open sockets for a phone that is to be offered a call, and return their RTP port (RTCP: the one after
        it, unless the phone muxes). The `join_phone` of that name uses them; they close when the name is
        offered another call, leaves, or the room closes. Raises MediaRefused (500).
        """

    def join_call(self, room: str, endpoint: str, offer: str, *, audio: bool) -> str:
        """Take a browser's offer of a call of two, and return the answer: the first audio line in use, both
        ways, is served, all others are refused. No data channel, no slots. Raises MediaRefused.
        """

    def offer_call(self, room: str, endpoint: str) -> str:
        """Offer a call of two to a browser: one line of audio, with ICE (lite) and a DTLS fingerprint. Forgotten
        when it is answered, well or badly, when another is made for the name, when the name leaves, or when
        the room closes. Raises MediaRefused (500).
        """

    def accept_call(self, room: str, endpoint: str, answer: str, *, audio: bool) -> None:
        """The browser has answered that offer, and joins. Raises MediaRefused."""

    def renew_call(self, room: str, endpoint: str, offer: str) -> str:
        """Take a later offer of a browser in a call of two (hold, resume), and return the answer. ICE can't be
        restarted; the certificate stays the first one. Raises MediaRefused; then nothing has changed.
        """

    def set_rights(
        self, room: str, endpoint: str, *, audio: bool, video: bool, screen: bool
    ) -> None:
        """What the endpoint may send, enforced in the core whatever its client says."""

    def play(self, room: str, endpoint: str, pcm: bytes, *, repeats: bool = False) -> None:
        """Play a phone something that it alone hears, over the rest of the room: 16-bit little-endian
        mono at 48 kHz, once or until something else is played. Empty: no more. No error if there is no
        such phone. Raises ValueError for half a sample.
        """

    def leave(self, room: str, endpoint: str) -> None: ...
    def stats(self, room: str, endpoint: str) -> EndpointStats | None: ...
    def quality(self, room: str, endpoint: str) -> EndpointQuality | None:
        """How one endpoint's media fares; None if it isn't there."""

    def qualities(self, room: str) -> list[EndpointQuality]:
        """How everyone's media in a room fares; empty if there is no such room."""

    def all_qualities(self) -> list[EndpointQuality]:
        """How everyone's media fares, nobody named."""

    def start_recording(self, room: str, path: str) -> None:
        """Write the room's mixed sound and the active speaker's picture to a new WebM file (mode 0600; it must
        not exist), of those for whom `set_recorded` said so (docs/protocol/recording.md). Blocks while the file
        is made. Raises MediaRefused: 404 no such room, 409 already recorded; OSError if the file can't be made.
        """

    def stop_recording(self, room: str) -> None:
        """Finish the file; `RecordingEnded` follows. Unknown or not recorded: nothing happens. Closing the room
        does the same, and so does `close`, which waits up to five seconds for the files.
        """

    def set_recorded(self, room: str, endpoint: str, recorded: bool) -> None:
        """Whether this endpoint's sound and picture may be in the recording: False until set. In force at once;
        may be called before, during or without a recording. Forgotten when the endpoint leaves. No error if
        there is no such endpoint.
        """

    def recording(self, room: str) -> RecordingProgress | None:
        """None if the room isn't being recorded."""

    def transcodings(self) -> int:
        """How many pictures are being transcoded."""

    def fileno(self) -> int: ...
    def drain(self) -> list[MediaEvent]: ...
    def close(self) -> None: ...

# --- Relay ---------------------------------------------------------------------------------------

@final
class Relay:
    """STUN and TURN (RFC 8489, RFC 8656), by itself over UDP. One thread. Serves only credentials it was told."""

    def __init__(
        self,
        *,
        bind: Sequence[str],
        ports: Sequence[int],
        advertise: Sequence[str],
        realm: str,
        port_low: int = 50000,
        port_high: int = 59999,
        allowed_peers: Sequence[str] = (),
        own_peer_ports: tuple[int, int] | None = None,
        allocations_per_person: int = 20,
        allocations_per_address: int = 200,
        octets_per_person: int | None = None,
        fips: bool = False,
    ) -> None:
        """`bind`: local addresses, at most one of each family; each listens at all of `ports` (0: a
        free one), and relayed sockets are bound there. `advertise`: how peers reach each of them.
        `octets_per_person`: what one may relay in a second, both ways (None: anything).
        `allowed_peers` are networks ("127.0.0.1/32") that may be peers although loopback,
        link-local, private, multicast and our own addresses never are by default. If own ones are
        allowed, `own_peer_ports` (first, last) says which ports of them; None: all. Raises OSError,
        ValueError.
        """

    ports: list[int]
    def add_credential(
        self, username: str, password: str, lifetime: float, *, holder: str | None = None
    ) -> None:
        """Know a credential for `lifetime` seconds (at most 8 hours). `holder`: whose it is, for
        quotas; without it the credential is nobody else's.
        """

    def remove_credential(self, username: str) -> None:
        """Forget it now; its allocations end."""

    def counters(self) -> dict[str, int]: ...
    def close(self) -> None: ...
