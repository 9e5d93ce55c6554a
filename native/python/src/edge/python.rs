//! `Edge` and its events as Python sees them; see the stub file.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::bucket::Rate;
use super::connection::Serves;
use super::connector::{self, Target};
use super::core::{Core, Event, Opened, Registration, Settings};
use super::listener;
use super::outbox::Encoding;
use super::shares::Holder;
use super::standing::Standing;
use super::tls::TlsError;
use super::verifier::Naming;
use crate::relay::Relay;
use crate::sip_message::SipMessage;

const THREADS: usize = 2;

/// How long `close` waits for flows to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

/// Numbers of seconds over this make no sense as a deadline.
const LONGEST_DEADLINE: f64 = 7.0 * 24.0 * 3600.0;

#[pyclass(frozen, module = "vestibule._native")]
struct FlowOpened {
    #[pyo3(get)]
    flow: u64,
    opened: Opened,
}

#[pymethods]
impl FlowOpened {
    #[getter]
    fn transport(&self) -> &'static str {
        self.opened.transport
    }

    #[getter]
    fn peer_host(&self) -> &str {
        &self.opened.peer_host
    }

    #[getter]
    fn peer_port(&self) -> u16 {
        self.opened.peer_port
    }

    #[getter]
    fn local_port(&self) -> u16 {
        self.opened.local_port
    }

    #[getter]
    fn certificate<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let der = self.opened.certificate.as_deref()?;
        Some(PyBytes::new(py, der))
    }
}

#[pyclass(frozen, get_all, module = "vestibule._native")]
struct FlowEnding {
    flow: u64,
    reason: String,
}

#[pyclass(frozen, get_all, module = "vestibule._native")]
struct FlowClosed {
    flow: u64,
    reason: String,
}

#[pyclass(frozen, get_all, module = "vestibule._native")]
struct MessageRefused {
    flow: u64,
    status: u16,
    reason: String,
}

#[pyclass(frozen, get_all, module = "vestibule._native")]
struct ConnectFailed {
    flow: u64,
    reason: String,
}

fn to_python(py: Python<'_>, event: Event) -> PyResult<Bound<'_, PyAny>> {
    match event {
        Event::Message { flow, message } => SipMessage::new(flow, *message).into_bound_py_any(py),
        Event::FlowOpened { flow, opened } => FlowOpened { flow, opened }.into_bound_py_any(py),
        Event::FlowEnding { flow, reason } => FlowEnding { flow, reason }.into_bound_py_any(py),
        Event::FlowClosed { flow, reason } => FlowClosed { flow, reason }.into_bound_py_any(py),
        Event::MessageRefused {
            flow,
            status,
            reason,
        } => MessageRefused {
            flow,
            status,
            reason,
        }
        .into_bound_py_any(py),
        Event::ConnectFailed { flow, reason } => {
            ConnectFailed { flow, reason }.into_bound_py_any(py)
        }
    }
}

/// The listeners, the connector and their threads.
#[pyclass(frozen, module = "vestibule._native")]
struct Edge {
    core: Arc<Core>,
    /// `None` once closed.
    runtime: Mutex<Option<Runtime>>,
}

#[pymethods]
impl Edge {
    #[new]
    #[pyo3(signature = (*, http_backend, websocket_hosts, websocket_origins, max_message=65536, max_connections=10000,
                        max_connections_per_address=1000, messages_per_second=200.0,
                        unproven_messages_per_second=400.0, handshake_seconds=10.0, idle_seconds=600.0,
                        message_seconds=30.0, unproven_seconds=30.0, answer_seconds=2.0, fips=false))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of one documented call"
    )]
    fn new(
        http_backend: String,
        websocket_hosts: Vec<String>,
        websocket_origins: Vec<String>,
        max_message: usize,
        max_connections: usize,
        max_connections_per_address: usize,
        messages_per_second: f64,
        unproven_messages_per_second: f64,
        handshake_seconds: f64,
        idle_seconds: f64,
        message_seconds: f64,
        unproven_seconds: f64,
        answer_seconds: f64,
        fips: bool,
    ) -> PyResult<Self> {
        let core = Core::new(Settings {
            http_backend,
            websocket_hosts,
            websocket_origins,
            max_message,
            max_connections,
            max_connections_per_address,
            message_rate: rate("messages_per_second", messages_per_second)?,
            unproven_rate: rate("unproven_messages_per_second", unproven_messages_per_second)?,
            handshake: deadline("handshake_seconds", handshake_seconds)?,
            idle: deadline("idle_seconds", idle_seconds)?,
            message: deadline("message_seconds", message_seconds)?,
            unproven: deadline("unproven_seconds", unproven_seconds)?,
            answer: Duration::try_from_secs_f64(answer_seconds)
                .map_err(|_| PyValueError::new_err("answer_seconds is out of range"))?,
            fips,
        })?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("vestibule-edge")
            .enable_all()
            .build()?;
        Ok(Self {
            core: Arc::new(core),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    fn set_identity(&self, chain_pem: &[u8], key_pem: &[u8]) -> PyResult<()> {
        let set = self.core.tls.set_identity(chain_pem, key_pem);
        set.map_err(to_value_error)
    }

    #[pyo3(signature = (roots_pem, crls_der, *, crl_grace_seconds=0))]
    #[allow(clippy::needless_pass_by_value, reason = "what PyO3 converts to")]
    fn set_trust(
        &self,
        roots_pem: &[u8],
        crls_der: Vec<Vec<u8>>,
        crl_grace_seconds: u32,
    ) -> PyResult<()> {
        let grace = Duration::from_secs(crl_grace_seconds.into());
        let set = self.core.tls.set_trust(roots_pem, &crls_der, grace);
        set.map_err(to_value_error)
    }

    fn wanted_crls(&self) -> Vec<String> {
        self.core.tls.wanted_lists().into_iter().collect()
    }

    /// Which certificates were refused since the last call, how often: address, reason, count.
    fn refused_certificates(&self) -> Vec<(Option<String>, &'static str, u64)> {
        let taken = self.core.refused_peers.take().into_iter();
        taken
            .map(|((peer, reason), many)| (peer.map(|peer| peer.to_string()), reason, many))
            .collect()
    }

    #[pyo3(signature = (host, port, *, sip, web, name=None, http_backend=None, relay=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of one documented call"
    )]
    fn listen(
        &self,
        host: &str,
        port: u16,
        sip: bool,
        web: bool,
        name: Option<&str>,
        http_backend: Option<String>,
        relay: Option<&Relay>,
    ) -> PyResult<u16> {
        let usual = match (sip, web) {
            (true, false) => "sip",
            (false, true) => "web",
            _ => "sip+web",
        };
        let serves = Arc::new(Serves {
            sip,
            web,
            application: http_backend,
            relay: relay.map(Relay::streams),
            plain: false,
            counters: self.core.counters.of(name.unwrap_or(usual)),
        });
        self.accept(host, port, serves)
    }

    fn listen_for_relay(&self, host: &str, port: u16, relay: &Relay) -> PyResult<u16> {
        let serves = Arc::new(Serves {
            sip: false,
            web: false,
            application: None,
            relay: Some(relay.streams()),
            plain: true,
            counters: self.core.counters.of("relay"),
        });
        self.accept(host, port, serves)
    }

    #[pyo3(signature = (host, port, server_name, *, sip_domain=false))]
    fn connect(
        &self,
        host: String,
        port: u16,
        server_name: String,
        sip_domain: bool,
    ) -> PyResult<u64> {
        self.with_runtime(|runtime| {
            let standing = Standing::new(Arc::clone(&self.core.outgoing), Vec::new());
            let registration = Registration::new(&self.core, Encoding::Stream, standing);
            let flow = registration.flow;
            let target = Target {
                host,
                port,
                server_name,
                naming: if sip_domain {
                    Naming::SipDomain
                } else {
                    Naming::Host
                },
            };
            let core = Arc::clone(&self.core);
            let alive = core.alive();
            runtime.spawn(async move {
                connector::connect(core, registration, target).await;
                drop(alive);
            });
            Ok(flow)
        })
    }

    fn fileno(&self) -> i32 {
        self.core.events.fileno()
    }

    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let events = self.core.events.drain().into_iter();
        let events: Vec<_> = events
            .map(|event| to_python(py, event))
            .collect::<PyResult<_>>()?;
        PyList::new(py, events)
    }

    fn send(&self, flow: u64, data: &[u8]) -> bool {
        self.core.send(flow, data)
    }

    fn prove_flow(&self, flow: u64) {
        self.core.prove_flow(flow);
    }

    fn share_flow(
        &self,
        flow: u64,
        kind: &str,
        holder: String,
        messages_per_second: f64,
    ) -> PyResult<()> {
        let holder = match kind {
            "person" => Holder::Person(holder),
            "guest" => Holder::Guest(holder),
            "partner" => Holder::Partner(holder),
            _ => return Err(PyValueError::new_err("no such kind of holder")),
        };
        let rate = rate("messages_per_second", messages_per_second)?;
        self.core.share_flow(flow, holder, rate);
        Ok(())
    }

    fn close_flow(&self, flow: u64, reason: &str) {
        self.core.close_flow(flow, reason);
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut sums = BTreeMap::<_, u64>::new();
        for (_, of_listener) in self.core.counters.all() {
            for (reason, many) in of_listener.all() {
                *sums.entry(reason).or_default() += many;
            }
        }
        let counters = PyDict::new(py);
        for (reason, many) in sums {
            counters.set_item(reason, many)?;
        }
        counters.set_item("connections_open", self.core.door.open())?;
        Ok(counters)
    }

    fn counters_by_listener(&self) -> BTreeMap<String, BTreeMap<&'static str, u64>> {
        let all = self.core.counters.all().into_iter();
        all.map(|(listener, counters)| (listener, counters.all().collect()))
            .collect()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.shut_down());
    }
}

impl Edge {
    fn accept(&self, host: &str, port: u16, serves: Arc<Serves>) -> PyResult<u16> {
        self.with_runtime(|runtime| {
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener::bind(host, port)?)?;
            let port = listener.local_addr()?.port();
            let core = Arc::clone(&self.core);
            let alive = core.alive();
            runtime.spawn(async move {
                listener::accept(core, listener, serves).await;
                drop(alive);
            });
            Ok(port)
        })
    }

    fn with_runtime<T>(&self, act: impl FnOnce(&Runtime) -> io::Result<T>) -> PyResult<T> {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => Ok(act(runtime)?),
            None => Err(PyRuntimeError::new_err("the edge is closed")),
        }
    }

    fn shut_down(&self) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let at_rest = self.core.begin_closing();
        if let (Some(runtime), Some(mut at_rest)) = (runtime, at_rest) {
            let _ = runtime.block_on(async { timeout(GOODBYE, at_rest.recv()).await });
            runtime.shutdown_background();
        }
    }
}

impl Drop for Edge {
    /// An edge that was not closed lets its threads go without waiting.
    fn drop(&mut self) {
        let runtime = self
            .runtime
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.take() {
            self.core.begin_closing();
            runtime.shutdown_background();
        }
    }
}

/// Twice as many at once as in a second.
fn rate(name: &str, per_second: f64) -> PyResult<Rate> {
    if per_second.is_finite() && per_second > 0.0 {
        Ok(Rate {
            per_second,
            burst: (2.0 * per_second).max(1.0),
        })
    } else {
        Err(PyValueError::new_err(format!("{name} must be positive")))
    }
}

fn deadline(name: &str, seconds: f64) -> PyResult<Duration> {
    if seconds > 0.0 && seconds <= LONGEST_DEADLINE {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(PyValueError::new_err(format!("{name} is out of range")))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn to_value_error(error: TlsError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Put this file's names into the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<FlowOpened>()?;
    module.add_class::<FlowEnding>()?;
    module.add_class::<FlowClosed>()?;
    module.add_class::<MessageRefused>()?;
    module.add_class::<ConnectFailed>()?;
    module.add_class::<Edge>()
}
