//! Allocate (RFC 8656 section 7).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

use super::authenticate::Proof;
use super::refresh::{granted_lifetime, success};
use super::reservation::{self, Reservation};
use super::wishes::{Second, Wishes};
use super::{AllocationId, Output, Server};
use crate::allocation::{Allocation, Relayed};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::stun::address::IPV6;
use crate::stun::attribute::{
    ADDRESS_ERROR_CODE, LIFETIME, RESERVATION_TOKEN, XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS,
};
use crate::stun::{Message, Writer};
use crate::throttle::host;

/// Ports that are tried before giving up.
const TRIES: u32 = 16;

/// An allocation whose sockets the shell has been asked for, one after the other.
#[derive(Debug)]
pub(super) struct Opening {
    /// The socket that is awaited.
    awaited: Relayed,
    /// Those that are there.
    sockets: Vec<Relayed>,
    tries: u32,
    wishes: Wishes,
    lifetime: Duration,
    proof: Proof,
    /// The request again, to answer it.
    request: Vec<u8>,
}

impl Opening {
    pub(super) fn is_of(&self, username: &str) -> bool {
        &*self.proof.username == username
    }

    pub(super) fn into_sockets(self) -> Vec<Relayed> {
        self.sockets
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
        let wishes = Wishes::read(request)?;
        let address = self.relay_address(wishes.ipv6);
        let address = address.ok_or(Refusal::UnsupportedFamily)?;
        let reserved = match request.attribute(RESERVATION_TOKEN) {
            None => {
                self.check_quotas(client, proof)?;
                None
            }
            // It has been counted since it was reserved.
            Some(token) => {
                let kept = self.reservations.take(now, token, &proof.username);
                Some(kept.ok_or(Refusal::InsufficientCapacity)?)
            }
        };
        let mut opening = Opening {
            awaited: Relayed {
                id: AllocationId(0),
                address: SocketAddr::new(address, 0),
            },
            sockets: Vec::from_iter(reserved),
            tries: 0,
            wishes,
            lifetime: granted_lifetime(now, request.number(LIFETIME), proof),
            proof: proof.clone(),
            request: request.bytes().to_vec(),
        };
        if reserved.is_some() {
            self.complete(now, client, opening);
            return Ok(());
        }
        self.ask_for_first(&mut opening)?;
        self.opening.insert(client, opening);
        Ok(())
    }

    fn check_quotas(&self, client: Client, proof: &Proof) -> Result<(), Refusal> {
        let live = self.allocations.iter();
        let live = live.map(|(at, it)| (it.share, host(at.address.ip())));
        let waiting = self.opening.iter();
        let waiting = waiting.map(|(at, it)| (&it.proof.holder, host(at.address.ip())));
        let kept = self.reservations.iter();
        let kept = kept.map(|it| (&it.holder, host(it.from)));
        let own_share = self.bandwidth.number_of(&proof.holder);
        let own_host = host(client.address.ip());
        let (mut all, mut of_person, mut of_host) = (0, 0, 0);
        for (share, host) in live {
            all += 1;
            of_person += usize::from(Some(share) == own_share);
            of_host += usize::from(host == own_host);
        }
        for (holder, host) in waiting.chain(kept) {
            all += 1;
            of_person += usize::from(*holder == proof.holder);
            of_host += usize::from(host == own_host);
        }
        if of_person >= self.config.allocations_per_person
            || of_host >= self.config.allocations_per_address
        {
            return Err(Refusal::QuotaReached);
        }
        if all >= self.config.allocations {
            return Err(Refusal::InsufficientCapacity);
        }
        Ok(())
    }

    fn ask_for_first(&mut self, opening: &mut Opening) -> Result<(), Refusal> {
        let (even, pair) = (
            opening.wishes.even,
            opening.wishes.second == Second::Reserved,
        );
        let port = self.draw_port(even, pair);
        let port = port.ok_or(Refusal::InsufficientCapacity)?;
        opening.tries += 1;
        self.ask_for(opening, SocketAddr::new(opening.awaited.address.ip(), port));
        Ok(())
    }

    fn ask_for(&mut self, opening: &mut Opening, address: SocketAddr) {
        self.next_id += 1;
        let id = AllocationId(self.next_id);
        opening.awaited = Relayed { id, address };
        self.outputs.push_back(Output::Open {
            allocation: id,
            port: address.port(),
            ipv6: address.is_ipv6(),
        });
    }

    /// Octets that nobody outside can foretell.
    fn draw(&mut self) -> [u8; 8] {
        self.next_draw += 1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.config.secret);
        let tag = hmac::sign(&key, format!("port {}", self.next_draw).as_bytes());
        let mut random = [0; 8];
        random.copy_from_slice(&tag.as_ref()[..8]);
        random
    }

    /// A port, drawn; if it is to be even and the next one is wanted too, that one is in the range as well.
    /// `None`: there is no such port.
    fn draw_port(&mut self, even: bool, pair: bool) -> Option<u16> {
        let random = u64::from_be_bytes(self.draw());
        let (low, high) = (*self.config.ports.start(), *self.config.ports.end());
        let step = 1 + u16::from(even);
        let first = low.checked_next_multiple_of(step)?;
        let last = high.checked_sub(u16::from(pair))?;
        let choices = u64::from(last.checked_sub(first)? / step) + 1;
        Some(first + step * (random % choices) as u16)
    }

    /// The shell has opened the socket that [`Output::Open`] asked for, or could not. An answer for
    /// something that is not awaited any more closes the socket again.
    pub fn opened(&mut self, now: Instant, allocation: AllocationId, done: bool) {
        let mut waiting = self.opening.iter();
        let found = waiting.find(|(_, opening)| opening.awaited.id == allocation);
        let Some(client) = found.map(|(&client, _)| client) else {
            if done {
                self.outputs.push_back(Output::Close { allocation });
            }
            return;
        };
        let Some(mut opening) = self.opening.remove(&client) else {
            return;
        };
        if done {
            opening.sockets.push(opening.awaited);
            if self.ask_for_second(&mut opening) {
                self.opening.insert(client, opening);
            } else {
                self.complete(now, client, opening);
            }
            return;
        }
        if opening.tries < TRIES && self.try_again(&mut opening) {
            self.opening.insert(client, opening);
        } else if opening.wishes.second == Second::Ipv6 && !opening.sockets.is_empty() {
            self.complete(now, client, opening);
        } else {
            self.give_up(client, opening);
        }
    }

    /// Once the first is there: whether there is another to wait for.
    fn ask_for_second(&mut self, opening: &mut Opening) -> bool {
        let &[first] = opening.sockets.as_slice() else {
            return false;
        };
        let address = match opening.wishes.second {
            Second::None => None,
            Second::Reserved => Some(SocketAddr::new(
                first.address.ip(),
                first.address.port().saturating_add(1),
            )),
            Second::Ipv6 => {
                let port = self.draw_port(false, false);
                let address = self.relay_address(true).zip(port);
                address.map(|(ip, port)| SocketAddr::new(ip, port))
            }
        };
        if let Some(address) = address {
            self.ask_for(opening, address);
        }
        address.is_some()
    }

    /// Another port; of two that belong together, both anew.
    fn try_again(&mut self, opening: &mut Opening) -> bool {
        if opening.wishes.second == Second::Ipv6 && !opening.sockets.is_empty() {
            opening.tries += 1;
            return self.ask_for_second(opening);
        }
        self.close(std::mem::take(&mut opening.sockets));
        self.ask_for_first(opening).is_ok()
    }

    fn give_up(&mut self, client: Client, opening: Opening) {
        if let Ok(request) = Message::read(&opening.request) {
            let refusal = Err(Refusal::InsufficientCapacity);
            self.answer(client, &request, &opening.proof, refusal);
        }
        self.close(opening.sockets);
    }

    /// Everything is there: keep it and say so.
    fn complete(&mut self, now: Instant, client: Client, opening: Opening) {
        let received = opening.request;
        let Ok(request) = Message::read(&received) else {
            return self.close(opening.sockets);
        };
        let (proof, mut sockets) = (opening.proof, opening.sockets);
        let reserved = match opening.wishes.second {
            Second::Reserved => sockets.pop(),
            _ => None,
        };
        let mut answer = success(&request);
        for socket in &sockets {
            answer = answer.address(XOR_RELAYED_ADDRESS, socket.address);
        }
        if opening.wishes.second == Second::Ipv6 && sockets.len() < 2 {
            answer = self.without_ipv6(answer);
        }
        if let Some(socket) = reserved {
            answer = self.reserve(now, client, &proof, socket, answer);
        }
        let seconds = opening.lifetime.as_secs() as u32;
        let answer = answer
            .attribute(LIFETIME, &seconds.to_be_bytes())
            .address(XOR_MAPPED_ADDRESS, client.address);
        for socket in &sockets {
            self.clients.insert(socket.id, client);
        }
        let share = self.bandwidth.join(now, &proof.holder);
        let expires = now + opening.lifetime;
        let made = Allocation::new(sockets, proof.username.clone(), share, expires);
        self.allocations.insert(client, made);
        self.counters.allocations_made += 1;
        self.answer(client, &request, &proof, Ok(answer));
    }

    fn reserve(
        &mut self,
        now: Instant,
        client: Client,
        proof: &Proof,
        socket: Relayed,
        answer: Writer,
    ) -> Writer {
        let token = self.draw();
        let kept = Reservation {
            socket,
            username: proof.username.clone(),
            holder: proof.holder.clone(),
            from: client.address.ip(),
            expires: now + reservation::LIFETIME,
        };
        self.reservations.keep(token, kept);
        answer.attribute(RESERVATION_TOKEN, &token)
    }

    /// Why one of two wanted addresses is missing (RFC 8656 section 18.12).
    fn without_ipv6(&self, answer: Writer) -> Writer {
        let refusal = match self.relay_address(true) {
            None => Refusal::UnsupportedFamily,
            Some(_) => Refusal::InsufficientCapacity,
        };
        let code = refusal.code();
        let mut value = vec![IPV6, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(refusal.to_string().as_bytes());
        answer.attribute(ADDRESS_ERROR_CODE, &value)
    }
}
