//! What comes from clients, sorted; and how requests are answered.

use std::time::Instant;

use super::authenticate::Proof;
use super::{Output, Server, ToPeer};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::stun::attribute::{NONCE, PASSWORD_ALGORITHMS as ALGORITHMS, REALM, UNKNOWN_ATTRIBUTES};
use crate::stun::{Class, Message, Writer, method};

impl Server {
    /// Take a message that a client sent: a datagram, or what [`crate::stream::length`] cut out. What a client sends to a peer is given back at
    /// once; all else shows in [`Server::poll_output`].
    pub fn handle_client(&mut self, now: Instant, client: Client, data: &[u8]) -> Option<ToPeer> {
        match data.first()? >> 6 {
            0 => {
                self.forget_recent();
                self.stun(now, client, data)
            }
            1 => self.channel_data(now, client, data),
            _ => {
                self.counters.malformed_dropped += 1;
                None
            }
        }
    }

    fn stun(&mut self, now: Instant, client: Client, data: &[u8]) -> Option<ToPeer> {
        let Ok(message) = Message::read(data) else {
            self.counters.malformed_dropped += 1;
            return None;
        };
        match (message.class, message.method) {
            (Class::Request, method::BINDING) => self.binding(now, client, &message),
            (
                Class::Request,
                method::ALLOCATE
                | method::REFRESH
                | method::CREATE_PERMISSION
                | method::CHANNEL_BIND,
            ) => self.request(now, client, &message),
            (Class::Indication, method::SEND) => {
                return self.send_indication(now, client, &message);
            }
            _ => self.counters.malformed_dropped += 1,
        }
        None
    }

    fn request(&mut self, now: Instant, client: Client, request: &Message<'_>) {
        // Once its allocation has expired, a client's old nonces are stale.
        if self
            .allocations
            .get(&client)
            .is_some_and(|it| it.expires <= now)
        {
            self.end_allocation(now, client);
        }
        let proof = match self.authenticate(now, client, request) {
            Ok(proof) => proof,
            Err(refusal) => return self.challenge(now, client, request, &refusal),
        };
        let given = self.live_allocation(now, client);
        if let Some(answer) = given.and_then(|it| it.answer_to(&request.transaction)) {
            let data = answer.to_vec();
            self.outputs.push_back(Output::Send { to: client, data });
            return;
        }
        let unknown = request.unknown();
        let outcome = if !unknown.is_empty() {
            Err(Refusal::UnknownAttributes(unknown))
        } else if request.method == method::ALLOCATE {
            match self.allocate(now, client, request, &proof) {
                // It is answered when the shell has opened the socket.
                Ok(()) => return,
                Err(refusal) => Err(refusal),
            }
        } else {
            self.change(now, client, request, &proof)
        };
        self.answer(client, request, &proof, outcome);
    }

    /// A request for an allocation that there is already.
    fn change(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
        proof: &Proof,
    ) -> Result<Writer, Refusal> {
        let allocation = self.live_allocation(now, client);
        let allocation = allocation.ok_or(Refusal::AllocationMismatch)?;
        if allocation.username != proof.username {
            return Err(Refusal::WrongCredentials);
        }
        match request.method {
            method::REFRESH => self.refresh(now, client, request, proof),
            method::CREATE_PERMISSION => self.create_permission(now, client, request),
            _ => self.channel_bind(now, client, request),
        }
    }

    /// Answer someone who has proven nothing: small, and not often. What is wrong of the credential is
    /// not told.
    fn challenge(
        &mut self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
        refusal: &Refusal,
    ) {
        if !self.throttle.admits(now, client.address) {
            self.counters.throttled += 1;
            return;
        }
        self.counters.challenged += 1;
        let mut answer = Writer::new(Class::Error, request.method, request.transaction)
            .error(refusal.code(), &refusal.to_string());
        if matches!(refusal, Refusal::Unauthenticated | Refusal::StaleNonce) {
            let nonce = self.fresh_nonce(now, client);
            answer = answer
                .attribute(REALM, self.config.realm.as_bytes())
                .attribute(NONCE, nonce.as_bytes())
                .attribute(ALGORITHMS, self.password_algorithms());
        }
        if request.has_fingerprint {
            answer = answer.fingerprint();
        }
        let data = answer.finish();
        self.outputs.push_back(Output::Send { to: client, data });
    }

    /// Answer someone who has proven a credential, and remember the answer for when the request comes again.
    pub(super) fn answer(
        &mut self,
        client: Client,
        request: &Message<'_>,
        proof: &Proof,
        outcome: Result<Writer, Refusal>,
    ) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(refusal) => self.error(request, &refusal),
        };
        let answer = answer.protect(proof.integrity, &proof.key);
        let answer = if request.has_fingerprint {
            answer.fingerprint()
        } else {
            answer
        };
        let data = answer.finish();
        if let Some(allocation) = self.allocations.get_mut(&client)
            && allocation.username == proof.username
        {
            allocation.keep_answer(request.transaction, data.clone());
        }
        self.outputs.push_back(Output::Send { to: client, data });
    }

    fn error(&mut self, request: &Message<'_>, refusal: &Refusal) -> Writer {
        self.counters.refused += 1;
        let error = Writer::new(Class::Error, request.method, request.transaction)
            .error(refusal.code(), &refusal.to_string());
        match refusal {
            Refusal::UnknownAttributes(unknown) => {
                let list: Vec<u8> = unknown.iter().flat_map(|it| it.to_be_bytes()).collect();
                error.attribute(UNKNOWN_ATTRIBUTES, &list)
            }
            _ => error,
        }
    }
}
