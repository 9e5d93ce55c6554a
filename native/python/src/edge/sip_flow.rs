//! One open flow: reads and writes at the same time in one task, until either side ends it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::pin;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::bucket::Bucket;
use super::codec::{Arrival, Codec, End, Received};
use super::core::{Core, Event, Registration};
use super::counters::Count;
use super::outbox::{Next, Outbox};
use super::reading::read_once;

/// A message that has begun must be whole in this time.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(30);

/// A peer that doesn't take a batch in this time isn't reading.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// After the last byte is written the peer may still be sending. To close at once would make its system
/// throw away what it hasn't read of ours.
const LINGER: Duration = Duration::from_secs(1);

/// No pause for talking too fast is longer, so that ends are noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// When Python has that many events to look at, reading waits for it.
const EVENTS_ENOUGH: usize = 20_000;
const EVENTS_PAUSE: Duration = Duration::from_millis(5);

/// Serve an open flow to its end. `first` has been read already; `distrust` resolves when the peer's
/// certificate is no longer accepted.
pub async fn serve<S>(
    core: &Arc<Core>,
    registration: &mut Registration,
    stream: S,
    first: &[u8],
    distrust: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite,
{
    let outbox = Arc::clone(&registration.outbox);
    let flow = registration.flow;
    let mut reading = Reading {
        core,
        flow: registration.flow,
        outbox: &outbox,
        codec: Codec::new(outbox.encoding(), core.settings.max_message),
        bucket: Bucket::full(core.settings.message_rate, Instant::now()),
        begun: None,
        opened: Instant::now(),
        delivered: false,
    };
    let (mut reader, mut writer) = split(stream);
    let reason = {
        let (reads, writes) = (reading.run(&mut reader, first), write(&mut writer, &outbox));
        let closing = core.closing();
        let given_up = sleep(core.settings.idle);
        pin!(reads, writes, distrust, closing, given_up);
        let mut reads_done = false;
        loop {
            // Reading comes first: what has arrived is told even if Python ends the flow at once.
            tokio::select! {
                biased;
                (end, delivered) = &mut reads, if !reads_done => {
                    reads_done = true;
                    if delivered && !core.settings.answer.is_zero() {
                        // Python ends it, when it has answered what came before.
                        outbox.wind_up(end.reason.clone(), end.close);
                        core.events.push(Event::FlowEnding { flow, reason: end.reason });
                        given_up.as_mut().reset((Instant::now() + core.settings.answer).into());
                    } else {
                        outbox.end_with(end.reason, end.close);
                    }
                }
                () = &mut given_up, if reads_done && !outbox.is_ending() => {
                    outbox.end("not answered in time");
                }
                reason = &mut writes => break reason,
                () = &mut distrust, if !outbox.is_ending() => {
                    core.counters.add(Count::Distrusted);
                    outbox.end_with("certificate no longer accepted", Some(CloseCode::Policy));
                }
                () = &mut closing, if !outbox.is_ending() => {
                    outbox.end_with("shutting down", Some(CloseCode::Away));
                }
            }
        }
    };
    registration.ends_because(reason);
    let discard = async { while let Ok(Some(())) = read_once(&mut reader, |_| ()).await {} };
    let _ = timeout(LINGER, discard).await;
}

/// Write whatever is queued until the end is, then close our side.
async fn write<W>(writer: &mut W, outbox: &Outbox) -> String
where
    W: AsyncWrite + Unpin,
{
    loop {
        match outbox.next().await {
            Next::End(reason) => {
                let _ = timeout(LINGER, writer.shutdown()).await;
                return reason;
            }
            Next::Write(batch) => {
                let written = async {
                    writer.write_all(&batch).await?;
                    writer.flush().await
                };
                match timeout(WRITE_DEADLINE, written).await {
                    Ok(Ok(())) => outbox.written(),
                    Ok(Err(error)) => return format!("writing: {error}"),
                    Err(_) => return "peer doesn't read".into(),
                }
            }
        }
    }
}

/// The reading side.
struct Reading<'a> {
    core: &'a Core,
    flow: u64,
    outbox: &'a Outbox,
    codec: Codec,
    bucket: Bucket,
    /// When the message began of which we have a part.
    begun: Option<Instant>,
    opened: Instant,
    /// Whether Python has been given anything that it may still answer.
    delivered: bool,
}

impl Reading<'_> {
    /// Read to the end; also tells whether anything was handed to Python.
    async fn run<R>(&mut self, reader: &mut R, first: &[u8]) -> (End, bool)
    where
        R: AsyncRead + Unpin,
    {
        let mut received = self.codec.receive(first);
        loop {
            let pause = self.deliver(&mut received);
            if let Some(end) = received.end {
                return (end, self.delivered);
            }
            self.wait(pause).await;
            received = match self.read(reader).await {
                Ok(received) => received,
                Err(end) => return (end, self.delivered),
            };
        }
    }

    /// The next bytes, or why there are none.
    async fn read<R>(&mut self, reader: &mut R) -> Result<Received, End>
    where
        R: AsyncRead + Unpin,
    {
        let idle_at = Instant::now() + self.deadline();
        loop {
            let proven_by = self.opened + self.core.settings.unproven;
            let waits_for_proof = !self.outbox.is_proven() && proven_by < idle_at;
            let until = if waits_for_proof { proven_by } else { idle_at };
            let codec = &mut self.codec;
            let read = read_once(reader, |bytes| codec.receive(bytes));
            return match timeout_at(until.into(), read).await {
                Ok(Ok(Some(received))) => Ok(received),
                Ok(Ok(None)) => Err(ended("closed by peer")),
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Err(ended("closed by peer without notice"))
                }
                Ok(Err(error)) => Err(ended(&format!("reading: {error}"))),
                Err(_) if waits_for_proof && self.outbox.is_proven() => continue,
                Err(_) if waits_for_proof => Err(self.over(Count::Unproven, "not proven in time")),
                Err(_) => Err(self.over(Count::Idle, "idle")),
            };
        }
    }

    fn over(&self, count: Count, reason: &str) -> End {
        self.core.counters.add(count);
        End {
            reason: reason.into(),
            close: Some(CloseCode::Away),
        }
    }

    /// Hand over what came; returns how long to stop reading.
    fn deliver(&mut self, received: &mut Received) -> Duration {
        let (flow, counters) = (self.flow, &self.core.counters);
        let cost = received.arrivals.len() + received.keep_alives;
        let sound = |arrival: &Arrival| matches!(arrival, Arrival::Message(_));
        self.delivered |= received.arrivals.iter().any(sound);
        let events = received.arrivals.drain(..).map(|arrival| match arrival {
            Arrival::Message(message) => {
                counters.add(Count::MessagesReceived);
                Event::Message { flow, message }
            }
            Arrival::Refused { status, reason } => {
                counters.add(Count::MessagesRefused);
                Event::MessageRefused {
                    flow,
                    status,
                    reason,
                }
            }
        });
        self.core.events.push_all(events);
        if !received.answers.is_empty() && !self.outbox.send_encoded(&received.answers) {
            self.outbox.end("peer doesn't read");
        }
        self.bucket
            .spend(cost, self.core.settings.message_rate, Instant::now())
    }

    /// Over the rate, or ahead of Python: leave the bytes in the system's buffers for a moment.
    async fn wait(&self, pause: Duration) {
        if !pause.is_zero() {
            self.core.counters.add(Count::Throttled);
            sleep(pause.min(LONGEST_PAUSE)).await;
        }
        while self.core.events.len() > EVENTS_ENOUGH {
            sleep(EVENTS_PAUSE).await;
        }
    }

    fn deadline(&mut self) -> Duration {
        if !self.codec.is_within_message() {
            self.begun = None;
            return self.core.settings.idle;
        }
        let begun = *self.begun.get_or_insert_with(Instant::now);
        MESSAGE_DEADLINE.saturating_sub(begun.elapsed())
    }
}

fn ended(reason: &str) -> End {
    End {
        reason: reason.into(),
        close: None,
    }
}
