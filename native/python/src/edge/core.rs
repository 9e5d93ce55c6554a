//! What all connections of one edge share: settings, TLS, the door, the flows and the way to Python.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use vestibule_sip::Message;

use super::bucket::Rate;
use super::counters::{Count, Counters, CountersByListener};
use super::limits::{Door, NETWORK_SHARE, address_of, network_of};
use super::outbox::{Encoding, Outbox};
use super::refused_peers::RefusedPeers;
use super::shares::{Holder, Share, Shares};
use super::standing::Standing;
use super::tls::TlsStore;
use crate::wake::EventQueue;

/// What an edge is made with; see the stub file for the meaning.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Path of the ASGI application's Unix socket.
    pub http_backend: String,
    /// Exact values, but for case.
    pub websocket_hosts: Vec<String>,
    /// Exact values.
    pub websocket_origins: Vec<String>,
    /// Octets.
    pub max_message: usize,
    /// At once.
    pub max_connections: usize,
    /// At once, of one address.
    pub max_connections_per_address: usize,
    /// Of one flow, in the long run and at once.
    pub message_rate: Rate,
    /// Of all flows of one address on which nobody was proven.
    pub unproven_rate: Rate,
    /// For the handshake, and again for the first bytes after it.
    pub handshake: Duration,
    /// Between any two bytes.
    pub idle: Duration,
    /// For a message that has begun, and for a peer to take what is sent to it.
    pub message: Duration,
    /// From a flow's opening to its first proof.
    pub unproven: Duration,
    /// How long what came before a peer's end may still be answered; none if zero.
    pub answer: Duration,
    /// FIPS-approved algorithms only.
    pub fips: bool,
}

/// How a flow came about.
#[derive(Clone, Debug)]
pub struct Opened {
    /// "tls" or "wss".
    pub transport: &'static str,
    /// The peer's address.
    pub peer_host: String,
    /// The peer's port.
    pub peer_port: u16,
    /// Our port.
    pub local_port: u16,
    /// DER of a verified client certificate.
    pub certificate: Option<Vec<u8>>,
}

/// What Python is told; each variant is the event of that name in the stub file.
#[derive(Debug)]
#[allow(missing_docs, reason = "the stub file documents them")]
pub enum Event {
    Message {
        flow: u64,
        message: Box<Message>,
    },
    FlowOpened {
        flow: u64,
        opened: Opened,
    },
    FlowEnding {
        flow: u64,
        reason: String,
    },
    FlowClosed {
        flow: u64,
        reason: String,
    },
    MessageRefused {
        flow: u64,
        status: u16,
        reason: String,
    },
    ConnectFailed {
        flow: u64,
        reason: String,
    },
}

/// What is known of an open flow.
#[derive(Clone, Debug)]
struct Flow {
    outbox: Arc<Outbox>,
    standing: Arc<Standing>,
}

/// Shared by all tasks of one edge and by its Python object.
#[derive(Debug)]
pub struct Core {
    /// Settings, which never change.
    pub settings: Settings,
    /// Identity and trust.
    pub tls: TlsStore,
    /// Who may connect.
    pub door: Arc<Door>,
    /// What happened how often.
    pub counters: CountersByListener,
    /// Those of connections that we begin.
    pub outgoing: Arc<Counters>,
    /// Whose certificates were refused.
    pub refused_peers: RefusedPeers,
    /// The way to Python.
    pub events: EventQueue<Event>,
    shares: Shares,
    flows: Mutex<HashMap<u64, Flow>>,
    last_flow: AtomicU64,
    closing: watch::Sender<bool>,
    /// Every task holds a clone; when all are gone the edge is at rest.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    at_rest: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Core {
    /// A core with no identity, no trust and no flows.
    ///
    /// # Errors
    /// No file descriptor is left for the event queue.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let (alive, at_rest) = mpsc::channel(1);
        let counters = CountersByListener::default();
        Ok(Self {
            door: Door::new(
                settings.max_connections,
                settings.max_connections_per_address,
            ),
            tls: TlsStore::new(settings.fips),
            outgoing: counters.of("outgoing"),
            counters,
            refused_peers: RefusedPeers::default(),
            shares: Shares::default(),
            events: EventQueue::new()?,
            flows: Mutex::default(),
            last_flow: AtomicU64::new(0),
            closing: watch::Sender::new(false),
            alive: Mutex::new(Some(alive)),
            at_rest: Mutex::new(Some(at_rest)),
            settings,
        })
    }

    /// Queue a message for a flow; false if it is gone or full.
    pub fn send(&self, flow: u64, message: &[u8]) -> bool {
        let flow = self.flow(flow);
        let queued = flow.as_ref().is_some_and(|flow| flow.outbox.send(message));
        let counters = flow.map_or_else(
            || Arc::clone(&self.outgoing),
            |flow| Arc::clone(&flow.standing.counters),
        );
        counters.add(if queued {
            Count::MessagesSent
        } else {
            Count::SendsRefused
        });
        queued
    }

    /// End a flow once what is queued for it has gone out.
    pub fn close_flow(&self, flow: u64, reason: &str) {
        if let Some(flow) = self.flow(flow) {
            flow.outbox.end(reason);
        }
    }

    /// Somebody has proven who they are on a flow.
    pub fn prove_flow(&self, flow: u64) {
        if let Some(flow) = self.flow(flow) {
            flow.standing.prove();
        }
    }

    /// What comes by a flow counts against that holder's share, too.
    pub fn share_flow(&self, flow: u64, holder: Holder, rate: Rate) {
        if let Some(flow) = self.flow(flow) {
            let share = self.shares.of(holder, rate, Instant::now());
            flow.standing.share(share);
        }
    }

    /// The shares of a flow from there until somebody is proven on it.
    pub fn shares_of_address(&self, peer: IpAddr) -> Vec<Arc<Share>> {
        let (now, rate) = (Instant::now(), self.settings.unproven_rate);
        let many = NETWORK_SHARE as f64;
        let network_rate = Rate {
            per_second: rate.per_second * many,
            burst: rate.burst * many,
        };
        let address = Holder::Address(address_of(peer));
        let network = Holder::Network(network_of(peer));
        vec![
            self.shares.of(address, rate, now),
            self.shares.of(network, network_rate, now),
        ]
    }

    /// A proof of life for a task to hold; `None` if the edge is closing and none may begin.
    pub fn alive(&self) -> Option<mpsc::Sender<()>> {
        lock(&self.alive).clone()
    }

    /// Resolves when the edge begins to close.
    pub async fn closing(&self) {
        // The sender lives in self, so this can't fail.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Tell every task to end. The receiver then yields `None` when all have; `None` if told before.
    pub fn begin_closing(&self) -> Option<mpsc::Receiver<()>> {
        lock(&self.alive).take();
        self.closing.send_replace(true);
        lock(&self.at_rest).take()
    }

    fn flow(&self, flow: u64) -> Option<Flow> {
        lock(&self.flows).get(&flow).cloned()
    }
}

/// A flow's place in the table; its end is told when this goes, however the task ends.
#[derive(Debug)]
pub struct Registration {
    core: Arc<Core>,
    /// The flow's number.
    pub flow: u64,
    /// The flow's queue.
    pub outbox: Arc<Outbox>,
    /// How the flow stands.
    pub standing: Arc<Standing>,
    opened: bool,
    reason: String,
}

impl Registration {
    /// A new flow, which isn't open yet but may be sent to.
    pub fn new(core: &Arc<Core>, encoding: Encoding, standing: Standing) -> Self {
        let flow = core.last_flow.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Flow {
            outbox: Arc::new(Outbox::new(encoding)),
            standing: Arc::new(standing),
        };
        lock(&core.flows).insert(flow, entry.clone());
        Self {
            core: Arc::clone(core),
            flow,
            outbox: entry.outbox,
            standing: entry.standing,
            opened: false,
            reason: "failed in the edge".into(),
        }
    }

    /// The flow is open: tell Python.
    pub fn open(&mut self, opened: Opened) {
        self.opened = true;
        if opened.certificate.is_some() {
            self.standing.prove();
        }
        self.standing.counters.add(Count::FlowsOpened);
        let flow = self.flow;
        self.core.events.push(Event::FlowOpened { flow, opened });
    }

    /// Why it will have ended, or never opened.
    pub fn ends_because(&mut self, reason: impl Into<String>) {
        self.reason = reason.into();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let flow = self.flow;
        lock(&self.core.flows).remove(&flow);
        let reason = std::mem::take(&mut self.reason);
        if self.opened {
            self.standing.counters.add(Count::FlowsClosed);
            self.core.events.push(Event::FlowClosed { flow, reason });
        } else {
            self.standing.counters.add(Count::ConnectsFailed);
            self.core.events.push(Event::ConnectFailed { flow, reason });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
