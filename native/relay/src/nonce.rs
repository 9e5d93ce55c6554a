//! Nonces that need no memory: the time they were made and a MAC over it and the client
//! (RFC 8489 section 9.2, RFC 8656 section 5).

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};

use crate::client::Client;

/// The nonce cookie and the security features, of which we have the first: password algorithms.
/// A client that sees it but no PASSWORD-ALGORITHMS knows that someone took them out (ATTACKS #29).
const COOKIE: &str = "obMatJos2gAAA";
/// Octets of the MAC; twice as many characters.
const TAG: usize = 12;
const TIME_DIGITS: usize = 10;

/// Makes and recognises nonces.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: hmac::Key,
    lifetime: Duration,
}

impl Nonces {
    pub(crate) fn new(secret: &[u8; 32], lifetime: Duration) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            lifetime,
        }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A nonce for this client at a time counted from the server's start.
    pub(crate) fn issue(&self, since_start: Duration, client: Client) -> String {
        let time = since_start.as_millis() as u64 & 0xff_ffff_ffff;
        let mut nonce = format!("{COOKIE}{time:010x}");
        for octet in self.tag(time, client) {
            nonce.push_str(&format!("{octet:02x}"));
        }
        nonce
    }

    /// When the nonce was issued, if it is ours, this client's, and still good.
    pub(crate) fn issued(
        &self,
        nonce: &[u8],
        since_start: Duration,
        client: Client,
    ) -> Option<Duration> {
        let rest = nonce.strip_prefix(COOKIE.as_bytes())?;
        let rest = std::str::from_utf8(rest).ok()?;
        if rest.len() != TIME_DIGITS + 2 * TAG || !rest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let (digits, _) = rest.split_at(TIME_DIGITS);
        let time = u64::from_str_radix(digits, 16).ok()?;
        let expected = self.issue(Duration::from_millis(time), client);
        constant_time::verify_slices_are_equal(expected.as_bytes(), nonce).ok()?;
        let issued = Duration::from_millis(time);
        (since_start.saturating_sub(issued) <= self.lifetime).then_some(issued)
    }

    fn tag(&self, time: u64, client: Client) -> [u8; TAG] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"nonce");
        context.update(&time.to_be_bytes());
        match client.address.ip() {
            IpAddr::V4(v4) => context.update(&v4.octets()),
            IpAddr::V6(v6) => context.update(&v6.octets()),
        }
        context.update(&client.address.port().to_be_bytes());
        context.update(&[client.listener]);
        if let Some(stream) = client.stream {
            context.update(&stream.to_be_bytes());
        }
        let mut tag = [0; TAG];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_nonce_is_good_for_its_client_and_its_time() {
        let nonces = Nonces::new(&[7; 32], MINUTE);
        let at = |text: &str| Client::from(text.parse::<std::net::SocketAddr>().unwrap());
        let (client, other) = (at("192.0.2.1:4000"), at("192.0.2.1:4001"));
        let by_stream = Client {
            stream: Some(1),
            ..client
        };
        let at_another_port = Client {
            listener: 1,
            ..client
        };
        let nonce = nonces.issue(MINUTE, client);
        let check = |nonce: &str, time, client| nonces.issued(nonce.as_bytes(), time, client);
        assert_eq!(check(&nonce, 2 * MINUTE, client), Some(MINUTE));
        assert_eq!(check(&nonce, 2 * MINUTE, other), None);
        assert_eq!(check(&nonce, 2 * MINUTE, by_stream), None);
        assert_eq!(check(&nonce, 2 * MINUTE, at_another_port), None);
        assert_eq!(check(&nonce, 3 * MINUTE, client), None);
        assert_eq!(check(&nonce.to_uppercase(), MINUTE, client), None);
        assert_eq!(check(&nonce[..46], MINUTE, client), None);
        let of_another_server = Nonces::new(&[8; 32], MINUTE).issue(MINUTE, client);
        assert_eq!(check(&of_another_server, MINUTE, client), None);
    }
}
