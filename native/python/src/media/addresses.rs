//! Addresses as Python writes them.

use std::net::IpAddr;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use vestibule_media::Refused;

use super::refusal::refusal;

/// An address from the settings.
pub fn address(text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| PyValueError::new_err(format!("not an IP address: {text:?}")))
}

/// An address from an offer: what is wrong with it is the offer's fault.
pub fn destination(py: Python<'_>, text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| refusal(py, &Refused::Destination(text.to_owned())))
}
