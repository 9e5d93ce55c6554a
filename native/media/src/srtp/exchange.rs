//! A sender and a receiver against each other, and an attacker between them.

use proptest::prelude::*;

use super::*;
use crate::rtp::{Header, Malformed};

const SSRC: u32 = 0x1234_5678;

fn master(suite: Suite) -> Vec<u8> {
    (100..).take(suite.master_length()).collect()
}

fn pair(suite: Suite) -> (SrtpSender, SrtpReceiver) {
    let master = master(suite);
    (
        SrtpSender::new(suite, &master).unwrap(),
        SrtpReceiver::new(suite, &master).unwrap(),
    )
}

fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    Header {
        marker: false,
        payload_type: 0,
        sequence,
        timestamp: 160,
        ssrc,
    }
    .write(&mut packet);
    packet.extend_from_slice(b"twenty milliseconds");
    packet
}

/// A receiver report without blocks.
fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0x81, 202, 0, 1, 9, 9, 9, 9]);
    packet
}

fn sealed(sender: &mut SrtpSender, sequence: u16) -> Vec<u8> {
    let mut packet = rtp(SSRC, sequence);
    sender.protect_rtp(&mut packet).unwrap();
    packet
}

fn receive(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<Vec<u8>, ReceiveRefused> {
    receiver
        .unprotect_rtp(&mut packet.to_vec())
        .map(|plain| plain.to_vec())
}

fn receive_rtcp(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<Vec<u8>, ReceiveRefused> {
    receiver
        .unprotect_rtcp(&mut packet.to_vec())
        .map(|plain| plain.to_vec())
}

#[test]
fn packets_come_through_unchanged_and_grow_by_the_tag() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packet = sealed(&mut sender, 1);
        assert_eq!(packet.len(), rtp(SSRC, 1).len() + suite.tag_length());
        assert!(!packet.windows(6).any(|part| part == b"twenty"));
        assert_eq!(receive(&mut receiver, &packet), Ok(rtp(SSRC, 1)));

        let mut report = rtcp(SSRC);
        sender.protect_rtcp(&mut report).unwrap();
        assert_eq!(report.len(), rtcp(SSRC).len() + suite.tag_length() + 4);
        assert!(report.len() <= rtcp(SSRC).len() + MAX_OVERHEAD);
        assert_eq!(receive_rtcp(&mut receiver, &report), Ok(rtcp(SSRC)));
    }
}

#[test]
fn contributing_sources_extension_and_padding_come_through() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let mut packet = rtp(SSRC, 1);
        packet.truncate(12);
        packet[0] = 0xB1;
        packet.extend_from_slice(&[0, 0, 0, 7, 0xBE, 0xDE, 0, 1, 0x10, 0x85, 0, 0, b'x', 0, 2]);
        let plain = packet.clone();
        sender.protect_rtp(&mut packet).unwrap();
        assert_eq!(packet[..24], plain[..24], "the header stays readable");
        assert_eq!(receive(&mut receiver, &packet), Ok(plain));
    }
}

#[test]
fn an_empty_payload_comes_through() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let mut packet = rtp(SSRC, 1);
        packet.truncate(12);
        let plain = packet.clone();
        sender.protect_rtp(&mut packet).unwrap();
        assert_eq!(receive(&mut receiver, &packet), Ok(plain));
    }
}

#[test]
fn a_replay_is_refused() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packet = sealed(&mut sender, 1);
        assert!(receive(&mut receiver, &packet).is_ok());
        assert_eq!(
            receive(&mut receiver, &packet),
            Err(ReceiveRefused::Replayed)
        );

        let mut report = rtcp(SSRC);
        sender.protect_rtcp(&mut report).unwrap();
        assert!(receive_rtcp(&mut receiver, &report).is_ok());
        assert_eq!(
            receive_rtcp(&mut receiver, &report),
            Err(ReceiveRefused::Replayed)
        );
    }
}

#[test]
fn late_packets_are_taken_as_long_as_the_window_reaches() {
    let (mut sender, mut receiver) = pair(Suite::AeadAes256Gcm);
    let packets: Vec<_> = (0..=128)
        .map(|sequence| sealed(&mut sender, sequence))
        .collect();
    assert!(receive(&mut receiver, &packets[128]).is_ok());
    assert_eq!(
        receive(&mut receiver, &packets[0]),
        Err(ReceiveRefused::Replayed)
    );
    assert!(receive(&mut receiver, &packets[1]).is_ok());
    assert_eq!(
        receive(&mut receiver, &packets[1]),
        Err(ReceiveRefused::Replayed)
    );
}

#[test]
fn every_altered_bit_is_noticed_and_harms_nothing() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packet = sealed(&mut sender, 1);
        let mut report = rtcp(SSRC);
        sender.protect_rtcp(&mut report).unwrap();
        for bit in 0..packet.len() * 8 {
            let mut altered = packet.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(
                receive(&mut receiver, &altered).is_err(),
                "{suite:?} RTP bit {bit}"
            );
        }
        for bit in 0..report.len() * 8 {
            let mut altered = report.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(
                receive_rtcp(&mut receiver, &altered).is_err(),
                "{suite:?} RTCP bit {bit}"
            );
        }
        assert!(receive(&mut receiver, &packet).is_ok());
        assert!(receive_rtcp(&mut receiver, &report).is_ok());
    }
}

#[test]
fn another_key_opens_nothing() {
    for suite in Suite::ALL {
        let mut other = master(suite);
        other[0] ^= 1;
        let (mut sender, _) = pair(suite);
        let mut receiver = SrtpReceiver::new(suite, &other).unwrap();
        let packet = sealed(&mut sender, 1);
        assert_eq!(receive(&mut receiver, &packet), Err(ReceiveRefused::Forged));
        let mut report = rtcp(SSRC);
        sender.protect_rtcp(&mut report).unwrap();
        assert_eq!(
            receive_rtcp(&mut receiver, &report),
            Err(ReceiveRefused::Forged)
        );
    }
}

#[test]
fn another_salt_opens_nothing() {
    for suite in Suite::ALL {
        let mut other = master(suite);
        *other.last_mut().unwrap() ^= 1;
        let (mut sender, _) = pair(suite);
        let mut receiver = SrtpReceiver::new(suite, &other).unwrap();
        assert_eq!(
            receive(&mut receiver, &sealed(&mut sender, 1)),
            Err(ReceiveRefused::Forged)
        );
    }
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    for suite in Suite::ALL {
        let long = vec![0; suite.master_length() + 1];
        let expected = suite.master_length();
        let refused = KeyRefused::Length {
            expected,
            actual: expected + 1,
        };
        assert_eq!(SrtpSender::new(suite, &long).unwrap_err(), refused);
        assert_eq!(SrtpReceiver::new(suite, &long).unwrap_err(), refused);
        assert!(SrtpReceiver::new(suite, &[]).is_err());
    }
}

#[test]
fn the_sequence_rolls_over_with_losses_and_reordering() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packets: Vec<_> = (0..40)
            .map(|step| sealed(&mut sender, 65_520u16.wrapping_add(step)))
            .collect();
        for step in [0, 1, 15, 17, 14, 16, 30, 2, 39] {
            assert!(
                receive(&mut receiver, &packets[step]).is_ok(),
                "{suite:?} packet {step}"
            );
        }
        for step in [0, 15, 16, 17] {
            assert_eq!(
                receive(&mut receiver, &packets[step]),
                Err(ReceiveRefused::Replayed)
            );
        }
    }
}

/// 2^16 packets later the same sequence number means another index, nonce and tag.
#[test]
fn a_packet_of_the_cycle_before_is_not_taken_again() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let old = sealed(&mut sender, 7);
        assert!(receive(&mut receiver, &old).is_ok());
        sender.set_progress(SSRC, 0x1_0006, 0);
        receiver.set_progress(SSRC, 0x1_0006, 0);
        let new = sealed(&mut sender, 7);
        assert_ne!(new, old);
        assert_eq!(receive(&mut receiver, &old), Err(ReceiveRefused::Forged));
        assert_eq!(receive(&mut receiver, &new), Ok(rtp(SSRC, 7)));
    }
}

#[test]
fn indexes_cross_two_to_the_32() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        sender.set_progress(SSRC, 0xFFFF_FFFE, 0);
        receiver.set_progress(SSRC, 0xFFFF_FFFE, 0);
        for sequence in [0xFFFF, 0, 1] {
            let packet = sealed(&mut sender, sequence);
            assert_eq!(receive(&mut receiver, &packet), Ok(rtp(SSRC, sequence)));
            assert_eq!(
                receive(&mut receiver, &packet),
                Err(ReceiveRefused::Replayed)
            );
        }
    }
}

#[test]
fn a_master_key_ends_with_its_last_index() {
    let (mut sender, mut receiver) = pair(Suite::AeadAes128Gcm);
    sender.set_progress(SSRC, (1 << 48) - 2, (1 << 31) - 1);
    receiver.set_progress(SSRC, (1 << 48) - 2, 0);
    let last = sealed(&mut sender, 0xFFFF);
    assert!(receive(&mut receiver, &last).is_ok());
    assert_eq!(
        sender.protect_rtp(&mut rtp(SSRC, 0)),
        Err(SendRefused::KeyExhausted)
    );
    assert!(sender.protect_rtcp(&mut rtcp(SSRC)).is_ok());
    assert_eq!(
        sender.protect_rtcp(&mut rtcp(SSRC)),
        Err(SendRefused::KeyExhausted)
    );
}

#[test]
fn a_sender_never_uses_an_index_twice() {
    let (mut sender, _) = pair(Suite::AeadAes128Gcm);
    sealed(&mut sender, 500);
    sealed(&mut sender, 498);
    assert_eq!(
        sender.protect_rtp(&mut rtp(SSRC, 500)),
        Err(SendRefused::Repeated)
    );
    assert_eq!(
        sender.protect_rtp(&mut rtp(SSRC, 498)),
        Err(SendRefused::Repeated)
    );
    assert_eq!(
        sender.protect_rtp(&mut rtp(SSRC, 300)),
        Err(SendRefused::Repeated)
    );
}

#[test]
fn only_authentic_sources_count_against_the_cap() {
    let (_, mut receiver) = pair(Suite::AeadAes128Gcm);
    for ssrc in 0..1000 {
        let mut forged = rtp(ssrc, 1);
        forged.extend_from_slice(&[0; 16]);
        assert_eq!(receive(&mut receiver, &forged), Err(ReceiveRefused::Forged));
    }
    let (mut sender, _) = pair(Suite::AeadAes128Gcm);
    for ssrc in 0..=u32::try_from(MAX_SOURCES).unwrap() {
        // A sender has the same cap, so each source gets one of its own.
        if ssrc == 10 {
            sender = pair(Suite::AeadAes128Gcm).0;
        }
        let mut packet = rtp(ssrc, 1);
        sender.protect_rtp(&mut packet).unwrap();
        let refused = ssrc as usize == MAX_SOURCES;
        let expected = if refused {
            Err(ReceiveRefused::TooManySources)
        } else {
            Ok(rtp(ssrc, 1))
        };
        assert_eq!(receive(&mut receiver, &packet), expected);
    }
}

#[test]
fn a_sender_caps_its_sources() {
    let (mut sender, _) = pair(Suite::AeadAes128Gcm);
    for ssrc in 0..u32::try_from(MAX_SOURCES).unwrap() {
        sender.protect_rtp(&mut rtp(ssrc, 1)).unwrap();
    }
    assert_eq!(
        sender.protect_rtp(&mut rtp(99, 1)),
        Err(SendRefused::TooManySources)
    );
    assert_eq!(
        sender.protect_rtcp(&mut rtcp(99)),
        Err(SendRefused::TooManySources)
    );
}

#[test]
fn unencrypted_rtcp_is_refused() {
    for suite in Suite::ALL {
        let (_, mut receiver) = pair(suite);
        let mut packet = rtcp(SSRC);
        packet.extend_from_slice(&[0; 20]);
        assert_eq!(
            receive_rtcp(&mut receiver, &packet),
            Err(ReceiveRefused::Unencrypted)
        );
    }
}

#[test]
fn cut_packets_are_refused() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packet = sealed(&mut sender, 1);
        let mut report = rtcp(SSRC);
        sender.protect_rtcp(&mut report).unwrap();
        for length in 0..packet.len() {
            assert!(receive(&mut receiver, &packet[..length]).is_err());
        }
        for length in 0..report.len() {
            assert!(receive_rtcp(&mut receiver, &report[..length]).is_err());
        }
        assert_eq!(
            sender.protect_rtp(&mut vec![0x80]),
            Err(Malformed::Truncated.into())
        );
        assert_eq!(
            sender.protect_rtcp(&mut vec![0x80; 7]),
            Err(SendRefused::Truncated)
        );
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let (sender, receiver) = pair(Suite::AeadAes128Gcm);
    for text in [format!("{sender:?}"), format!("{receiver:?}")] {
        assert!(!text.contains("key") && !text.contains("salt"), "{text}");
    }
}

fn any_suite() -> impl Strategy<Value = Suite> {
    prop::sample::select(Suite::ALL.to_vec())
}

proptest! {
    #[test]
    fn no_bytes_make_a_receiver_panic(
        suite in any_suite(), first in 0x80u8..0xC0, rest in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let (_, mut receiver) = pair(suite);
        let mut bytes = vec![first];
        bytes.extend(rest);
        prop_assert!(receiver.unprotect_rtp(&mut bytes.clone()).is_err());
        prop_assert!(receiver.unprotect_rtcp(&mut bytes).is_err());
    }

    #[test]
    fn any_payload_comes_through(
        suite in any_suite(), sequence: u16, payload in prop::collection::vec(any::<u8>(), 0..1400)
    ) {
        let (mut sender, mut receiver) = pair(suite);
        let mut packet = rtp(SSRC, sequence);
        packet.extend(payload);
        let plain = packet.clone();
        sender.protect_rtp(&mut packet).unwrap();
        prop_assert_eq!(receive(&mut receiver, &packet), Ok(plain));
    }
}
