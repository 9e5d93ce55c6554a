//! Data between clients and peers (RFC 8656 sections 11 and 12).

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use super::recent;
use super::{AllocationId, Server, ToPeer};
use crate::client::Client;
use crate::stream::fill;
use crate::stun::attribute::{DATA, XOR_PEER_ADDRESS};
use crate::stun::{Class, Message, TransactionId, Writer, method};

/// Channel number and length.
const CHANNEL_HEADER: usize = 4;
/// With its headers, more would fit no datagram to the client.
const LARGEST_PAYLOAD: usize = 65_000;

impl Server {
    pub(super) fn channel_data(
        &mut self,
        now: Instant,
        client: Client,
        data: &[u8],
    ) -> Option<ToPeer> {
        let &[n0, n1, l0, l1] = data.first_chunk()?;
        let number = u16::from_be_bytes([n0, n1]);
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let payload = CHANNEL_HEADER..CHANNEL_HEADER + length;
        if payload.end > data.len() {
            self.counters.malformed_dropped += 1;
            return None;
        }
        if let Some((allocation, to, share)) = self.recent_peer(now, client, number) {
            return self.count_to_peer(now, share, allocation, to, payload);
        }
        let live = self.live_allocation(now, client)?;
        let (peer, share) = (live.peer_of(now, number)?, live.share);
        let sent = self.send_to_peer(now, client, peer, payload)?;
        self.recent.to_peer = Some(recent::ToPeer {
            at: now,
            client,
            channel: number,
            allocation: sent.allocation,
            peer,
            share,
        });
        Some(sent)
    }

    pub(super) fn send_indication(
        &mut self,
        now: Instant,
        client: Client,
        message: &Message<'_>,
    ) -> Option<ToPeer> {
        let peer = message.addresses(XOR_PEER_ADDRESS).next().flatten();
        let payload = message.attribute_range(DATA);
        let (Some(peer), Some(payload), true) = (peer, payload, message.unknown().is_empty())
        else {
            self.counters.malformed_dropped += 1;
            return None;
        };
        self.send_to_peer(now, client, peer, payload)
    }

    /// The policy is asked again for each packet that isn't of the same run as the last: it costs little, and
    /// no path leads around it.
    fn send_to_peer(
        &mut self,
        now: Instant,
        client: Client,
        to: SocketAddr,
        payload: Range<usize>,
    ) -> Option<ToPeer> {
        let allocation = self.live_allocation(now, client)?;
        let (id, share) = (allocation.socket_to(to.ip())?, allocation.share);
        let permitted = allocation.permits(now, to.ip());
        if !permitted || to.port() == 0 || !self.config.peers.permits_at(to) {
            self.counters.packets_without_permission += 1;
            return None;
        }
        self.count_to_peer(now, share, id, to, payload)
    }

    fn count_to_peer(
        &mut self,
        now: Instant,
        share: usize,
        allocation: AllocationId,
        to: SocketAddr,
        payload: Range<usize>,
    ) -> Option<ToPeer> {
        if !self.bandwidth.admits(now, share, payload.len()) {
            self.counters.packets_over_bandwidth += 1;
            return None;
        }
        self.counters.packets_to_peers += 1;
        self.counters.bytes_to_peers += payload.len() as u64;
        Some(ToPeer {
            allocation,
            to,
            payload,
        })
    }

    /// Take a datagram that arrived at an allocation's socket. Appends what the client gets to `out`
    /// and gives the client; `None`, and nothing appended, if the peer has no permission or the client's
    /// bandwidth is used up.
    pub fn handle_peer(
        &mut self,
        now: Instant,
        allocation: AllocationId,
        peer: SocketAddr,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Client> {
        let length = u16::try_from(payload.len()).ok()?;
        if payload.len() > LARGEST_PAYLOAD {
            return None;
        }
        let (client, channel, share) = self.way_to_client(now, allocation, peer)?;
        if !self.bandwidth.admits(now, share, payload.len()) {
            self.counters.packets_over_bandwidth += 1;
            return None;
        }
        match channel {
            Some(number) => {
                out.extend_from_slice(&number.to_be_bytes());
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(payload);
                if client.stream.is_some() {
                    fill(out, CHANNEL_HEADER + payload.len());
                }
            }
            None => out.extend_from_slice(&self.data_indication(peer, payload)),
        }
        self.counters.packets_to_clients += 1;
        self.counters.bytes_to_clients += payload.len() as u64;
        Some(client)
    }

    /// The client, the channel if there is one to this peer, and the share; `None` without a permission.
    fn way_to_client(
        &mut self,
        at: Instant,
        allocation: AllocationId,
        peer: SocketAddr,
    ) -> Option<(Client, Option<u16>, usize)> {
        if let Some((client, channel, share)) = self.recent_client(at, allocation, peer) {
            return Some((client, Some(channel), share));
        }
        let &client = self.clients.get(&allocation)?;
        let live = self.live_allocation(at, client)?;
        if !live.permits(at, peer.ip()) {
            self.counters.packets_without_permission += 1;
            return None;
        }
        let (channel, share) = (live.channel_to(at, peer), live.share);
        self.recent.to_client = channel.map(|channel| recent::ToClient {
            at,
            allocation,
            peer,
            client,
            channel,
            share,
        });
        Some((client, channel, share))
    }

    /// Nobody answers an indication, so its transaction need only be unlike the others.
    fn data_indication(&mut self, peer: SocketAddr, payload: &[u8]) -> Vec<u8> {
        self.next_draw += 1;
        let mut transaction: TransactionId = [0; 12];
        transaction[4..].copy_from_slice(&self.next_draw.to_be_bytes());
        Writer::new(Class::Indication, method::DATA, transaction)
            .address(XOR_PEER_ADDRESS, peer)
            .attribute(DATA, payload)
            .finish()
    }
}
