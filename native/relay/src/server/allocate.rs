//! Allocate (RFC 8656 section 7).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

use super::authenticate::Proof;
use super::refresh::{granted_lifetime, success};
use super::{AllocationId, Output, Server};
use crate::allocation::Allocation;
use crate::client::Client;
use crate::refusal::Refusal;
use crate::stun::Message;
use crate::stun::address::family;
use crate::stun::attribute::{
    EVEN_PORT, LIFETIME, REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT, RESERVATION_TOKEN,
    XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS,
};

/// UDP, as an IP protocol number.
const UDP: u8 = 17;
/// Ports that are tried before giving up.
const TRIES: u32 = 16;

/// An allocation whose socket the shell has been asked for.
#[derive(Debug)]
pub(super) struct Opening {
    id: AllocationId,
    port: u16,
    tries: u32,
    even_port: bool,
    lifetime: Duration,
    proof: Proof,
    /// The request again, to answer it.
    request: Vec<u8>,
}

impl Opening {
    pub(super) fn is_of(&self, username: &str) -> bool {
        &*self.proof.username == username
    }
}

impl Server {
    /// Check the request and ask the shell for a socket.
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
        proof: &Proof,
    ) -> Result<(), Refusal> {
        if self.opening.contains_key(&client) {
            // Retransmitted before the shell has answered.
            return Ok(());
        }
        if self.live_allocation(now, client).is_some() {
            return Err(Refusal::AllocationMismatch);
        }
        let even_port = self.check_wishes(request)?;
        self.check_quota(proof)?;
        self.next_id += 1;
        let mut opening = Opening {
            id: AllocationId(self.next_id),
            port: 0,
            tries: 0,
            even_port,
            lifetime: granted_lifetime(now, request.number(LIFETIME), proof),
            proof: proof.clone(),
            request: request.bytes().to_vec(),
        };
        self.ask_for_socket(&mut opening);
        self.opening.insert(client, opening);
        Ok(())
    }

    /// What RFC 8656 section 7.2 has a server check; gives whether the port must be even. Ports are not
    /// kept for later, so no RESERVATION-TOKEN can be good.
    fn check_wishes(&self, request: &Message<'_>) -> Result<bool, Refusal> {
        let transport = request.attribute(REQUESTED_TRANSPORT);
        match transport {
            Some(&[UDP, _, _, _]) => {}
            Some(&[_, _, _, _]) => return Err(Refusal::UnsupportedTransport),
            _ => return Err(Refusal::BadRequest),
        }
        let wanted_family = request.attribute(REQUESTED_ADDRESS_FAMILY);
        let even_port = request.attribute(EVEN_PORT);
        if request.attribute(RESERVATION_TOKEN).is_some() {
            let clash = even_port.is_some() || wanted_family.is_some();
            return Err(if clash {
                Refusal::BadRequest
            } else {
                Refusal::InsufficientCapacity
            });
        }
        if let Some(wanted) = wanted_family
            && wanted.first() != Some(&family(self.config.relay_address))
        {
            return Err(Refusal::UnsupportedFamily);
        }
        match even_port {
            None => Ok(false),
            Some(&[flags]) if flags & 0x80 == 0 => Ok(true),
            Some(&[_]) => Err(Refusal::InsufficientCapacity),
            Some(_) => Err(Refusal::BadRequest),
        }
    }

    fn check_quota(&self, proof: &Proof) -> Result<(), Refusal> {
        let live = self.allocations.values().map(|it| &it.username);
        let opening = self.opening.values().map(|it| &it.proof.username);
        let (mut all, mut own) = (0, 0);
        for username in live.chain(opening) {
            all += 1;
            own += usize::from(*username == proof.username);
        }
        if own >= self.config.allocations_per_user {
            return Err(Refusal::QuotaReached);
        }
        if all >= self.config.allocations {
            return Err(Refusal::InsufficientCapacity);
        }
        Ok(())
    }

    fn ask_for_socket(&mut self, opening: &mut Opening) {
        opening.tries += 1;
        opening.port = self.draw_port(opening.even_port);
        self.outputs.push_back(Output::Open {
            allocation: opening.id,
            port: opening.port,
        });
    }

    /// A port that nobody outside can foretell.
    fn draw_port(&mut self, even: bool) -> u16 {
        self.next_draw += 1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.config.secret);
        let tag = hmac::sign(&key, format!("port {}", self.next_draw).as_bytes());
        let mut random = [0; 8];
        random.copy_from_slice(&tag.as_ref()[..8]);
        let (low, high) = (*self.config.ports.start(), *self.config.ports.end());
        let count = u64::from(high.saturating_sub(low)) + 1;
        let port = low + (u64::from_be_bytes(random) % count) as u16;
        match even && port % 2 == 1 {
            true if port > low => port - 1,
            true => port.saturating_add(1).min(high),
            false => port,
        }
    }

    /// The shell has opened the socket that [`Output::Open`] asked for, or could not. An answer for
    /// something that is not awaited any more closes the socket again.
    pub fn opened(&mut self, now: Instant, allocation: AllocationId, done: bool) {
        let found = self
            .opening
            .iter()
            .find(|(_, opening)| opening.id == allocation);
        let Some(client) = found.map(|(&client, _)| client) else {
            if done {
                self.outputs.push_back(Output::Close { allocation });
            }
            return;
        };
        let Some(mut opening) = self.opening.remove(&client) else {
            return;
        };
        if !done && opening.tries < TRIES {
            self.ask_for_socket(&mut opening);
            self.opening.insert(client, opening);
            return;
        }
        let received = std::mem::take(&mut opening.request);
        let Ok(request) = Message::read(&received) else {
            return;
        };
        if !done {
            let refusal = Err(Refusal::InsufficientCapacity);
            return self.answer(client, &request, &opening.proof, refusal);
        }
        let relayed = SocketAddr::new(self.config.relay_address, opening.port);
        let seconds = opening.lifetime.as_secs() as u32;
        let answer = success(&request)
            .address(XOR_RELAYED_ADDRESS, relayed)
            .attribute(LIFETIME, &seconds.to_be_bytes())
            .address(XOR_MAPPED_ADDRESS, client.address);
        let username = opening.proof.username.clone();
        let expires = now + opening.lifetime;
        let made = Allocation::new(allocation, username, expires);
        self.allocations.insert(client, made);
        self.clients.insert(allocation, client);
        self.counters.allocations_made += 1;
        self.answer(client, &request, &opening.proof, Ok(answer));
    }
}
