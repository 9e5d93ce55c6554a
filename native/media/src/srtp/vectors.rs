//! The test vectors of RFC 3711 appendix B and RFC 7714 sections 16 and 17.

use super::derivation::{Master, Purpose, Stream, apply_keystream, counter_cipher};
use super::suite::Suite;
use super::transform::{ENCRYPTED, Transform};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

#[test]
fn rfc_3711_b_2_counter_mode() {
    let cipher = counter_cipher(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let block = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    let mut stream = vec![0; 0xFF02 * 16];
    apply_keystream(&cipher, block, &mut stream).unwrap();
    assert_eq!(stream[..16], hex("E03EAD0935C95E80E166B16DD92B4EB4"));
    assert_eq!(stream[16..32], hex("D23513162B02D0F72A43A2FE4A5F97AB"));
    assert_eq!(stream[32..48], hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
    assert_eq!(
        stream[0xFEFF * 16..0xFF00 * 16],
        hex("EC8CDF7398607CB0F2D21675EA9EA1E4")
    );
    assert_eq!(
        stream[0xFF00 * 16..0xFF01 * 16],
        hex("362B7C3C6773516318A077D7FC5073AE")
    );
    assert_eq!(
        stream[0xFF01 * 16..],
        hex("6A2CC3787889374FBEB4C81B17BA6C44")
    );
}

#[test]
fn rfc_3711_b_3_key_derivation() {
    let material = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = Master::new(Suite::AesCm128HmacSha1_80, &material).unwrap();
    let derive = |purpose, length| {
        let mut key = vec![0xAA; length];
        master.derive(Stream::Rtp, purpose, &mut key).unwrap();
        key
    };
    assert_eq!(
        derive(Purpose::Encryption, 16),
        hex("C61E7A93744F39EE10734AFE3FF7A087")
    );
    assert_eq!(
        derive(Purpose::Salt, 14),
        hex("30CBBC08863D8C85D49DB34A9AE1")
    );
    let authentication = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(derive(Purpose::Authentication, 94), hex(authentication));
}

const SESSION_SALT: &str = "517569642070726f2071756f";
const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
    69736120 696e2070 61727465 73207472 6573";
const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
    deadbeef deadbeef deadbeef deadbeef deadbeef";
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

/// The session key of RFC 7714 section 16: octets that count up from zero.
fn galois(suite: Suite) -> Transform {
    let key: Vec<u8> = (0..32).take(suite.key_length()).collect();
    Transform::from_session(suite, &key, &hex(SESSION_SALT), &[]).unwrap()
}

fn check_rtp(suite: Suite, sealed: &str) {
    let mut packet = hex(RTP);
    galois(suite)
        .seal_rtp(&mut packet, 12, RTP_SSRC, RTP_INDEX)
        .unwrap();
    assert_eq!(packet, hex(sealed));
    let length = galois(suite)
        .open_rtp(&mut packet, 12, RTP_SSRC, RTP_INDEX)
        .unwrap();
    assert_eq!(packet[..length], hex(RTP));
}

fn check_rtcp(suite: Suite, sealed: &str) {
    let mut packet = hex(RTCP);
    galois(suite)
        .seal_rtcp(&mut packet, RTCP_SSRC, RTCP_INDEX)
        .unwrap();
    assert_eq!(packet, hex(sealed));
    let word = galois(suite).rtcp_word(&packet).unwrap();
    assert_eq!(word, ENCRYPTED | RTCP_INDEX);
    let length = galois(suite)
        .open_rtcp(&mut packet, RTCP_SSRC, word)
        .unwrap();
    assert_eq!(packet[..length], hex(RTCP));
}

#[test]
fn rfc_7714_16_1_rtp_aes_128() {
    let sealed = "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
        0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce";
    check_rtp(Suite::AeadAes128Gcm, sealed);
}

#[test]
fn rfc_7714_16_2_rtp_aes_256() {
    let sealed = "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
        9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";
    check_rtp(Suite::AeadAes256Gcm, sealed);
}

#[test]
fn rfc_7714_17_1_rtcp_aes_128() {
    let sealed = "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
        c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4";
    check_rtcp(Suite::AeadAes128Gcm, sealed);
}

#[test]
fn rfc_7714_17_2_rtcp_aes_256() {
    let sealed = "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
        a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4";
    check_rtcp(Suite::AeadAes256Gcm, sealed);
}

/// The packet of libsrtp's and str0m's own checks, keyed by the master key of their test suites:
/// proves the whole way from master key to tag for counter mode.
#[test]
fn counter_mode_agrees_with_libsrtp() {
    let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let master = Master::new(Suite::AesCm128HmacSha1_80, &master).unwrap();
    let transform = Transform::derive(Suite::AesCm128HmacSha1_80, &master, Stream::Rtp).unwrap();
    let mut packet = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    transform
        .seal_rtp(&mut packet, 12, 0xcafe_babe, 0x1234)
        .unwrap();
    let sealed = "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402
        b78d6acc 99ea179b 8dbb";
    assert_eq!(packet, hex(sealed));
}
