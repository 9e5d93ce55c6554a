//! How a refusal of the core becomes Python's exception.

use pyo3::prelude::*;
use vestibule_media::{Refused, Unrecordable};

mod exception {
    #![allow(missing_docs, reason = "the macro's type has no place for them")]
    pyo3::create_exception!(
        vestibule._native,
        MediaRefused,
        pyo3::exceptions::PyValueError,
        "An offer or a leg that can't be served; args is (status, reason)."
    );
}
pub use exception::MediaRefused;

/// An offer or a leg that can't be served.
pub fn refusal(py: Python<'_>, refused: &Refused) -> PyErr {
    refused_with(py, refused.status(), refused.to_string())
}

/// A recording that can't be.
pub fn unrecordable(py: Python<'_>, why: Unrecordable) -> PyErr {
    refused_with(py, why.status(), why.to_string())
}

fn refused_with(py: Python<'_>, status: u16, reason: String) -> PyErr {
    let error = MediaRefused::new_err((status, reason.clone()));
    let value = error.value(py);
    let set = value
        .setattr("status", status)
        .and_then(|()| value.setattr("reason", reason));
    set.err().unwrap_or(error)
}
