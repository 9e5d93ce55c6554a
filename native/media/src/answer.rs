//! From a browser's offer to an answer: building a `Browser`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rand;
use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::crypto::from_feature_flags;
use str0m::format::Codec;
use str0m::media::{Mid, Pt};
use str0m::rtp::Ssrc;
use str0m::{Candidate, IceCreds, Rtc, RtcError};

use crate::approved;
use crate::browser::{Browser, Negotiated};
use crate::egress::{Egress, ExtensionIds, StreamShape};
use crate::error::Refused;
use crate::events::Source;
use crate::media_keys::{FutureKeys, WatchedDtls};
use crate::offer::{Shape, without_candidates};
use crate::outgoing::{SlotGroup, SlotStream};
use crate::quality;

/// The characters of an ICE ufrag and password (RFC 8839 section 5.4): six bits each.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// 96 bits: unique among all who share the socket.
const UFRAG_CHARS: usize = 16;
/// 192 bits; RFC 8445 section 5.3 asks for 128.
const PASSWORD_CHARS: usize = 32;

/// Octets that a browser's message may have before SCTP refuses it; what is understood is shorter still.
const MAX_CHANNEL_MESSAGE: u32 = 16 * 1024;

/// What all browsers of a node share.
pub struct Answerer {
    pub(crate) address: SocketAddr,
    certificate: DtlsCert,
    crypto: Arc<CryptoProvider>,
    dtls: &'static WatchedDtls,
}

impl Answerer {
    /// `address` is where browsers reach our socket. Makes the DTLS certificate of this process. `fips`:
    /// approved algorithms only.
    pub fn new(address: SocketAddr, fips: bool) -> Result<Self, Refused> {
        let crypto = if fips {
            approved::provider()
        } else {
            from_feature_flags()
        };
        let dtls = WatchedDtls::leak(crypto.dtls_provider, fips);
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or(Refused::Internal("no DTLS certificate"))?;
        Ok(Self {
            address,
            certificate,
            crypto: Arc::new(CryptoProvider {
                dtls_provider: dtls,
                ..crypto
            }),
            dtls,
        })
    }

    /// Build a browser from its offer, and the answer to it.
    pub fn answer(&self, now: Instant, offer: &str) -> Result<(Browser, String), Refused> {
        let shape = Shape::of(offer)?;
        let parsed =
            SdpOffer::from_sdp_string(&without_candidates(offer)).map_err(|_| Refused::NotSdp)?;
        let credentials = random_credentials()?;
        let ufrag = credentials.ufrag.clone();
        let (mut rtc, keys) = self.build(now, credentials)?;
        let mut egress = Egress::new(now, keys, shape.reports_arrivals);
        let answer = rtc
            .sdp_api()
            .accept_offer(parsed)
            .map_err(|error| Refused::Unanswerable(printable(&error)))?;
        let receives = [
            negotiated(&rtc, shape.sources[0].1, Codec::Opus)
                .ok_or(Refused::NoCodec("the microphone"))?,
            negotiated(&rtc, shape.sources[1].1, Codec::Vp8)
                .ok_or(Refused::NoCodec("the camera"))?,
        ];
        let groups = [
            slot_group(&mut rtc, &mut egress, &shape.audio_slots, Source::Audio)?,
            slot_group(&mut rtc, &mut egress, &shape.video_slots, Source::Camera)?,
            slot_group(&mut rtc, &mut egress, &[shape.screen_slot], Source::Screen)?,
        ];
        let negotiated = Negotiated {
            receives,
            repairs: repair_types(&rtc),
            rtc,
            shape,
            address: self.address,
            ufrag,
            groups,
            egress,
            call: None,
        };
        Ok((Browser::new(now, negotiated), answer.to_sdp_string()))
    }

    /// One connection, and where its keys will be.
    pub(crate) fn build(
        &self,
        now: Instant,
        credentials: IceCreds,
    ) -> Result<(Rtc, FutureKeys), Refused> {
        let mut rtc = Rtc::builder()
            .set_crypto_provider(Arc::clone(&self.crypto))
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_stats_interval(Some(quality::INTERVAL))
            .set_dtls_cert(self.certificate.clone())
            .set_local_ice_credentials(credentials)
            .set_sctp_max_message_size(MAX_CHANNEL_MESSAGE)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        let keys = self.dtls.newest();
        let candidate = Candidate::host(self.address, "udp")
            .map_err(|_| Refused::Internal("the advertised address is unusable"))?;
        rtc.add_local_candidate(candidate)
            .ok_or(Refused::Internal("the advertised address is unusable"))?;
        Ok((rtc, keys))
    }
}

/// The reason goes into a SIP header, so it may not bring lines of its own.
pub(crate) fn printable(error: &RtcError) -> String {
    error
        .to_string()
        .replace(|character: char| character.is_control(), " ")
}

/// The payload type with which a codec was negotiated on an m-line.
pub(crate) fn negotiated(rtc: &Rtc, mid: Mid, codec: Codec) -> Option<Pt> {
    let media = rtc.media(mid)?;
    media.remote_pts().iter().copied().find(|pt| {
        rtc.codec_config()
            .find(|params| params.pt() == *pt)
            .is_some_and(|params| params.spec().codec == codec)
    })
}

fn repair_types(rtc: &Rtc) -> Vec<u8> {
    let params = rtc.codec_config().params().iter();
    params.filter_map(|p| p.resend()).map(|pt| *pt).collect()
}

/// Slots, with streams that are sent by us: the core names them in its answer and then knows them no more.
fn slot_group(
    rtc: &mut Rtc,
    egress: &mut Egress,
    mids: &[Mid],
    source: Source,
) -> Result<SlotGroup, Refused> {
    let mut streams = Vec::with_capacity(mids.len());
    for mid in mids {
        let stream = egress.add(stream_shape(rtc, *mid, source)?);
        streams.push(SlotStream::new(*mid, stream, source, random_start()?));
    }
    Ok(SlotGroup::new(streams))
}

/// What the answer says of the stream to a slot; the core knows it no more.
pub(crate) fn stream_shape(
    rtc: &mut Rtc,
    mid: Mid,
    source: Source,
) -> Result<StreamShape, Refused> {
    let (codec, whose) = if source.is_video() {
        (Codec::Vp8, "a video slot")
    } else {
        (Codec::Opus, "an audio slot")
    };
    let payload_type = negotiated(rtc, mid, codec).ok_or(Refused::NoCodec(whose))?;
    let params = rtc
        .codec_config()
        .find(|params| params.pt() == payload_type);
    let (repair_type, clock_rate) = params.map_or((None, 0), |params| {
        (params.resend(), params.spec().clock_rate.get())
    });
    let media = rtc.media(mid).ok_or(Refused::NoCodec(whose))?;
    let extensions = ExtensionIds::from(media.remote_extmap());
    let mut direct = rtc.direct_api();
    let stream = direct
        .stream_tx_by_mid(mid, None)
        .ok_or(Refused::NoCodec(whose))?;
    let (ssrc, repair): (Ssrc, Option<Ssrc>) = (stream.ssrc(), stream.rtx());
    direct.remove_stream_tx(ssrc);
    Ok(StreamShape {
        mid: mid.to_string(),
        source,
        ssrc: *ssrc,
        repairs: repair.zip(repair_type).map(|(ssrc, kind)| (*ssrc, *kind)),
        payload_type: *payload_type,
        clock_rate,
        extensions,
    })
}

/// A random beginning of sequence numbers and timestamps (RFC 3550 section 5.1).
pub(crate) fn random_start() -> Result<u64, Refused> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Refused::Internal("no randomness"))?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The credentials are what proves a connectivity check, so they come from the system's generator.
pub(crate) fn random_credentials() -> Result<IceCreds, Refused> {
    let mut bytes = [0; UFRAG_CHARS + PASSWORD_CHARS];
    rand::fill(&mut bytes).map_err(|_| Refused::Internal("no randomness"))?;
    let text: String = bytes
        .iter()
        .map(|byte| char::from(ICE_CHARS[usize::from(byte & 0x3f)]))
        .collect();
    let (ufrag, pass) = text.split_at(UFRAG_CHARS);
    Ok(IceCreds {
        ufrag: ufrag.to_owned(),
        pass: pass.to_owned(),
    })
}
