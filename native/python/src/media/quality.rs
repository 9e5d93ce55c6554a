//! How media fares, as Python sees it: plain numbers, times in seconds.

use pyo3::prelude::*;
use vestibule_media::{Flow, Quality, Source};

/// One source's media in one direction.
#[pyclass(frozen, get_all, module = "vestibule._native")]
pub struct MediaFlow {
    source: &'static str,
    packets: u64,
    octets: u64,
    bitrate: u64,
    loss: Option<f64>,
    jitter: Option<f64>,
}

impl MediaFlow {
    fn all(flows: [Flow; 3]) -> Vec<Self> {
        let named = Source::ALL.into_iter().zip(flows);
        named.map(|(source, flow)| Self::of(source, flow)).collect()
    }

    fn of(source: Source, flow: Flow) -> Self {
        Self {
            source: source.name(),
            packets: flow.packets,
            octets: flow.octets,
            bitrate: flow.bitrate,
            loss: flow.loss.map(f64::from),
            jitter: flow.jitter.map(|span| span.as_secs_f64()),
        }
    }
}

/// One endpoint's media.
#[pyclass(frozen, module = "vestibule._native")]
pub struct EndpointQuality {
    #[pyo3(get)]
    endpoint: String,
    quality: Quality,
}

impl EndpointQuality {
    /// Under its name; "" if it is not to be told.
    pub fn new(endpoint: String, quality: Quality) -> Self {
        Self { endpoint, quality }
    }
}

#[pymethods]
impl EndpointQuality {
    #[getter]
    fn is_phone(&self) -> bool {
        self.quality.is_phone
    }

    #[getter]
    fn is_connected(&self) -> bool {
        self.quality.is_connected
    }

    #[getter]
    fn audio_codec(&self) -> &'static str {
        self.quality.audio_codec
    }

    #[getter]
    fn round_trip(&self) -> Option<f64> {
        self.quality.round_trip.map(|span| span.as_secs_f64())
    }

    #[getter]
    fn received(&self) -> Vec<MediaFlow> {
        MediaFlow::all(self.quality.received)
    }

    #[getter]
    fn sent(&self) -> Vec<MediaFlow> {
        MediaFlow::all(self.quality.sent)
    }
}

/// Put these names into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MediaFlow>()?;
    module.add_class::<EndpointQuality>()
}
