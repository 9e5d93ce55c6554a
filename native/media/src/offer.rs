//! The shape of a browser's offer: which m-line is what, checked before anything is built from it.
//!
//! A room understands one shape only (see `_native.pyi`): microphone, camera and screen to send, then
//! slots to receive, and the data channel, which browsers write last in a first offer (RFC 8829
//! section 5.2.1). Whatever differs is refused here, so that what follows needs no cases.

use std::collections::HashMap;

use str0m::media::Mid;

use crate::error::Refused;
use crate::events::Source;
use crate::simulcast::Simulcast;

/// More than any browser needs for 30 m-lines.
pub(crate) const MAX_OFFER: usize = 256 * 1024;
/// Most audio slots.
pub const MAX_AUDIO_SLOTS: usize = 3;
/// Most camera slots.
pub const MAX_VIDEO_SLOTS: usize = 25;
/// m-lines to send on, before the first slot.
const FIXED_LINES: usize = 3;
/// Longest mid that the RTP header extension and the core carry unchanged.
pub(crate) const MAX_MID: usize = 16;
/// What numbers packets across all streams of a connection.
const ARRIVAL_EXTENSION: &str = "transport-wide-cc-extensions-01";

/// What each m-line of an offer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The m-lines the browser sends on.
    pub sources: [(Source, Mid); 3],
    /// The receive slots for audio, in order.
    pub audio_slots: Vec<Mid>,
    /// The receive slots for cameras, in order.
    pub video_slots: Vec<Mid>,
    /// The receive slot for the screen.
    pub screen_slot: Mid,
    /// SSRCs that the offer declares, main and repair, with what they carry.
    pub ssrcs: HashMap<u32, Source>,
    /// Whether a source has no declared SSRC, so that RTP header extensions must tell.
    pub undeclared: bool,
    /// The layers of the camera.
    pub simulcast: Simulcast,
    /// Whether every video slot reports how packets arrive (transport-wide congestion control), so that
    /// the bandwidth to it can be estimated.
    pub reports_arrivals: bool,
}

#[derive(Debug, Default)]
struct Line<'a> {
    /// Where it stands in the offer, counted from 0.
    index: usize,
    kind: &'a str,
    direction: Option<&'a str>,
    mid: Option<&'a str>,
    ssrcs: Vec<u32>,
    attributes: Vec<&'a str>,
}

impl Line<'_> {
    fn has(&self, what: impl Fn(&str) -> bool) -> bool {
        self.attributes.iter().any(|attribute| what(attribute))
    }

    fn reports_arrivals(&self) -> bool {
        self.has(|a| a.starts_with("extmap:") && a.contains(ARRIVAL_EXTENSION))
            && self.has(|a| a.starts_with("rtcp-fb:") && a.trim_end().ends_with(" transport-cc"))
    }
}

impl Shape {
    /// Read the shape of an offer, or say what is wrong with it.
    pub fn of(offer: &str) -> Result<Self, Refused> {
        if offer.len() > MAX_OFFER {
            return Err(Refused::TooLarge);
        }
        if !offer.lines().any(|line| line.starts_with("a=fingerprint:")) {
            return Err(Refused::NoKey);
        }
        let mut lines = scan(offer);
        check_mids(&lines)?;
        take_channel(&mut lines)?;
        let mids: Vec<Mid> = lines.iter().filter_map(|l| l.mid.map(Mid::from)).collect();
        expect(&lines, 0, "audio", "sendonly", "audio sendonly")?;
        expect(&lines, 1, "video", "sendonly", "video sendonly (camera)")?;
        expect(&lines, 2, "video", "sendonly", "video sendonly (screen)")?;
        let (audio, video) = count_slots(&lines)?;
        let (ssrcs, undeclared) = declared_ssrcs(&lines);
        let simulcast = take_simulcast(&lines)?;
        let cameras = FIXED_LINES + audio;
        let screen = cameras + video;
        Ok(Self {
            sources: [
                (Source::Audio, mids[0]),
                (Source::Camera, mids[1]),
                (Source::Screen, mids[2]),
            ],
            audio_slots: mids[FIXED_LINES..cameras].to_vec(),
            video_slots: mids[cameras..screen].to_vec(),
            screen_slot: mids[screen],
            ssrcs,
            undeclared,
            simulcast,
            reports_arrivals: lines[cameras..].iter().all(Line::reports_arrivals),
        })
    }
}

/// The offer without its candidates. An ICE lite agent learns where the peer is from authenticated
/// checks only, so an address in an offer is never believed, nor a thousand of them held.
pub fn without_candidates(offer: &str) -> String {
    let mut kept = String::with_capacity(offer.len());
    for line in offer.lines() {
        if !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates") {
            kept.push_str(line);
            kept.push_str("\r\n");
        }
    }
    kept
}

fn scan(offer: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for text in offer.lines() {
        if let Some(media) = text.strip_prefix("m=") {
            lines.push(Line {
                index: lines.len(),
                kind: media.split(' ').next().unwrap_or_default(),
                ..Line::default()
            });
            continue;
        }
        let Some(line) = lines.last_mut() else {
            continue;
        };
        let Some(attribute) = text.strip_prefix("a=") else {
            continue;
        };
        line.attributes.push(attribute);
        if let Some(mid) = attribute.strip_prefix("mid:") {
            line.mid = Some(mid.trim());
        } else if let Some(ssrc) = attribute.strip_prefix("ssrc:") {
            line.ssrcs
                .extend(ssrc.split(' ').next().and_then(|n| n.parse::<u32>().ok()));
        } else if matches!(
            attribute.trim(),
            "sendrecv" | "sendonly" | "recvonly" | "inactive"
        ) {
            line.direction = Some(attribute.trim());
        }
    }
    lines
}

fn check_mids(lines: &[Line<'_>]) -> Result<(), Refused> {
    let mut seen: Vec<&str> = Vec::with_capacity(lines.len());
    for line in lines {
        match line.mid {
            // The core pads mids and replaces what is not alphanumeric; those would not be the same.
            Some(mid)
                if !mid.is_empty()
                    && mid.len() <= MAX_MID
                    && mid.bytes().all(|b| b.is_ascii_alphanumeric())
                    && !seen.contains(&mid) =>
            {
                seen.push(mid);
            }
            _ => return Err(Refused::Mid(line.index)),
        }
    }
    Ok(())
}

/// Take the data channel's line out: the fourth or the last, and the only one.
fn take_channel(lines: &mut Vec<Line<'_>>) -> Result<(), Refused> {
    let last = lines.len().saturating_sub(1);
    for index in [FIXED_LINES, last] {
        if lines.get(index).is_some_and(|l| l.kind == "application") {
            lines.remove(index);
            return Ok(());
        }
    }
    Err(Refused::Order {
        index: last,
        expected: "application (data channel)",
    })
}

fn expect(
    lines: &[Line<'_>],
    index: usize,
    kind: &str,
    direction: &str,
    expected: &'static str,
) -> Result<(), Refused> {
    match lines.get(index) {
        Some(line) if line.kind == kind && line.direction == Some(direction) => Ok(()),
        _ => Err(Refused::Order { index, expected }),
    }
}

/// How many audio and camera slots follow the fixed lines; the last video line is the screen's.
fn count_slots(lines: &[Line<'_>]) -> Result<(usize, usize), Refused> {
    let slots = &lines[FIXED_LINES..];
    let audio = slots.iter().take_while(|l| l.kind == "audio").count();
    let video = slots.len() - audio;
    for (offset, line) in slots.iter().enumerate() {
        let (kind, expected) = if offset < audio {
            ("audio", "audio recvonly (slot)")
        } else {
            ("video", "video recvonly (slot)")
        };
        if line.kind != kind || line.direction != Some("recvonly") {
            return Err(Refused::Order {
                index: line.index,
                expected,
            });
        }
    }
    if !(1..=MAX_AUDIO_SLOTS).contains(&audio) {
        return Err(Refused::Slots {
            kind: "audio",
            count: audio,
            low: 1,
            high: MAX_AUDIO_SLOTS,
        });
    }
    // One more than the camera slots: the screen's.
    if !(2..=MAX_VIDEO_SLOTS + 1).contains(&video) {
        return Err(Refused::Slots {
            kind: "video",
            count: video,
            low: 2,
            high: MAX_VIDEO_SLOTS + 1,
        });
    }
    Ok((audio, video - 1))
}

/// The camera's layers; nothing else may have any.
fn take_simulcast(lines: &[Line<'_>]) -> Result<Simulcast, Refused> {
    let camera = Source::Camera as usize;
    let others = lines.iter().enumerate().filter(|(at, _)| *at != camera);
    if others
        .into_iter()
        .any(|(_, line)| line.has(|a| a.starts_with("simulcast:")))
    {
        return Err(Refused::Simulcast);
    }
    Simulcast::of(lines[camera].attributes.iter().copied()).ok_or(Refused::Simulcast)
}

/// With simulcast the camera's packets name their layers, whether it declares SSRCs or not.
fn declared_ssrcs(lines: &[Line<'_>]) -> (HashMap<u32, Source>, bool) {
    let mut ssrcs = HashMap::new();
    let mut undeclared = false;
    for (line, source) in lines.iter().zip(Source::ALL) {
        undeclared |= line.ssrcs.is_empty() && !line.has(|a| a.starts_with("simulcast:"));
        ssrcs.extend(line.ssrcs.iter().map(|ssrc| (*ssrc, source)));
    }
    (ssrcs, undeclared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(lines: &[(&str, &str)]) -> String {
        let mut sdp =
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA\r\n"
                .to_owned();
        for (mid, (kind, direction)) in lines.iter().enumerate() {
            sdp += &format!("m={kind} 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{mid}\r\na={direction}\r\n");
        }
        sdp
    }

    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            ("audio", "sendonly"),
            ("video", "sendonly"),
            ("video", "sendonly"),
            ("application", "x"),
            ("audio", "recvonly"),
            ("audio", "recvonly"),
            ("video", "recvonly"),
            ("video", "recvonly"),
        ]
    }

    #[test]
    fn the_expected_order_is_understood() {
        let shape = Shape::of(&offer(&good())).unwrap();
        assert_eq!(shape.audio_slots, [Mid::from("4"), Mid::from("5")]);
        assert_eq!(shape.video_slots, [Mid::from("6")]);
        assert_eq!(shape.screen_slot, Mid::from("7"));
        assert!(shape.undeclared);
    }

    #[test]
    fn the_data_channel_may_come_last_but_not_anywhere_nor_twice() {
        let mut lines = good();
        let channel = lines.remove(3);
        assert!(Shape::of(&offer(&lines)).is_err());
        for at in 0..=lines.len() {
            let mut moved = lines.clone();
            moved.insert(at, channel);
            let shape = Shape::of(&offer(&moved));
            assert_eq!(shape.is_ok(), at == 3 || at == lines.len(), "at {at}");
        }
        lines.insert(3, channel);
        lines.push(channel);
        assert!(Shape::of(&offer(&lines)).is_err());
    }

    #[test]
    fn every_swap_of_two_unlike_lines_is_refused() {
        let good = good();
        for a in 0..good.len() {
            for b in 0..a {
                let mut lines = good.clone();
                lines.swap(a, b);
                if lines != good {
                    let refused = Shape::of(&offer(&lines)).unwrap_err();
                    assert_eq!(refused.status(), 488, "{a} and {b} swapped: {refused}");
                }
            }
        }
    }

    #[test]
    fn an_offer_without_a_key_is_refused() {
        let plain = offer(&good()).replace("a=fingerprint:sha-256 AA\r\n", "");
        assert_eq!(Shape::of(&plain).unwrap_err(), Refused::NoKey);
    }

    #[test]
    fn slots_have_limits() {
        let mut lines = good();
        lines.extend(std::iter::repeat_n(("video", "recvonly"), 25));
        assert!(matches!(
            Shape::of(&offer(&lines)).unwrap_err(),
            Refused::Slots {
                kind: "video",
                count: 27,
                ..
            }
        ));
        let mut lines = good();
        lines.truncate(7);
        assert!(matches!(
            Shape::of(&offer(&lines)).unwrap_err(),
            Refused::Slots { count: 1, .. }
        ));
        assert!(Shape::of(&offer(&good()[..3])).is_err());
        assert!(Shape::of("").is_err());
    }

    #[test]
    fn a_mid_that_would_change_on_the_way_is_refused() {
        for bad in ["a=mid:a-b", "a=mid:12345678901234567", "a=mid:", "a=mid:0"] {
            let sdp = offer(&good()).replace("a=mid:5", bad);
            assert_eq!(Shape::of(&sdp).unwrap_err(), Refused::Mid(5));
        }
    }

    #[test]
    fn candidates_are_taken_out() {
        let sdp =
            "v=0\r\nm=audio 9 X 0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=mid:0\r\n";
        assert_eq!(
            without_candidates(sdp),
            "v=0\r\nm=audio 9 X 0\r\na=mid:0\r\n"
        );
    }
}
