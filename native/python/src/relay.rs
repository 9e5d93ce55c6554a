//! `Relay`: STUN and TURN as Python sees it. The thread behind it is in `relay/shell.rs`.

mod own_addresses;
mod shell;
pub(crate) mod streams;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use vestibule_relay::{Config, Counters, PeerPolicy};

use shell::{Command, Commands, Shell};
use streams::StreamDoor;

/// STUN and TURN; see the stub file.
#[pyclass(frozen, module = "vestibule._native")]
pub struct Relay {
    /// The server's ports.
    #[pyo3(get)]
    ports: Vec<u16>,
    commands: Arc<Commands>,
    streams: StreamDoor,
    counters: Arc<Mutex<Counters>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl Relay {
    #[new]
    #[pyo3(signature = (*, bind, ports, advertise, realm, port_low=50000, port_high=59999, allowed_peers=vec![],
                        own_peer_ports=None, allocations_per_person=20, allocations_per_address=200,
                        octets_per_person=None, fips=false))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of one documented call"
    )]
    fn new(
        bind: Vec<String>,
        ports: Vec<u16>,
        advertise: Vec<String>,
        realm: &str,
        port_low: u16,
        port_high: u16,
        allowed_peers: Vec<String>,
        own_peer_ports: Option<(u16, u16)>,
        allocations_per_person: usize,
        allocations_per_address: usize,
        octets_per_person: Option<u64>,
        fips: bool,
    ) -> PyResult<Self> {
        let (bind, relay_addresses) = (addresses(&bind)?, addresses(&advertise)?);
        if bind
            .iter()
            .map(IpAddr::is_ipv4)
            .ne(relay_addresses.iter().map(IpAddr::is_ipv4))
        {
            return Err(wrong("bind and advertise are of different families"));
        }
        if bind
            .iter()
            .map(IpAddr::is_ipv4)
            .collect::<HashSet<_>>()
            .len()
            != bind.len()
        {
            return Err(wrong("more than one address of a family"));
        }
        if bind.is_empty() || ports.is_empty() {
            return Err(wrong("nowhere to listen"));
        }
        if port_low == 0 || port_low > port_high {
            return Err(wrong("the range of ports is empty"));
        }
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| PyOSError::new_err("no random octets"))?;
        let allowed = allowed_peers.iter().map(|text| text.parse().map_err(wrong));
        let mut own = own_addresses::own_addresses();
        own.extend(bind.iter().chain(&relay_addresses));
        let config = Config {
            realm: realm.to_owned(),
            relay_addresses,
            ports: port_low..=port_high,
            peers: PeerPolicy {
                allowed: allowed.collect::<PyResult<_>>()?,
                own,
                own_ports: own_peer_ports.map(|(low, high)| low..=high),
            },
            allocations_per_person,
            allocations_per_address,
            octets_per_person,
            allocations: usize::from(port_high - port_low) + 1,
            secret,
            fips,
        };
        let (shell, commands) = Shell::new(config, &bind, &ports)?;
        let (ports, counters, commands) = (shell.ports()?, shell.counters(), Arc::new(commands));
        let named = std::thread::Builder::new().name("vestibule-relay".into());
        let thread = named.spawn(move || shell.run())?;
        Ok(Self {
            ports,
            streams: StreamDoor::new(commands.clone()),
            commands,
            counters,
            thread: Mutex::new(Some(thread)),
        })
    }

    #[pyo3(signature = (username, password, lifetime, *, holder=None))]
    fn add_credential(
        &self,
        username: &str,
        password: &str,
        lifetime: f64,
        holder: Option<&str>,
    ) -> PyResult<()> {
        let lifetime = Duration::try_from_secs_f64(lifetime).map_err(wrong)?;
        self.commands.send(Command::Add {
            username: username.to_owned(),
            password: password.to_owned(),
            holder: holder.unwrap_or(username).to_owned(),
            lifetime,
        });
        Ok(())
    }

    fn remove_credential(&self, username: &str) {
        self.commands.send(Command::Remove {
            username: username.to_owned(),
        });
    }

    fn counters(&self) -> HashMap<&'static str, u64> {
        let counters = *self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.named().into_iter().collect()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }
}

impl Relay {
    /// Where clients that come by streams begin.
    pub(crate) fn streams(&self) -> StreamDoor {
        self.streams.clone()
    }

    fn end(&self) {
        self.commands.send(Command::Close);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A thread that panicked is over as well.
            let _ = thread.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}

fn addresses(texts: &[String]) -> PyResult<Vec<IpAddr>> {
    texts.iter().map(|text| address(text)).collect()
}

fn address(text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| wrong(format!("not an address: {text}")))
}

fn wrong(what: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(what.to_string())
}
