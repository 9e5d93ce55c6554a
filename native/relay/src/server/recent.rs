//! The ways that the last packets took, so that a run of packets of one sender is looked up once.

use std::net::SocketAddr;
use std::time::Instant;

use super::{AllocationId, Server};
use crate::client::Client;

/// A client's channel and where it led.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToPeer {
    pub(super) at: Instant,
    pub(super) client: Client,
    pub(super) channel: u16,
    pub(super) allocation: AllocationId,
    pub(super) peer: SocketAddr,
    pub(super) share: usize,
}

/// A peer at an allocation's socket and the channel that stands for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToClient {
    pub(super) at: Instant,
    pub(super) allocation: AllocationId,
    pub(super) peer: SocketAddr,
    pub(super) client: Client,
    pub(super) channel: u16,
    pub(super) share: usize,
}

/// Both hold for the very instant at which they were looked up, which is one batch of datagrams, and only
/// as long as nothing else happens to the server: see [`Server::forget_recent`].
#[derive(Debug, Default)]
pub(super) struct Recent {
    pub(super) to_peer: Option<ToPeer>,
    pub(super) to_client: Option<ToClient>,
}

impl Server {
    /// Called by whatever may change an allocation, a permission or a channel.
    pub(super) fn forget_recent(&mut self) {
        self.recent = Recent::default();
    }

    pub(super) fn recent_peer(
        &self,
        at: Instant,
        client: Client,
        channel: u16,
    ) -> Option<(AllocationId, SocketAddr, usize)> {
        let recent = self.recent.to_peer?;
        let is_same = recent.at == at && recent.client == client && recent.channel == channel;
        is_same.then_some((recent.allocation, recent.peer, recent.share))
    }

    pub(super) fn recent_client(
        &self,
        at: Instant,
        allocation: AllocationId,
        peer: SocketAddr,
    ) -> Option<(Client, u16, usize)> {
        let recent = self.recent.to_client?;
        let is_same = recent.at == at && recent.allocation == allocation && recent.peer == peer;
        is_same.then_some((recent.client, recent.channel, recent.share))
    }
}
