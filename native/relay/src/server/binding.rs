//! Binding: tells a client its own address, unproven, so never with much more than was asked.

use std::time::Instant;

use super::{Output, Server};
use crate::client::Client;
use crate::stun::attribute::{UNKNOWN_ATTRIBUTES, XOR_MAPPED_ADDRESS};
use crate::stun::{Class, Message, Writer, method};

impl Server {
    /// Answer with 32 octets (44 over IPv6, the least there is), and FINGERPRINT if the request had it:
    /// at most twice what was asked, counting the IP and UDP headers of both (RFC 8489 section 16.1).
    pub(super) fn binding(&mut self, now: Instant, client: Client, request: &Message<'_>) {
        if !self.throttle.admits(now, client.address) {
            self.counters.throttled += 1;
            return;
        }
        let unknown = request.unknown();
        let answer = if unknown.is_empty() {
            self.counters.bindings_answered += 1;
            Writer::new(Class::Success, method::BINDING, request.transaction)
                .address(XOR_MAPPED_ADDRESS, client.address)
        } else {
            // No phrase: it would make the answer larger than twice the request.
            self.counters.refused += 1;
            let list: Vec<u8> = unknown.iter().flat_map(|it| it.to_be_bytes()).collect();
            Writer::new(Class::Error, method::BINDING, request.transaction)
                .error(420, "")
                .attribute(UNKNOWN_ATTRIBUTES, &list)
        };
        let answer = if request.has_fingerprint {
            answer.fingerprint()
        } else {
            answer
        };
        let data = answer.finish();
        self.outputs.push_back(Output::Send { to: client, data });
    }
}
