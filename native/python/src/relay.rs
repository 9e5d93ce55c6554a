//! `Relay`: STUN and TURN over UDP as Python sees it. The thread behind it is in `relay/shell.rs`.

mod own_addresses;
mod shell;
pub(crate) mod streams;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use vestibule_relay::{Config, Counters, PeerPolicy};

use shell::{Command, Commands, Shell};
use streams::StreamDoor;

/// STUN and TURN over UDP; see the stub file.
#[pyclass(frozen, module = "vestibule._native")]
pub struct Relay {
    /// The server's port.
    #[pyo3(get)]
    port: u16,
    commands: Arc<Commands>,
    streams: StreamDoor,
    counters: Arc<Mutex<Counters>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl Relay {
    #[new]
    #[pyo3(signature = (*, bind, port, advertise, realm, port_low=50000, port_high=59999, allowed_peers=vec![],
                        own_peer_ports=None, max_allocations_per_user=10, fips=false))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of one documented call"
    )]
    fn new(
        bind: &str,
        port: u16,
        advertise: &str,
        realm: &str,
        port_low: u16,
        port_high: u16,
        allowed_peers: Vec<String>,
        own_peer_ports: Option<(u16, u16)>,
        max_allocations_per_user: usize,
        fips: bool,
    ) -> PyResult<Self> {
        let (bind, relay_address) = (address(bind)?, address(advertise)?);
        if bind.is_ipv4() != relay_address.is_ipv4() {
            return Err(wrong("bind and advertise are of different families"));
        }
        if port_low == 0 || port_low > port_high {
            return Err(wrong("the range of ports is empty"));
        }
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| PyOSError::new_err("no random octets"))?;
        let allowed = allowed_peers.iter().map(|text| text.parse().map_err(wrong));
        let mut own = own_addresses::own_addresses();
        own.extend([bind, relay_address]);
        let config = Config {
            realm: realm.to_owned(),
            relay_address,
            ports: port_low..=port_high,
            peers: PeerPolicy {
                allowed: allowed.collect::<PyResult<_>>()?,
                own,
                own_ports: own_peer_ports.map(|(low, high)| low..=high),
            },
            allocations_per_user: max_allocations_per_user,
            allocations: usize::from(port_high - port_low) + 1,
            secret,
            fips,
        };
        let (shell, commands) = Shell::new(config, SocketAddr::new(bind, port))?;
        let (port, counters, commands) = (shell.port()?, shell.counters(), Arc::new(commands));
        let named = std::thread::Builder::new().name("vestibule-relay".into());
        let thread = named.spawn(move || shell.run())?;
        Ok(Self {
            port,
            streams: StreamDoor::new(commands.clone()),
            commands,
            counters,
            thread: Mutex::new(Some(thread)),
        })
    }

    fn add_credential(&self, username: &str, password: &str, lifetime: f64) -> PyResult<()> {
        let lifetime = Duration::try_from_secs_f64(lifetime).map_err(wrong)?;
        self.commands.send(Command::Add {
            username: username.to_owned(),
            password: password.to_owned(),
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

fn address(text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| wrong(format!("not an address: {text}")))
}

fn wrong(what: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(what.to_string())
}
