//! Reports written and read, and what is none.

use proptest::prelude::*;

use super::*;

fn sender() -> SenderInfo {
    SenderInfo {
        ntp: 0x0102_0304_0506_0708,
        rtp_timestamp: 160,
        packets: 7,
        octets: 1_120,
    }
}

fn block() -> ReportBlock {
    ReportBlock {
        ssrc: 5,
        fraction_lost: 12,
        total_lost: -3,
        highest_sequence: 0x1_0002,
        jitter: 44,
        last_report: 9,
        delay: 10,
    }
}

#[test]
fn a_sender_report_is_written_and_read() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, 77, Some(&sender()), &[block()], "random");
    write_goodbye(&mut bytes, 77);
    let parts: Vec<_> = parse(&bytes).unwrap().collect();
    let [
        Part::SenderReport {
            ssrc,
            sender: info,
            blocks,
        },
        Part::Other(SOURCE_DESCRIPTION),
        bye,
    ] = parts[..]
    else {
        panic!("{parts:?}");
    };
    assert_eq!((ssrc, info), (77, sender()));
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [block()]);
    let Part::Goodbye(sources) = bye else {
        panic!("{bye:?}")
    };
    assert_eq!(sources.iter().collect::<Vec<_>>(), [77]);
}

#[test]
fn a_receiver_report_is_written_and_read() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, 77, None, &[], "name");
    let first = parse(&bytes).unwrap().next().unwrap();
    let Part::ReceiverReport { ssrc: 77, blocks } = first else {
        panic!("{first:?}")
    };
    assert_eq!(blocks.iter().count(), 0);
}

#[test]
fn the_octets_are_those_of_the_standard() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, 0x0102_0304, None, &[], "ab");
    let expected = [
        0x80, 201, 0, 1, 1, 2, 3, 4, // receiver report
        0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0, // description, padded
    ];
    assert_eq!(bytes, expected);
}

#[test]
fn names_of_any_length_fill_whole_words() {
    for length in 0..300 {
        let mut bytes = Vec::new();
        write_report(&mut bytes, 1, None, &[], &"x".repeat(length));
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(parse(&bytes).unwrap().count(), 2);
    }
}

#[test]
fn more_blocks_than_fit_are_left_out() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, 1, None, &[block(); 40], "x");
    let first = parse(&bytes).unwrap().next().unwrap();
    let Part::ReceiverReport { blocks, .. } = first else {
        panic!("{first:?}")
    };
    assert_eq!(blocks.iter().count(), 31);
}

#[test]
fn what_is_no_compound_packet_is_refused() {
    let refused = |bytes: &[u8]| parse(bytes).err();
    assert_eq!(refused(&[]), Some(RtcpMalformed::Truncated));
    assert_eq!(refused(&[0x80, 203, 0, 0]), Some(RtcpMalformed::Beginning));
    assert_eq!(
        refused(&[0x40, 201, 0, 1, 0, 0, 0, 1]),
        Some(RtcpMalformed::Version)
    );
    assert_eq!(
        refused(&[0x80, 201, 0, 2, 0, 0, 0, 1]),
        Some(RtcpMalformed::Truncated)
    );
    assert_eq!(refused(&[0x80, 201, 0, 0]), Some(RtcpMalformed::Truncated));
    assert_eq!(
        refused(&[0x81, 201, 0, 1, 0, 0, 0, 1]),
        Some(RtcpMalformed::Truncated)
    );
    assert_eq!(
        refused(&[0xA0, 201, 0, 1, 0, 0, 0, 9]),
        Some(RtcpMalformed::Truncated)
    );
    assert_eq!(
        refused(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x80]),
        Some(RtcpMalformed::Truncated)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_parts_or_a_refusal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(parts) = parse(&bytes) {
            prop_assert!(parts.count() <= bytes.len() / 4);
        }
    }

    #[test]
    fn likely_bytes_are_parts_or_a_refusal(
        count in 0u8..64, kind in 199u8..208, words in 0u8..40,
        rest in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let mut bytes = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0x80 | count, kind, 0, words];
        bytes.extend(rest);
        if let Ok(parts) = parse(&bytes) {
            for part in parts {
                if let Part::SenderReport { blocks, .. } | Part::ReceiverReport { blocks, .. } = part {
                    prop_assert!(blocks.iter().count() <= 31);
                }
            }
        }
    }
}
