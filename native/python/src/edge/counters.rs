//! What the edge has accepted and dropped, by listener and reason, since it started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Declares the things counted once, as variants and as the names that Python sees.
macro_rules! counts {
    ($($variant:ident $name:literal $says:literal),+ $(,)?) => {
        /// One thing that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Count { $(#[doc = $says] $variant),+ }

        /// Every count with its name, in the order of declaration.
        const NAMES: &[(Count, &str)] = &[$((Count::$variant, $name)),+];
    };
}

counts! {
    Accepted "accepted" "TCP connections that got as far as a handshake.",
    OverallLimit "refused_overall_limit" "Dropped before the handshake: too many connections at all.",
    AddressLimit "refused_address_limit" "Dropped before the handshake: too many of one address.",
    NetworkLimit "refused_network_limit" "Dropped before the handshake: too many of one /24 or /56.",
    AcceptRate "refused_accept_rate" "Dropped before the handshake: too many in too short a time.",
    NoIdentity "refused_no_identity" "Dropped because no certificate was set yet.",
    CertificateRefused "certificate_refused" "Handshakes with a certificate that isn't accepted.",
    NotTls "handshake_not_tls" "First bytes that were no TLS: plaintext, or garbage.",
    HandshakeAbandoned "handshake_abandoned" "Connections that the peer closed within the handshake.",
    HandshakeFailed "handshake_failed" "Other handshakes that came to nothing: no common version or cipher.",
    HandshakeTimeout "handshake_timeout" "Handshakes that did not finish in time.",
    FirstBytesTimeout "first_bytes_timeout" "Connections that said nothing, or not enough, after it.",
    UnknownProtocol "unknown_protocol" "First bytes that were neither SIP nor HTTP nor STUN.",
    ProtocolNotServed "protocol_not_served" "SIP at a web-only listener, HTTP at a SIP-only one, STUN where no relay is.",
    RelayStreams "relay_streams" "Connections handed to the relay.",
    HttpPassed "http_passed" "Connections handed to the ASGI application.",
    HttpRefused "http_refused" "HTTP request heads that were malformed.",
    HttpHeadTooLarge "http_head_too_large" "HTTP request heads that were too large.",
    HttpBackendFailed "http_backend_failed" "Connections for which the ASGI application wasn't there.",
    WebSocketRefused "websocket_refused" "Upgrades of a wrong Host, Origin, subprotocol or form.",
    FlowsOpened "flows_opened" "Flows that spoke SIP or were connected by us.",
    FlowsClosed "flows_closed" "Those of them that are over.",
    ConnectsFailed "connects_failed" "Outgoing connections that came to nothing.",
    MessagesReceived "messages_received" "Whole, sound SIP messages.",
    MessagesRefused "messages_refused" "Malformed ones.",
    MessagesTooLarge "messages_too_large" "Ones over the limit of size.",
    MessagesSent "messages_sent" "Messages queued for sending.",
    SendsRefused "sends_refused" "Messages not queued: the flow was gone or its queue full.",
    Throttled "throttled" "Pauses made because a flow sent faster than it may.",
    AddressShare "shed_address" "Messages turned away: too many of one address without proof.",
    NetworkShare "shed_network" "Messages turned away: too many of one /24 or /56 without proof.",
    PersonShare "shed_person" "Messages turned away: too many of one person.",
    GuestShare "shed_guest" "Messages turned away: too many of one meeting's guests at one address.",
    PartnerShare "shed_partner" "Messages turned away: too many of one partner.",
    Unproven "closed_unproven" "Flows on which nobody had proven who they are in time.",
    Incomplete "closed_incomplete" "Flows that began a message and didn't finish it in time.",
    NotReading "closed_not_reading" "Flows whose peer didn't take what was sent to it.",
    Idle "closed_idle" "Connections closed because nothing came for too long.",
    Distrusted "closed_distrusted" "Live connections ended because their certificate was revoked.",
}

/// The counters; adding to one is a relaxed atomic increment.
#[derive(Debug)]
pub struct Counters([AtomicU64; NAMES.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; NAMES.len()])
    }
}

impl Counters {
    /// Count one.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// Count several.
    pub fn add_many(&self, count: Count, many: usize) {
        self.0[count as usize].fetch_add(many as u64, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }

    /// All of them by name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NAMES.iter().map(|&(count, name)| (name, self.get(count)))
    }
}

/// The counters of each listener, and of what we connect to ourselves.
#[derive(Debug, Default)]
pub struct CountersByListener(Mutex<Vec<(String, Arc<Counters>)>>);

impl CountersByListener {
    /// Those of that name; listeners of one name are counted together.
    pub fn of(&self, name: &str) -> Arc<Counters> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counters)) = named.iter().find(|(known, _)| known == name) {
            return Arc::clone(counters);
        }
        let counters = Arc::<Counters>::default();
        named.push((name.to_owned(), Arc::clone(&counters)));
        counters
    }

    /// All of them.
    pub fn all(&self) -> Vec<(String, Arc<Counters>)> {
        let named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        named.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Counters, CountersByListener};

    #[test]
    fn listeners_are_told_apart() {
        let listeners = CountersByListener::default();
        listeners.of("sip").add(Count::Accepted);
        listeners.of("web").add_many(Count::Accepted, 2);
        listeners.of("sip").add(Count::Accepted);
        let accepted = |counters: &Counters| counters.get(Count::Accepted);
        let told: Vec<_> = listeners.all();
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|(_, counters)| accepted(counters) == 2));
    }

    #[test]
    fn counts_are_told_apart_by_name() {
        let counters = Counters::default();
        counters.add(Count::AcceptRate);
        counters.add_many(Count::Distrusted, 3);
        let told: Vec<_> = counters.all().filter(|(_, many)| *many > 0).collect();
        assert_eq!(told, [("refused_accept_rate", 1), ("closed_distrusted", 3)]);
    }
}
