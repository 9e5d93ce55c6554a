//! The PyO3 binding: owns sockets and threads, calls the cores, hands Python batches.

use pyo3::prelude::*;

/// `vestibule._native`: see `src/vestibule/_native.pyi` for the boundary's documentation.
#[pymodule]
fn _native(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
