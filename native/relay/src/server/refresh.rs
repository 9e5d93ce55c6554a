//! Refresh, CreatePermission and ChannelBind (RFC 8656 sections 8, 10 and 12).

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::Server;
use super::authenticate::Proof;
use crate::allocation::Allocation;
use crate::client::Client;
use crate::refusal::Refusal;
use crate::stun::address::family;
use crate::stun::attribute::{
    CHANNEL_NUMBER, LIFETIME, REQUESTED_ADDRESS_FAMILY, XOR_PEER_ADDRESS,
};
use crate::stun::{Class, Message, Writer};

const USUAL_LIFETIME: Duration = Duration::from_secs(600);
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);

/// RFC 8656 ends them at 0x4FFF, but clients of RFC 5766 (coturn's own among them) use all of these.
const CHANNELS: RangeInclusive<u16> = 0x4000..=0x7ffe;

/// The lifetime that a request gets: between the usual and an hour, never beyond its credential's end.
pub(super) fn granted_lifetime(now: Instant, wanted: Option<u32>, proof: &Proof) -> Duration {
    let wanted = Duration::from_secs(wanted.unwrap_or(0).into());
    let left = proof.expires.saturating_duration_since(now);
    wanted.clamp(USUAL_LIFETIME, LONGEST_LIFETIME).min(left)
}

/// Begin the success response to a request.
pub(super) fn success(request: &Message<'_>) -> Writer {
    Writer::new(Class::Success, request.method, request.transaction)
}

impl Server {
    pub(super) fn refresh(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
        proof: &Proof,
    ) -> Result<Writer, Refusal> {
        if let Some(wanted) = request.attribute(REQUESTED_ADDRESS_FAMILY) {
            let mut relayed = self.allocation(client)?.relayed.iter();
            if !relayed.any(|it| wanted.first() == Some(&family(it.address.ip()))) {
                return Err(Refusal::PeerFamilyMismatch);
            }
        }
        let wanted = request.number(LIFETIME);
        if wanted == Some(0) {
            self.end_allocation(now, client);
            return Ok(success(request).attribute(LIFETIME, &[0; 4]));
        }
        let lifetime = granted_lifetime(now, wanted, proof);
        self.allocation(client)?.expires = now + lifetime;
        let seconds = lifetime.as_secs() as u32;
        Ok(success(request).attribute(LIFETIME, &seconds.to_be_bytes()))
    }

    pub(super) fn create_permission(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
    ) -> Result<Writer, Refusal> {
        let mut peers: Vec<IpAddr> = Vec::new();
        for address in request.addresses(XOR_PEER_ADDRESS) {
            let address = address.ok_or(Refusal::BadRequest)?;
            peers.push(self.checked_peer(client, address.ip())?);
        }
        if peers.is_empty() {
            return Err(Refusal::BadRequest);
        }
        self.allocation(client)?.permit(now, &peers)?;
        Ok(success(request))
    }

    pub(super) fn channel_bind(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
    ) -> Result<Writer, Refusal> {
        let number = match request.attribute(CHANNEL_NUMBER) {
            Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
            _ => return Err(Refusal::BadRequest),
        };
        let peer = request.addresses(XOR_PEER_ADDRESS).next().flatten();
        let peer = peer.ok_or(Refusal::BadRequest)?;
        if !CHANNELS.contains(&number) {
            return Err(Refusal::BadRequest);
        }
        self.checked_peer(client, peer.ip())?;
        if !self.config.peers.permits_at(peer) {
            self.counters.peers_forbidden += 1;
            return Err(Refusal::Forbidden);
        }
        self.allocation(client)?.bind(now, number, peer)?;
        Ok(success(request))
    }

    fn allocation(&mut self, client: Client) -> Result<&mut Allocation, Refusal> {
        self.allocations
            .get_mut(&client)
            .ok_or(Refusal::AllocationMismatch)
    }

    /// A peer that may be one and that one of the client's sockets reaches. IPv4 written as IPv6 is neither.
    fn checked_peer(&mut self, client: Client, peer: IpAddr) -> Result<IpAddr, Refusal> {
        if !self.config.peers.permits(peer) {
            self.counters.peers_forbidden += 1;
            return Err(Refusal::Forbidden);
        }
        if peer != peer.to_canonical() || self.allocation(client)?.socket_to(peer).is_none() {
            return Err(Refusal::PeerFamilyMismatch);
        }
        Ok(peer)
    }
}
