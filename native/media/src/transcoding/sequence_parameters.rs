//! A stream's sequence parameters (ITU-T H.264 section 7.3.2.1.1) with what our encoder leaves out: that it is
//! constrained baseline, and that pictures are shown as they come. A decoder that isn't told so may hold back
//! as many as its level lets it.

/// The NAL unit's type, and the flags of constrained baseline (section A.2.1.1) and of level 1b.
const KIND: u8 = 7;
const CONSTRAINED: u8 = 0xe0;
const LEVEL_1B: u8 = 0x10;
/// Annex E: of all that could be said of a stream only its restrictions are, and of these, in this order: vectors
/// may point outside the picture, no limits of a picture's octets nor of a macroblock's bits, the longest vectors
/// (16, 16), no picture is shown out of order (0), one is kept (1).
const SHOWN_AT_ONCE: &str = "00000000 1 1 1 1 000010001 000010001 1 010";

/// The unit with more said, if it is such a unit; any other is as it was.
pub(super) fn completed(mut unit: Vec<u8>, is_1b: bool) -> Vec<u8> {
    let [head, _, flags, ..] = &mut unit[..] else {
        return unit;
    };
    if *head & 0x1f != KIND {
        return unit;
    }
    *flags |= CONSTRAINED | if is_1b { LEVEL_1B } else { 0 };
    let mut bits = bits(&unescaped(&unit));
    // The last bit that is set ends it. Before it is the flag that more is said.
    let end = bits.iter().rposition(|bit| *bit).unwrap_or_default();
    bits.truncate(end);
    match bits.last_mut() {
        Some(more) if !*more => *more = true,
        _ => return unit,
    }
    let said = SHOWN_AT_ONCE.chars().filter(|sign| *sign != ' ');
    bits.extend(said.map(|sign| sign == '1'));
    bits.push(true);
    escaped(&octets(&bits))
}

fn bits(octets: &[u8]) -> Vec<bool> {
    let each = |octet: &u8| {
        let octet = *octet;
        (0..8).map(move |bit| octet & (0x80 >> bit) != 0)
    };
    octets.iter().flat_map(each).collect()
}

fn octets(bits: &[bool]) -> Vec<u8> {
    let octet = |eight: &[bool]| {
        let set = (0..).zip(eight).filter(|(_, bit)| **bit);
        set.fold(0, |octet, (at, _)| octet | 0x80 >> at)
    };
    bits.chunks(8).map(octet).collect()
}

/// Without the octets that keep start codes out of a unit (section 7.4.1.1).
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for octet in unit {
        if zeros >= 2 && *octet == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *octet == 0 { zeros + 1 } else { 0 };
        out.push(*octet);
    }
    out
}

/// With them.
fn escaped(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + 4);
    let mut zeros = 0;
    for octet in plain {
        if zeros >= 2 && *octet <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if *octet == 0 { zeros + 1 } else { 0 };
        out.push(*octet);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_left_out_is_said_and_the_rest_stays() {
        // As the encoder writes it for 176x144, up to the flag that nothing more is said, and the end.
        let unit = [0x67, 0x42, 0x40, 0x0a, 0xe5, 0x41, 0x62, 0x72];
        let more = completed(unit.to_vec(), false);
        assert_eq!(more[..7], [0x67, 0x42, 0xe0, 0x0a, 0xe5, 0x41, 0x62]);
        // The last of 0x72 were the flag, the end and nothing; now the flag is set, and what is said follows.
        let said = "01110 1 00000000 1111 000010001 000010001 1 010 1";
        let said = said.chars().filter(|sign| *sign != ' ');
        let expected: Vec<bool> = said.map(|sign| sign == '1').collect();
        let came = bits(&unescaped(&more[7..]));
        assert_eq!(came[..expected.len()], expected);
        assert!(came[expected.len()..].iter().all(|bit| !bit));
        assert_eq!(completed(unit.to_vec(), true)[2], 0xf0);
    }

    #[test]
    fn other_units_stay_as_they_are() {
        for unit in [
            vec![],
            vec![0x67],
            vec![0x68, 0xcf, 4, 0x72],
            vec![0x65, 0, 0, 3, 1],
        ] {
            assert_eq!(completed(unit.clone(), false), unit);
        }
    }

    proptest! {
        #[test]
        fn start_codes_are_kept_out(plain in prop::collection::vec(0_u8..5, 0..40)) {
            let unit = escaped(&plain);
            prop_assert!(unit.windows(3).all(|three| three[..2] != [0, 0] || three[2] > 2));
            prop_assert_eq!(unescaped(&unit), plain);
        }
    }
}
