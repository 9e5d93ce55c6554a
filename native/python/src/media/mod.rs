//! `Media`: rooms for Python. The class posts commands to the media thread and drains its events.

mod addresses;
mod calls;
mod events;
mod file_writer;
mod quality;
mod recordings;
mod refusal;
mod sockets;
mod transcoder_thread;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use mio::Waker;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use vestibule_media::codec::Codec;
use vestibule_media::pcm::from_i16;
use vestibule_media::srtp::Suite;
use vestibule_media::{Level, PhoneLeg, Rights, StreamLeg, VideoCodec, VideoLeg};

use self::addresses::{address, destination};
use self::events::{EndpointStats, RecordingProgress, Told};
use self::quality::EndpointQuality;
use self::refusal::{MediaRefused, unrecordable};
use self::worker::{Command, NotStarted, Worker};
use crate::wake::EventQueue;

/// The thread and the way to it.
struct Running {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
}

/// Rooms of browsers and phones; see the stub file.
#[pyclass(frozen, module = "vestibule._native")]
pub struct Media {
    /// The UDP port of all browsers.
    #[pyo3(get)]
    browser_port: u16,
    running: Mutex<Option<Running>>,
    events: Arc<EventQueue<Told>>,
}

impl Media {
    fn post(&self, command: impl FnOnce(&mut Worker) + Send + 'static) -> PyResult<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = || PyRuntimeError::new_err("media is closed");
        let Running {
            commands, waker, ..
        } = running.as_ref().ok_or_else(closed)?;
        commands.send(Box::new(command)).map_err(|_| closed())?;
        waker.wake().map_err(PyErr::from)
    }

    /// Without a sender of commands the thread says its goodbyes and ends.
    fn stop(&self) -> Option<JoinHandle<()>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running {
            commands,
            waker,
            thread,
        } = running.take()?;
        drop(commands);
        // It fails only if the thread's poller is gone, and so the thread.
        let _ = waker.wake();
        Some(thread)
    }

    /// Run a command and wait for what it says, without holding the interpreter.
    fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> PyResult<T> {
        let (reply, answer) = sync_channel(1);
        self.post(move |worker| {
            // Nobody waits any more only if Python is going down.
            let _ = reply.send(command(worker));
        })?;
        py.detach(move || answer.recv())
            .map_err(|_| PyRuntimeError::new_err("media is closed"))
    }
}

#[pymethods]
impl Media {
    #[new]
    #[pyo3(signature = (*, bind, advertise, port_low, port_high, fips=false, transcodings=4))]
    fn new(
        bind: &str,
        advertise: &str,
        port_low: u16,
        port_high: u16,
        fips: bool,
        transcodings: usize,
    ) -> PyResult<Self> {
        let bind = address(bind)?;
        let advertise = address(advertise)?;
        if port_low == 0 || port_high < port_low {
            return Err(PyValueError::new_err("the port range is empty"));
        }
        let events = Arc::new(EventQueue::new()?);
        let (commands, receiver) = channel();
        let (worker, waker, browser_port) = Worker::new(
            bind,
            advertise,
            port_low..=port_high,
            fips,
            transcodings,
            receiver,
            Arc::clone(&events),
        )?;
        let thread = std::thread::Builder::new()
            .name("vestibule-media".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self {
            browser_port,
            running: Mutex::new(Some(Running {
                commands,
                waker,
                thread,
            })),
            events,
        })
    }

    fn open_room(&self, room: String) -> PyResult<()> {
        self.post(move |worker| worker.rooms.open_room(worker.now, &room))
    }

    fn close_room(&self, room: String) -> PyResult<()> {
        self.post(move |worker| worker.close_room(&room))
    }

    #[pyo3(signature = (room, endpoint, offer, *, audio, video, screen))]
    #[allow(clippy::too_many_arguments, reason = "the boundary names them")]
    fn join_browser(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        offer: String,
        audio: bool,
        video: bool,
        screen: bool,
    ) -> PyResult<String> {
        let rights = Rights {
            audio,
            video,
            screen,
        };
        self.refusable(py, move |worker| {
            worker
                .rooms
                .join_browser(worker.now, &room, &endpoint, &offer, rights)
        })
    }

    #[pyo3(signature = (
        room, endpoint, *, codec, payload_type, dtmf_payload_type, suite, local_key, remote_key,
        remote_host, remote_port, remote_is_known, rtcp_mux, audio
    ))]
    #[allow(clippy::too_many_arguments, reason = "the boundary names them")]
    fn join_phone(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        codec: &str,
        payload_type: u8,
        dtmf_payload_type: Option<u8>,
        suite: &str,
        local_key: Vec<u8>,
        remote_key: Vec<u8>,
        remote_host: &str,
        remote_port: u16,
        remote_is_known: bool,
        rtcp_mux: bool,
        audio: bool,
    ) -> PyResult<u16> {
        let leg = PhoneLeg {
            codec: Codec::from_name(codec).ok_or_else(|| PyValueError::new_err("no such codec"))?,
            payload_type,
            dtmf_payload_type,
            suite: known_suite(suite)?,
            local_key,
            remote_key,
            remote: SocketAddr::new(destination(py, remote_host)?, remote_port),
            remote_is_known,
            rtcp_mux,
        };
        let rights = Rights {
            audio,
            ..Rights::default()
        };
        self.refusable(py, move |worker| {
            worker.join_phone(&room, &endpoint, leg, rights)
        })
    }

    fn offer_phone(&self, py: Python<'_>, room: String, endpoint: String) -> PyResult<u16> {
        self.refusable(py, |worker| worker.offer_phone(room, endpoint))
    }

    #[pyo3(signature = (room, endpoint, offer, *, audio))]
    fn join_call(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        offer: String,
        audio: bool,
    ) -> PyResult<String> {
        self.answer_call(py, (room, endpoint), offer, audio)
    }

    fn offer_call(&self, py: Python<'_>, room: String, endpoint: String) -> PyResult<String> {
        self.refusable(py, move |w| w.rooms.offer_call(w.now, &room, &endpoint))
    }

    #[pyo3(signature = (room, endpoint, answer, *, audio))]
    fn accept_call(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        answer: String,
        audio: bool,
    ) -> PyResult<()> {
        self.take_answer(py, (room, endpoint), answer, audio)
    }

    fn renew_call(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        offer: String,
    ) -> PyResult<String> {
        self.refusable(py, move |w| {
            w.rooms.renew_call(w.now, &room, &endpoint, &offer)
        })
    }

    #[pyo3(signature = (
        room, endpoint, *, payload_type, suite, local_key, remote_key, remote_host, remote_port,
        remote_is_known, rtcp_mux, bandwidth, repairs, receives, video, h264_level=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "the boundary names them")]
    #[allow(clippy::fn_params_excessive_bools, reason = "the boundary names them")]
    fn add_phone_video(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
        payload_type: u8,
        suite: &str,
        local_key: Vec<u8>,
        remote_key: Vec<u8>,
        remote_host: &str,
        remote_port: u16,
        remote_is_known: bool,
        rtcp_mux: bool,
        bandwidth: Option<u64>,
        repairs: bool,
        receives: bool,
        video: bool,
        h264_level: Option<u8>,
    ) -> PyResult<u16> {
        let leg = VideoLeg {
            stream: StreamLeg {
                suite: known_suite(suite)?,
                local_key,
                remote_key,
                remote: SocketAddr::new(destination(py, remote_host)?, remote_port),
                remote_is_known,
                rtcp_mux,
            },
            codec: video_codec(h264_level)?,
            payload_type,
            bandwidth,
            repairs,
            receives,
        };
        self.refusable(py, move |worker| {
            worker.add_phone_video(&room, &endpoint, leg, video)
        })
    }

    #[pyo3(signature = (room, endpoint, *, audio, video, screen))]
    fn set_rights(
        &self,
        room: String,
        endpoint: String,
        audio: bool,
        video: bool,
        screen: bool,
    ) -> PyResult<()> {
        let rights = Rights {
            audio,
            video,
            screen,
        };
        self.post(move |worker| {
            worker
                .rooms
                .set_rights(worker.now, &room, &endpoint, rights);
        })
    }

    #[pyo3(signature = (room, endpoint, pcm, *, repeats=false))]
    fn play(&self, room: String, endpoint: String, pcm: &[u8], repeats: bool) -> PyResult<()> {
        let (pairs, rest) = pcm.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(PyValueError::new_err("half a sample"));
        }
        let samples: Arc<[f32]> = pairs
            .iter()
            .map(|pair| from_i16(i16::from_le_bytes(*pair)))
            .collect();
        self.post(move |worker| {
            worker
                .rooms
                .play(worker.now, &room, &endpoint, samples, repeats);
        })
    }

    fn leave(&self, room: String, endpoint: String) -> PyResult<()> {
        self.post(move |worker| worker.leave(&room, &endpoint))
    }

    fn stats(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
    ) -> PyResult<Option<EndpointStats>> {
        let stats = self.ask(py, move |w| w.rooms.stats(&room, &endpoint))?;
        Ok(stats.map(EndpointStats::from))
    }

    fn quality(
        &self,
        py: Python<'_>,
        room: String,
        endpoint: String,
    ) -> PyResult<Option<EndpointQuality>> {
        let (name, told) = (endpoint.clone(), move |worker: &mut Worker| {
            worker.rooms.quality(worker.now, &room, &endpoint)
        });
        let quality = self.ask(py, told)?;
        Ok(quality.map(|quality| EndpointQuality::new(name, quality)))
    }

    fn qualities(&self, py: Python<'_>, room: String) -> PyResult<Vec<EndpointQuality>> {
        let told = self.ask(py, move |worker| worker.rooms.qualities(worker.now, &room))?;
        let named = told.into_iter();
        Ok(named.map(|(n, q)| EndpointQuality::new(n, q)).collect())
    }

    fn all_qualities(&self, py: Python<'_>) -> PyResult<Vec<EndpointQuality>> {
        let told = self.ask(py, |worker| worker.rooms.all_qualities(worker.now))?;
        let unnamed = told.into_iter();
        Ok(unnamed
            .map(|q| EndpointQuality::new(String::new(), q))
            .collect())
    }

    fn start_recording(&self, py: Python<'_>, room: String, path: PathBuf) -> PyResult<()> {
        let name = room.clone();
        // Before a file is made that nothing would come into.
        self.ask(py, move |worker| worker.rooms.can_be_recorded(&name))?
            .map_err(|why| unrecordable(py, why))?;
        let file = py.detach(|| file_writer::create(&path))?;
        let started = self.ask(py, move |worker| worker.start_recording(&room, file))?;
        started.map_err(|not_started| {
            // It is empty. If it can't be removed it stays so.
            let _ = std::fs::remove_file(&path);
            match not_started {
                NotStarted::Unrecordable(why) => unrecordable(py, why),
                NotStarted::Io(error) => error.into(),
            }
        })
    }

    fn stop_recording(&self, room: String) -> PyResult<()> {
        self.post(move |worker| worker.rooms.stop_recording(worker.now, &room))
    }

    fn set_recorded(&self, room: String, endpoint: String, recorded: bool) -> PyResult<()> {
        self.post(move |worker| {
            worker
                .rooms
                .set_recorded(worker.now, &room, &endpoint, recorded);
        })
    }

    fn recording(&self, py: Python<'_>, room: String) -> PyResult<Option<RecordingProgress>> {
        self.ask(py, move |worker| {
            let length = worker.rooms.recorded_for(worker.now, &room)?;
            let octets = worker.recordings.octets(&room)?;
            Some(RecordingProgress::new(length, octets))
        })
    }

    fn transcodings(&self, py: Python<'_>) -> PyResult<usize> {
        self.ask(py, |worker| worker.rooms.transcodings())
    }

    fn fileno(&self) -> i32 {
        self.events.fileno()
    }

    fn drain(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let waiting = self.events.drain();
        waiting
            .into_iter()
            .map(|told| events::to_python(py, told))
            .collect()
    }

    fn close(&self, py: Python<'_>) {
        if let Some(thread) = self.stop() {
            // A thread that panicked has nothing more to end.
            let _ = py.detach(move || thread.join());
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.stop();
    }
}

fn video_codec(h264_level: Option<u8>) -> PyResult<VideoCodec> {
    let Some(idc) = h264_level else {
        return Ok(VideoCodec::Vp8);
    };
    let level = Level::up_to(idc).ok_or_else(|| PyValueError::new_err("no such level"))?;
    Ok(VideoCodec::H264 { level })
}

fn known_suite(name: &str) -> PyResult<Suite> {
    Suite::from_sdes_name(name).ok_or_else(|| PyValueError::new_err("no such suite"))
}

/// Put this folder's names into the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Media>()?;
    events::register(module)?;
    quality::register(module)?;
    module.add("MediaRefused", module.py().get_type::<MediaRefused>())
}
