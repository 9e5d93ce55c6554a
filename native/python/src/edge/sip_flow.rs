//! One open flow: reads and writes at the same time in one task, until either side ends it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::pin;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use vestibule_sip::Message;

use super::bucket::Bucket;
use super::codec::{Arrival, Codec, End, Received};
use super::core::{Core, Event, Registration};
use super::counters::Count;
use super::outbox::{Next, Outbox, encode};
use super::reading::read_once;
use super::shares::Over;
use super::standing::Standing;

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
    let standing = Arc::clone(&registration.standing);
    let flow = registration.flow;
    let mut reading = Reading {
        core,
        flow: registration.flow,
        outbox: &outbox,
        standing: &standing,
        codec: Codec::new(outbox.encoding(), core.settings.max_message),
        bucket: Bucket::full(core.settings.message_rate, Instant::now()),
        begun: None,
        opened: Instant::now(),
        delivered: false,
    };
    let (mut reader, mut writer) = split(stream);
    let reason = {
        let (reads, writes) = (
            reading.run(&mut reader, first),
            write(&mut writer, &outbox, core.settings.message),
        );
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
                written = &mut writes => break written.unwrap_or_else(|| {
                    standing.counters.add(Count::NotReading);
                    "peer doesn't read".into()
                }),
                () = &mut distrust, if !outbox.is_ending() => {
                    standing.counters.add(Count::Distrusted);
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

/// Write whatever is queued until the end is, then close our side; returns why, `None` if the peer doesn't
/// take a batch in time.
async fn write<W>(writer: &mut W, outbox: &Outbox, deadline: Duration) -> Option<String>
where
    W: AsyncWrite + Unpin,
{
    loop {
        match outbox.next().await {
            Next::End(reason) => {
                let _ = timeout(LINGER, writer.shutdown()).await;
                return Some(reason);
            }
            Next::Write(batch) => {
                let written = async {
                    writer.write_all(&batch).await?;
                    writer.flush().await
                };
                match timeout(deadline, written).await {
                    Ok(Ok(())) => outbox.written(),
                    Ok(Err(error)) => return Some(format!("writing: {error}")),
                    Err(_) => return None,
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
    standing: &'a Standing,
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
            let waits_for_proof = !self.standing.is_proven() && proven_by < idle_at;
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
                Err(_) if waits_for_proof && self.standing.is_proven() => continue,
                Err(_) if waits_for_proof => Err(self.over(Count::Unproven, "not proven in time")),
                Err(_) if self.begun.is_some() => {
                    Err(self.over(Count::Incomplete, "message not finished in time"))
                }
                Err(_) => Err(self.over(Count::Idle, "idle")),
            };
        }
    }

    fn over(&self, count: Count, reason: &str) -> End {
        self.standing.counters.add(count);
        End {
            reason: reason.into(),
            close: Some(CloseCode::Away),
        }
    }

    /// Hand over what came; returns how long to stop reading.
    fn deliver(&mut self, received: &mut Received) -> Duration {
        let cost = received.arrivals.len() + received.keep_alives;
        let now = Instant::now();
        let mut pause = self
            .bucket
            .spend(cost, self.core.settings.message_rate, now);
        let arrivals = std::mem::take(&mut received.arrivals);
        let mut events = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            match self.standing.draw(now) {
                Ok(owed) => {
                    pause = pause.max(owed);
                    events.push(self.event(arrival));
                }
                Err(over) => self.shed(&arrival, over, &mut received.answers),
            }
        }
        self.core.events.push_all(events);
        if !received.answers.is_empty() && !self.outbox.send_encoded(&received.answers) {
            self.outbox.end("peer doesn't read");
        }
        pause
    }

    /// An arrival as Python hears of it.
    fn event(&mut self, arrival: Arrival) -> Event {
        let (flow, counters) = (self.flow, &self.standing.counters);
        match arrival {
            Arrival::Message(message) => {
                self.delivered = true;
                counters.add(Count::MessagesReceived);
                Event::Message { flow, message }
            }
            Arrival::Refused { status, reason } => {
                counters.add(match status {
                    513 => Count::MessagesTooLarge,
                    _ => Count::MessagesRefused,
                });
                Event::MessageRefused {
                    flow,
                    status,
                    reason,
                }
            }
        }
    }

    /// Turn away what is over a share: a request is answered here and now, the rest is dropped.
    fn shed(&self, arrival: &Arrival, over: Over, answers: &mut BytesMut) {
        self.standing.counters.add(over.count);
        if let Arrival::Message(message) = arrival
            && let Some(answer) = try_later(message, over.retry_after)
        {
            encode(self.outbox.encoding(), &answer, answers);
        }
    }

    /// Over the rate, or ahead of Python: leave the bytes in the system's buffers for a moment.
    async fn wait(&self, pause: Duration) {
        if !pause.is_zero() {
            self.standing.counters.add(Count::Throttled);
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
        self.core.settings.message.saturating_sub(begun.elapsed())
    }
}

/// 503 to a request (RFC 3261 section 21.5.4); nothing answers an ACK or a response.
fn try_later(message: &Message, after: Duration) -> Option<Vec<u8>> {
    if !message.is_request() || message.method() == "ACK" {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (message.call_id(), message.branch()).hash(&mut hasher);
    // The same request gets the same tag (RFC 3261 section 8.2.7).
    let tag = format!("{:016x}", hasher.finish());
    let seconds = after.as_secs_f64().ceil().to_string();
    let headers = [("Retry-After", seconds.as_str())];
    message.response(503, "", Some(&tag), &headers, b"").ok()
}

fn ended(reason: &str) -> End {
    End {
        reason: reason.into(),
        close: None,
    }
}
