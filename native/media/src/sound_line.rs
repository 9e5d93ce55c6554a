//! The one m-line of a description that a call of two by WebRTC is about: sound, both ways.
//!
//! What stands beside it (pictures, data channels) is refused, and never reaches the core.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use str0m::media::Mid;

use crate::error::Refused;
use crate::events::Source;
use crate::offer::{MAX_MID, MAX_OFFER};

/// What was found in a description, an offer or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundLine {
    /// Its name.
    pub mid: Mid,
    /// The description as if it had no other line, without candidates (see `without_candidates`).
    pub alone: String,
    /// SSRCs that it declares.
    pub ssrcs: HashMap<u32, Source>,
    /// By which name the other end's ICE agent goes.
    pub ufrag: String,
    /// What an answer says to every line: `None` for this one, text that refuses the others.
    replies: Vec<Option<String>>,
}

impl SoundLine {
    /// Find the first line of sound that is in use.
    pub fn of(description: &str) -> Result<Self, Refused> {
        if description.len() > MAX_OFFER {
            return Err(Refused::TooLarge);
        }
        let (session, media) = sections(description);
        let index = media.iter().position(|lines| is_active_sound(lines));
        let index = index.ok_or(Refused::NoSound)?;
        let lines = &media[index];
        let has = |name: &str| value(lines, name).or_else(|| value(&session, name));
        has("a=fingerprint:").ok_or(Refused::NoKey)?;
        let mid = value(lines, "a=mid:").filter(|mid| is_plain(mid));
        let mid = mid.ok_or(Refused::Mid(index))?;
        let ufrag = has("a=ice-ufrag:").ok_or(Refused::NoIce)?.to_owned();
        let mut replies: Vec<_> = media.iter().map(|lines| Some(refusal_of(lines))).collect();
        replies[index] = None;
        Ok(Self {
            mid: Mid::from(mid),
            alone: alone(&session, lines, mid),
            ssrcs: ssrcs(lines),
            ufrag,
            replies,
        })
    }

    /// The answer to the whole offer, from the answer to it without its other lines.
    pub fn complete(&self, answer: &str) -> String {
        let (session, media) = answer.split_at(answer.find("m=").unwrap_or(answer.len()));
        let replies = self.replies.iter();
        let replies = replies.map(|reply| reply.as_deref().unwrap_or(media));
        session.to_owned() + &replies.collect::<String>()
    }
}

/// A description of ours with our address where those look who know no trickled candidates (RFC 8839 section
/// 4.2.1.2); the core writes none.
pub fn placed(description: &str, address: SocketAddr) -> String {
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => ("IP4", ip.to_string()),
        IpAddr::V6(ip) => ("IP6", ip.to_string()),
    };
    description
        .replace("m=audio 9 ", &format!("m=audio {} ", address.port()))
        .replace("c=IN IP4 0.0.0.0", &format!("c=IN {family} {ip}"))
}

/// Lines, however they end: who takes a lone CR for an end must not find more of them than we do.
fn lines(description: &str) -> impl Iterator<Item = &str> {
    let lines = description.split(['\r', '\n']);
    lines.filter(|line| !line.is_empty())
}

/// The session's lines, and those of each m-line.
fn sections(description: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut session = Vec::new();
    let mut media: Vec<Vec<&str>> = Vec::new();
    for line in lines(description) {
        if line.starts_with("m=") {
            media.push(vec![line]);
        } else {
            media.last_mut().unwrap_or(&mut session).push(line);
        }
    }
    (session, media)
}

fn is_active_sound(lines: &[&str]) -> bool {
    let mut parts = lines[0].split(' ');
    let is_sound = parts.next() == Some("m=audio");
    // With port 0 it is refused, unless it shares the port of the line that it is bundled with (RFC 8843).
    let is_active = parts.next() != Some("0") || lines.contains(&"a=bundle-only");
    is_sound && is_active
}

fn value<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    let found = lines.iter().find_map(|line| line.strip_prefix(name));
    found.map(str::trim)
}

/// Whether the core carries a mid unchanged.
fn is_plain(mid: &str) -> bool {
    !mid.is_empty() && mid.len() <= MAX_MID && mid.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn ssrcs(lines: &[&str]) -> HashMap<u32, Source> {
    let declared = lines.iter().filter_map(|line| line.strip_prefix("a=ssrc:"));
    let numbers = declared.filter_map(|text| text.split(' ').next()?.parse().ok());
    numbers.map(|ssrc| (ssrc, Source::Audio)).collect()
}

fn alone(session: &[&str], lines: &[&str], mid: &str) -> String {
    let mut text = String::new();
    let candidate =
        |line: &str| line.starts_with("a=candidate:") || line.starts_with("a=end-of-candidates");
    for line in session.iter().filter(|line| !line.starts_with("a=group:")) {
        text += &format!("{line}\r\n");
    }
    text += &format!("a=group:BUNDLE {mid}\r\n");
    for line in lines.iter().filter(|line| !candidate(line)) {
        text += &format!("{line}\r\n");
    }
    text
}

/// RFC 3264 section 6: port 0, and one of the formats that were offered.
fn refusal_of(lines: &[&str]) -> String {
    let mut parts = lines[0].split(' ');
    let (kind, _, protocol) = (parts.next(), parts.next(), parts.next());
    let format = parts.next().unwrap_or("0");
    let (kind, protocol) = (kind.unwrap_or("m=audio"), protocol.unwrap_or("RTP/SAVP"));
    let mut text = format!("{kind} 0 {protocol} {format}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n");
    // Readers of answers want to know the format, and which line it is.
    for name in ["a=mid:".to_owned(), format!("a=rtpmap:{format} ")] {
        let said = lines.iter().find(|line| line.starts_with(&name));
        text.extend(said.map(|line| format!("{line}\r\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        a=fingerprint:sha-256 AA\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:0\r\na=ssrc:5 cname:x\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=ice-ufrag:name\r\na=ssrc:6 cname:x\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    #[test]
    fn our_address_stands_in_what_we_say() {
        let text = "v=0\r\nm=audio 9 X 111\r\nc=IN IP4 0.0.0.0\r\n";
        let placed = |address: &str| placed(text, address.parse().unwrap());
        assert_eq!(
            placed("192.0.2.1:50"),
            "v=0\r\nm=audio 50 X 111\r\nc=IN IP4 192.0.2.1\r\n"
        );
        assert!(placed("[2001:db8::1]:50").contains("c=IN IP6 2001:db8::1\r\n"));
    }

    #[test]
    fn sound_is_found_beside_other_things() {
        let line = SoundLine::of(OFFER).unwrap();
        assert_eq!((line.mid, line.ufrag.as_str()), (Mid::from("1"), "name"));
        assert_eq!(line.ssrcs.keys().copied().collect::<Vec<_>>(), [6]);
        assert!(line.alone.contains("a=group:BUNDLE 1\r\n"));
        for gone in ["m=video", "m=application", "candidate", "BUNDLE 0"] {
            assert!(!line.alone.contains(gone), "{gone}");
        }
    }

    #[test]
    fn an_answer_has_as_many_lines_as_its_offer() {
        let line = SoundLine::of(OFFER).unwrap();
        let answer = line.complete("v=0\r\na=group:BUNDLE 1\r\nm=audio 9 X 111\r\na=mid:1\r\n");
        let starts: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=")).collect();
        assert_eq!(
            starts,
            [
                "m=video 0 UDP/TLS/RTP/SAVPF 96",
                "m=audio 9 X 111",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
            ]
        );
        assert_eq!(answer.matches("a=mid:").count(), 3);
    }

    #[test]
    fn what_can_be_no_call_is_refused() {
        let without = |what: &str| SoundLine::of(&OFFER.replace(what, ""));
        assert_eq!(without("a=fingerprint:sha-256 AA\r\n"), Err(Refused::NoKey));
        assert_eq!(without("a=ice-ufrag:name\r\n"), Err(Refused::NoIce));
        assert_eq!(without("a=mid:1\r\n"), Err(Refused::Mid(1)));
        let silent = OFFER.replace("m=audio 9", "m=audio 0");
        assert_eq!(SoundLine::of(&silent), Err(Refused::NoSound));
        assert!(SoundLine::of(&silent.replace("a=mid:1", "a=mid:1\r\na=bundle-only")).is_ok());
        assert_eq!(SoundLine::of(""), Err(Refused::NoSound));
    }

    #[test]
    fn a_lone_cr_hides_no_line() {
        let line = SoundLine::of(&OFFER.replace("a=mid:1\r\n", "a=mid:1\r\r\n\n")).unwrap();
        assert_eq!(line, SoundLine::of(OFFER).unwrap());
        let hidden = OFFER.replace("a=mid:1", "a=x\rm=video 9 UDP/TLS/RTP/SAVPF 96\ra=mid:1");
        assert_eq!(SoundLine::of(&hidden), Err(Refused::Mid(1)));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_there_is_one_line_left(
            noise in "[\\x20-\\x7e\\r\\n]{0,80}",
            at in 0..OFFER.len(),
        ) {
            let mut offer = OFFER.to_owned();
            offer.insert_str(at, &noise);
            for text in [noise, offer] {
                if let Ok(line) = SoundLine::of(&text) {
                    let media = |text: &str| lines(text).filter(|l| l.starts_with("m=")).count();
                    proptest::prop_assert_eq!(media(&line.alone), 1);
                    let name = format!("a=mid:{}\r\n", line.mid);
                    proptest::prop_assert!(line.alone.contains(&name));
                    let answer = line.complete("v=0\r\nm=audio 9 X 111\r\n");
                    proptest::prop_assert_eq!(media(&answer), media(&text));
                }
            }
        }
    }
}
