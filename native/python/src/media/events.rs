//! The core's events and counters as Python sees them.

use std::time::Duration;

use pyo3::prelude::*;
use vestibule_media::{Event, Stats};

use super::file_writer::Ended;
use super::quality::EndpointQuality;

/// What Python is told: by the core, or by what writes its recordings.
#[derive(Debug)]
pub enum Told {
    /// The core's event.
    Core(Event),
    /// A recording's file is as it will stay.
    RecordingEnded {
        /// The room's name.
        room: String,
        /// How.
        ended: Ended,
    },
}

/// Media flows.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct EndpointConnected {
    room: String,
    endpoint: String,
}

/// The endpoint ended by itself.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct EndpointGone {
    room: String,
    endpoint: String,
    reason: String,
    quality: Py<EndpointQuality>,
}

/// A phone's key was pressed.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct EndpointDigit {
    room: String,
    endpoint: String,
    digit: char,
}

/// The loudest endpoint has changed.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct ActiveSpeaker {
    room: String,
    endpoint: Option<String>,
}

/// A phone sees nothing, for as many pictures are transcoded as may be.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct PicturesWithheld {
    room: String,
    endpoint: String,
}

/// A codec panicked over somebody's pictures.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct TranscodingFailed {
    room: String,
    endpoint: String,
}

/// A recording's file is as it will stay.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct RecordingEnded {
    room: String,
    seconds: f64,
    octets: u64,
    problem: Option<String>,
}

/// How far a recording is.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct RecordingProgress {
    seconds: f64,
    octets: u64,
}

impl RecordingProgress {
    /// So long, and so much of it in the file.
    pub fn new(length: Duration, octets: u64) -> Self {
        Self {
            seconds: length.as_secs_f64(),
            octets,
        }
    }
}

/// Counters of one endpoint.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct EndpointStats {
    packets_received: u64,
    packets_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    packets_refused: u64,
    packets_forbidden: u64,
    audio_level: f32,
}

impl From<Stats> for EndpointStats {
    fn from(stats: Stats) -> Self {
        Self {
            packets_received: stats.packets_received,
            packets_sent: stats.packets_sent,
            bytes_received: stats.bytes_received,
            bytes_sent: stats.bytes_sent,
            packets_refused: stats.packets_refused,
            packets_forbidden: stats.packets_forbidden,
            audio_level: stats.audio_level,
        }
    }
}

/// What is told as its Python class.
pub fn to_python(py: Python<'_>, told: Told) -> PyResult<Py<PyAny>> {
    match told {
        Told::Core(event) => event_to_python(py, event),
        Told::RecordingEnded { room, ended } => {
            let ended = RecordingEnded {
                room,
                seconds: ended.length.as_secs_f64(),
                octets: ended.octets,
                problem: ended.problem,
            };
            Py::new(py, ended).map(Py::into_any)
        }
    }
}

fn event_to_python(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    match event {
        Event::Connected { room, endpoint } => {
            Py::new(py, EndpointConnected { room, endpoint }).map(Py::into_any)
        }
        Event::Gone {
            room,
            endpoint,
            reason,
            quality,
        } => {
            let quality = EndpointQuality::new(endpoint.clone(), *quality);
            let gone = EndpointGone {
                room,
                endpoint,
                reason,
                quality: Py::new(py, quality)?,
            };
            Py::new(py, gone).map(Py::into_any)
        }
        Event::Digit {
            room,
            endpoint,
            digit,
        } => {
            let pressed = EndpointDigit {
                room,
                endpoint,
                digit,
            };
            Py::new(py, pressed).map(Py::into_any)
        }
        Event::PicturesWithheld { room, endpoint } => {
            Py::new(py, PicturesWithheld { room, endpoint }).map(Py::into_any)
        }
        Event::TranscodingFailed { room, endpoint } => {
            Py::new(py, TranscodingFailed { room, endpoint }).map(Py::into_any)
        }
        Event::ActiveSpeaker { room, endpoint } => {
            Py::new(py, ActiveSpeaker { room, endpoint }).map(Py::into_any)
        }
    }
}

/// Put these names into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EndpointConnected>()?;
    module.add_class::<EndpointGone>()?;
    module.add_class::<EndpointDigit>()?;
    module.add_class::<ActiveSpeaker>()?;
    module.add_class::<PicturesWithheld>()?;
    module.add_class::<TranscodingFailed>()?;
    module.add_class::<RecordingEnded>()?;
    module.add_class::<RecordingProgress>()?;
    module.add_class::<EndpointStats>()
}
