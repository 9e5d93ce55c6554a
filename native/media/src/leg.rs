//! What signalling agrees on with a phone before there is any media.

use std::net::SocketAddr;

use crate::codec::Codec;
use crate::error::Refused;
use crate::events::SocketId;
use crate::srtp::Suite;
use crate::transcoding::Level;

/// What signalling agreed on with a phone.
#[derive(Clone)]
pub struct PhoneLeg {
    /// The one codec.
    pub codec: Codec,
    /// Its payload type, both ways.
    pub payload_type: u8,
    /// That of telephone events (RFC 4733), which are not speech.
    pub dtmf_payload_type: Option<u8>,
    /// How both directions are protected.
    pub suite: Suite,
    /// Key and salt of what we send.
    pub local_key: Vec<u8>,
    /// Key and salt of what it sends.
    pub remote_key: Vec<u8>,
    /// Where it said it is.
    pub remote: SocketAddr,
    /// Whether its signalling comes from that address, so that media may go there before any came.
    pub remote_is_known: bool,
    /// Whether RTCP shares the port.
    pub rtcp_mux: bool,
}

impl std::fmt::Debug for PhoneLeg {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of every log.
        formatter
            .debug_struct("PhoneLeg")
            .field("codec", &self.codec)
            .field("suite", &self.suite)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// How one stream with a phone is protected, and where it goes.
#[derive(Clone)]
pub struct StreamLeg {
    /// How both directions are protected.
    pub suite: Suite,
    /// Key and salt of what we send.
    pub local_key: Vec<u8>,
    /// Key and salt of what it sends.
    pub remote_key: Vec<u8>,
    /// Where it said it is.
    pub remote: SocketAddr,
    /// Whether its signalling comes from that address, so that media may go there before any came.
    pub remote_is_known: bool,
    /// Whether RTCP shares the port.
    pub rtcp_mux: bool,
}

impl From<&PhoneLeg> for StreamLeg {
    fn from(leg: &PhoneLeg) -> Self {
        Self {
            suite: leg.suite,
            local_key: leg.local_key.clone(),
            remote_key: leg.remote_key.clone(),
            remote: leg.remote,
            remote_is_known: leg.remote_is_known,
            rtcp_mux: leg.rtcp_mux,
        }
    }
}

/// What a phone's pictures are encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// VP8 both ways, as in the room (RFC 7741).
    Vp8,
    /// H.264, constrained baseline, in packetization-mode 1 (RFC 6184): to the phone only.
    H264 {
        /// What the phone takes.
        level: Level,
    },
}

/// What signalling agreed on for a phone's pictures.
#[derive(Clone)]
pub struct VideoLeg {
    /// Keys and address of its own.
    pub stream: StreamLeg,
    /// What it is shown, and shows.
    pub codec: VideoCodec,
    /// Of the codec, both ways.
    pub payload_type: u8,
    /// Bits per second that it said it takes (RFC 8866 section 5.8).
    pub bandwidth: Option<u64>,
    /// Whether it may ask for lost packets (RFC 4585 section 6.2.1).
    pub repairs: bool,
    /// Whether it wants pictures; if not it only sends them.
    pub receives: bool,
}

impl std::fmt::Debug for VideoLeg {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of every log.
        formatter
            .debug_struct("VideoLeg")
            .field("suite", &self.stream.suite)
            .field("remote", &self.stream.remote)
            .finish_non_exhaustive()
    }
}

/// The sockets of one stream with a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneSockets {
    /// Even port.
    pub rtp: SocketId,
    /// The port after it, if RTCP does not share the first.
    pub rtcp: Option<SocketId>,
}

/// Media is never sent where no single peer can be.
pub(crate) fn check_destination(address: SocketAddr) -> Result<(), Refused> {
    let ip = address.ip();
    let is_broadcast = matches!(ip, std::net::IpAddr::V4(v4) if v4.is_broadcast());
    if address.port() == 0 || ip.is_unspecified() || ip.is_multicast() || is_broadcast {
        return Err(Refused::Destination(address.to_string()));
    }
    Ok(())
}
