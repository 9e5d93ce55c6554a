//! `OutboundTls` and `TlsLine` as Python sees them; see the stub file.

use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustls::{ClientConnection, Error};

use crate::edge::{OutgoingTls, certificate_fault};

create_exception!(_native, TlsRefused, PyValueError);

#[pyclass(frozen, module = "vestibule._native")]
struct OutboundTls(OutgoingTls);

#[pymethods]
impl OutboundTls {
    #[new]
    #[pyo3(signature = (roots_pem, crls_der, *, crl_grace_seconds=0, fips=false))]
    #[allow(clippy::needless_pass_by_value, reason = "what PyO3 converts to")]
    fn new(
        roots_pem: &[u8],
        crls_der: Vec<Vec<u8>>,
        crl_grace_seconds: u32,
        fips: bool,
    ) -> PyResult<Self> {
        let grace = Duration::from_secs(crl_grace_seconds.into());
        let made = OutgoingTls::new(roots_pem, &crls_der, grace, fips);
        made.map(Self)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    #[pyo3(signature = (host, *, lists_only=false))]
    fn connect(&self, host: &str, lists_only: bool) -> PyResult<TlsLine> {
        let mut line = self.0.connect(host, lists_only).map_err(refused)?;
        line.set_buffer_limit(None); // what Python gives is bounded already
        Ok(TlsLine(Mutex::new(line)))
    }

    fn wanted_crls(&self) -> Vec<String> {
        self.0.wanted_lists().into_iter().collect()
    }
}

#[pyclass(frozen, module = "vestibule._native")]
struct TlsLine(Mutex<ClientConnection>);

#[pymethods]
impl TlsLine {
    #[getter]
    fn is_handshaking(&self) -> bool {
        self.line().is_handshaking()
    }

    fn send(&self, data: &[u8]) -> PyResult<()> {
        Ok(self.line().writer().write_all(data)?)
    }

    fn receive<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let text = py.detach(|| take(&mut self.line(), data));
        Ok(PyBytes::new(py, &text.map_err(refused)?))
    }

    fn outgoing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut line = self.line();
        let mut records = Vec::new();
        while line.wants_write() {
            line.write_tls(&mut records)?;
        }
        Ok(PyBytes::new(py, &records))
    }
}

impl TlsLine {
    fn line(&self) -> MutexGuard<'_, ClientConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text within these records.
fn take(line: &mut ClientConnection, mut data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    while !data.is_empty() {
        let read = line.read_tls(&mut data);
        if !matches!(read, Ok(taken) if taken > 0) {
            break; // after the peer's goodbye nothing counts
        }
        line.process_new_packets()?;
        match line.reader().read_to_end(&mut text) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
    Ok(text)
}

/// The reason, and one word for what is wrong with the certificate, if that is it.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: Error) -> PyErr {
    let fault = match &error {
        Error::InvalidCertificate(fault) => certificate_fault(fault),
        _ => "",
    };
    TlsRefused::new_err((error.to_string(), fault))
}

/// Put this file's names into the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("TlsRefused", module.py().get_type::<TlsRefused>())?;
    module.add_class::<OutboundTls>()?;
    module.add_class::<TlsLine>()
}
