//! FINGERPRINT (RFC 8489 section 14.7): a CRC-32 that tells STUN from other protocols on the same port.

const TABLE: [u32; 256] = table();
const XOR: u32 = 0x5354_554e;

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    while place < 256 {
        let mut value = place as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[place] = value;
        place += 1;
    }
    table
}

/// The value for a message up to, but without, the attribute; its length must count the attribute.
#[must_use]
pub fn fingerprint(message: &[u8]) -> u32 {
    let step = |crc: u32, &octet: &u8| crc >> 8 ^ TABLE[(crc as u8 ^ octet) as usize];
    !message.iter().fold(u32::MAX, step) ^ XOR
}
