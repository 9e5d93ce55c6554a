//! The PyO3 binding: owns sockets and threads, calls the cores, hands Python batches.

pub mod wake;

use pyo3::prelude::*;

mod datagrams;
mod edge;
mod media;
mod outbound;
mod pace;
mod relay;
mod sip_message;

/// `vestibule._native`: see `src/vestibule/_native.pyi` for the boundary's documentation.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    sip_message::register(module)?;
    media::register(module)?;
    module.add_class::<relay::Relay>()?;
    outbound::register(module)?;
    edge::register(module)
}
