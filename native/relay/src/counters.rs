//! What the relay has done and refused since it started.

/// Counts; they only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Counters {
    pub bindings_answered: u64,
    pub allocations_made: u64,
    pub allocations_ended: u64,
    pub challenged: u64,
    pub refused: u64,
    pub peers_forbidden: u64,
    pub malformed_dropped: u64,
    pub throttled: u64,
    pub packets_to_peers: u64,
    pub bytes_to_peers: u64,
    pub packets_to_clients: u64,
    pub bytes_to_clients: u64,
    pub packets_without_permission: u64,
    pub packets_over_bandwidth: u64,
    /// Counted by the shell: streams whose clients read too slowly.
    pub packets_without_room: u64,
}

impl Counters {
    /// Every count with its name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 15] {
        [
            ("bindings_answered", self.bindings_answered),
            ("allocations_made", self.allocations_made),
            ("allocations_ended", self.allocations_ended),
            ("challenged", self.challenged),
            ("refused", self.refused),
            ("peers_forbidden", self.peers_forbidden),
            ("malformed_dropped", self.malformed_dropped),
            ("throttled", self.throttled),
            ("packets_to_peers", self.packets_to_peers),
            ("bytes_to_peers", self.bytes_to_peers),
            ("packets_to_clients", self.packets_to_clients),
            ("bytes_to_clients", self.bytes_to_clients),
            (
                "packets_without_permission",
                self.packets_without_permission,
            ),
            ("packets_over_bandwidth", self.packets_over_bandwidth),
            ("packets_without_room", self.packets_without_room),
        ]
    }
}
