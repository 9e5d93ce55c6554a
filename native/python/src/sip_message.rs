//! `SipMessage`, `parse_sip` and `build_request`: the codec of the `sip` crate as Python sees it.

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use vestibule_sip::{EditError, Forward, Limits, Message, parse_datagram};

mod exception {
    #![allow(missing_docs, reason = "the macro's type has no place for them")]
    pyo3::create_exception!(
        vestibule._native,
        MalformedMessage,
        pyo3::exceptions::PyValueError,
        "A message that breaks RFC 3261; args is (status, reason): what the wire should say."
    );
}
pub use exception::MalformedMessage;

/// Max-Forwards of a request that has none (RFC 3261 section 16.6).
const DEFAULT_MAX_FORWARDS: u8 = 70;

const NO_BODY: &[u8] = b"";

/// One parsed SIP message; see the stub file.
#[pyclass(frozen, module = "vestibule._native")]
pub struct SipMessage {
    #[pyo3(get)]
    flow: u64,
    message: Message,
}

impl SipMessage {
    /// A message that came by `flow`.
    #[must_use]
    pub fn new(flow: u64, message: Message) -> Self {
        Self { flow, message }
    }
}

#[pymethods]
#[allow(clippy::wrong_self_convention, reason = "From is a header here")]
impl SipMessage {
    #[getter]
    fn is_request(&self) -> bool {
        self.message.is_request()
    }

    /// The usual methods are interned: they are compared and looked up with every message.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match self.message.method() {
            "INVITE" => intern!(py, "INVITE").clone(),
            "ACK" => intern!(py, "ACK").clone(),
            "BYE" => intern!(py, "BYE").clone(),
            "CANCEL" => intern!(py, "CANCEL").clone(),
            "REGISTER" => intern!(py, "REGISTER").clone(),
            "OPTIONS" => intern!(py, "OPTIONS").clone(),
            "SUBSCRIBE" => intern!(py, "SUBSCRIBE").clone(),
            "NOTIFY" => intern!(py, "NOTIFY").clone(),
            "MESSAGE" => intern!(py, "MESSAGE").clone(),
            "INFO" => intern!(py, "INFO").clone(),
            other => PyString::new(py, other),
        }
    }

    #[getter]
    fn uri(&self) -> &str {
        self.message.uri()
    }

    #[getter]
    fn status(&self) -> u16 {
        self.message.status()
    }

    #[getter]
    fn reason(&self) -> &str {
        self.message.reason()
    }

    #[getter]
    fn call_id(&self) -> &str {
        self.message.call_id()
    }

    #[getter]
    fn cseq(&self) -> u32 {
        self.message.cseq()
    }

    #[getter]
    fn branch(&self) -> &str {
        self.message.branch()
    }

    #[getter]
    fn via_count(&self) -> u32 {
        self.message.via_count()
    }

    #[getter]
    fn from_uri(&self) -> &str {
        self.message.from_uri()
    }

    #[getter]
    fn from_tag(&self) -> &str {
        self.message.from_tag()
    }

    #[getter]
    fn from_display(&self) -> String {
        self.message.from_display().into_owned()
    }

    #[getter]
    fn to_uri(&self) -> &str {
        self.message.to_uri()
    }

    #[getter]
    fn to_tag(&self) -> &str {
        self.message.to_tag()
    }

    #[getter]
    fn max_forwards(&self) -> u8 {
        self.message.max_forwards().unwrap_or(DEFAULT_MAX_FORWARDS)
    }

    #[getter]
    fn content_type(&self) -> String {
        self.message.content_type()
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.message.body())
    }

    fn header<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
        let first = self.message.headers(name).next()?;
        Some(PyString::new(py, &first))
    }

    fn headers(&self, name: &str) -> Vec<String> {
        self.message.headers(name).map(String::from).collect()
    }

    fn values(&self, name: &str) -> Vec<String> {
        self.message.values(name).map(String::from).collect()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.message.as_bytes())
    }

    #[pyo3(signature = (*, uri=None, pop_via=false, push_via=None, pop_routes=0, push_record_route=None,
                        max_forwards=None, drop=vec![], add=vec![], body=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of one documented call"
    )]
    fn forwarded<'py>(
        &self,
        py: Python<'py>,
        uri: Option<&str>,
        pop_via: bool,
        push_via: Option<&str>,
        pop_routes: usize,
        push_record_route: Option<&str>,
        max_forwards: Option<u8>,
        drop: Vec<PyBackedText>,
        add: Vec<(PyBackedText, PyBackedText)>,
        body: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let drop: Vec<&str> = drop.iter().map(AsRef::as_ref).collect();
        let forward = Forward {
            uri,
            pop_via,
            push_via,
            pop_routes,
            push_record_route,
            max_forwards,
            drop: &drop,
            add: &pairs(&add),
            body,
        };
        written(py, self.message.forwarded(&forward))
    }

    #[pyo3(signature = (status, reason="", *, to_tag=None, headers=vec![], body=NO_BODY))]
    fn response<'py>(
        &self,
        py: Python<'py>,
        status: u16,
        reason: &str,
        to_tag: Option<&str>,
        headers: Vec<(PyBackedText, PyBackedText)>,
        body: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let headers = pairs(&headers);
        let response = self
            .message
            .response(status, reason, to_tag, &headers, body);
        written(py, response)
    }

    fn __repr__(&self) -> String {
        let message = &self.message;
        if message.is_request() {
            format!("<SipMessage {} {:?}>", message.method(), message.uri())
        } else {
            format!("<SipMessage {} to {}>", message.status(), message.method())
        }
    }
}

/// Text borrowed from Python while a message is written.
type PyBackedText = pyo3::pybacked::PyBackedStr;

fn pairs(headers: &[(PyBackedText, PyBackedText)]) -> Vec<(&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

fn written(py: Python<'_>, outcome: Result<Vec<u8>, EditError>) -> PyResult<Bound<'_, PyBytes>> {
    match outcome {
        Ok(bytes) => Ok(PyBytes::new(py, &bytes)),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

/// Parse one whole message.
#[pyfunction]
fn parse_sip(py: Python<'_>, data: &[u8]) -> PyResult<SipMessage> {
    match parse_datagram(Bytes::copy_from_slice(data), &Limits::default()) {
        Ok(message) => Ok(SipMessage::new(0, message)),
        Err(refused) => {
            let (status, reason) = (refused.refusal.status(), refused.refusal.reason());
            let error = MalformedMessage::new_err((status, reason.clone()));
            let value = error.value(py);
            value.setattr(intern!(py, "status"), status)?;
            value.setattr(intern!(py, "reason"), reason)?;
            Err(error)
        }
    }
}

/// Serialise a new request.
#[pyfunction]
#[pyo3(signature = (method, uri, headers, body=NO_BODY))]
fn build_request<'py>(
    py: Python<'py>,
    method: &str,
    uri: &str,
    headers: Vec<(PyBackedText, PyBackedText)>,
    body: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    written(
        py,
        vestibule_sip::build_request(method, uri, &pairs(&headers), body),
    )
}

/// Put this file's names into the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SipMessage>()?;
    module.add(
        "MalformedMessage",
        module.py().get_type::<MalformedMessage>(),
    )?;
    module.add_function(wrap_pyfunction!(parse_sip, module)?)?;
    module.add_function(wrap_pyfunction!(build_request, module)?)
}
