//! WebRTC peers that do what lines of JSON on standard input say, each answered by a line on standard
//! output.

use std::io::{self, BufRead, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::offload::Inbox;
use crate::peer::Peer;
use crate::video::{FRAMES, Video};

/// Between looks at the sockets. Peers sleep by the clock, not on their sockets, so that waking them
/// costs the server nothing.
const NAP: Duration = Duration::from_micros(200);
/// How long to wait for the last packets.
const LAST_ONES: Duration = Duration::from_millis(500);
/// How long all peers together may take to connect.
const CONNECTING: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    /// A new peer that offers to send one video.
    OfferVideo,
    /// A new peer that offers what our web client does.
    OfferSlots,
    /// The answer to a peer's offer.
    Accept { peer: usize, sdp: String },
    /// A new peer that answers an offer.
    Answer { sdp: String },
    /// Wait until all peers are connected.
    Connect,
    /// One sends, all others count. Always packets of the same size.
    Send(Sending),
}

#[derive(Deserialize, Clone, Copy)]
struct Sending {
    peer: usize,
    seconds: f64,
    rate: u64,
    size: usize,
    /// Whole frames at once, else packet by packet.
    frames: bool,
}

#[derive(Serialize)]
struct Tally {
    sent: u64,
    received: u64,
    wrong: u64,
    seconds: f64,
}

struct Peers {
    address: IpAddr,
    peers: Vec<Peer>,
    /// What the sender's camera shows, which goes on from one `send` to the next.
    video: Option<Video>,
    poll: Poll,
    events: Events,
    inbox: Inbox,
}

/// Obey until standard input ends.
pub(crate) fn run(address: IpAddr) -> io::Result<()> {
    let commands = read_lines();
    let mut all = Peers {
        address,
        peers: Vec::new(),
        video: None,
        poll: Poll::new()?,
        events: Events::with_capacity(1024),
        inbox: Inbox::new(),
    };
    loop {
        match commands.try_recv() {
            Ok(line) => {
                let command = serde_json::from_str(&line).map_err(io::Error::other)?;
                let answer = match all.obey(command) {
                    Ok(answer) => answer,
                    Err(error) => json!({"error": error.to_string()}),
                };
                println!("{answer}");
                io::stdout().flush()?;
            }
            Err(TryRecvError::Empty) => all.turn()?,
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

fn read_lines() -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Peers {
    fn obey(&mut self, command: Command) -> io::Result<Value> {
        match command {
            Command::OfferVideo => self.add(Peer::offer_video),
            Command::OfferSlots => self.add(Peer::offer_slots),
            Command::Answer { sdp } => self.add(|peer| peer.answer(&sdp)),
            Command::Accept { peer, sdp } => {
                let peer = self.peers.get_mut(peer);
                peer.ok_or_else(|| io::Error::other("no such peer"))?
                    .accept(&sdp)?;
                Ok(json!({}))
            }
            Command::Connect => self.connect(),
            Command::Send(sending) => {
                let before = self.video.take();
                let mut video = before.unwrap_or_else(|| Video::new(sending.size));
                video.set_rate(sending.rate);
                serde_json::to_value(self.send(sending, video)?).map_err(io::Error::other)
            }
        }
    }

    fn add(&mut self, describe: impl FnOnce(&mut Peer) -> io::Result<String>) -> io::Result<Value> {
        let mut peer = Peer::new(self.address)?;
        let sdp = describe(&mut peer)?;
        let (index, fd) = (self.peers.len(), peer.socket.inner.as_raw_fd());
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
        self.peers.push(peer);
        Ok(json!({"peer": index, "sdp": sdp}))
    }

    fn connect(&mut self) -> io::Result<Value> {
        let started = Instant::now();
        while self.peers.iter().any(|peer| !peer.connected) {
            if started.elapsed() > CONNECTING {
                return Err(io::Error::other("not everybody was connected in time"));
            }
            self.turn()?;
        }
        Ok(json!({"connected": self.peers.len()}))
    }

    /// Take in what has come, see to timers, sleep a little.
    fn turn(&mut self) -> io::Result<()> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        for event in &self.events {
            self.peers[event.token().0].receive(&mut self.inbox)?;
        }
        let now = Instant::now();
        for peer in self.peers.iter_mut().filter(|peer| peer.deadline <= now) {
            peer.timeout(now)?;
        }
        std::thread::sleep(NAP);
        Ok(())
    }

    fn send(&mut self, sending: Sending, mut video: Video) -> io::Result<Tally> {
        let time = Duration::from_secs_f64(sending.seconds);
        for peer in &mut self.peers {
            (peer.size, peer.received, peer.wrong) = (sending.size, 0, 0);
        }
        let sender = sending.peer;
        let (started, mut sent) = (Instant::now(), 0);
        loop {
            let elapsed = started.elapsed();
            if elapsed >= time {
                break;
            }
            let due = due(&video, sending, elapsed);
            let peer = self
                .peers
                .get_mut(sender)
                .ok_or_else(|| io::Error::other("no such peer"))?;
            if std::mem::take(&mut peer.keyframe_wanted) {
                video.want_keyframe();
            }
            while sent < due {
                peer.send(Instant::now(), video.next())?;
                sent += 1;
            }
            self.turn()?;
        }
        let ended = Instant::now();
        while ended.elapsed() < LAST_ONES {
            self.turn()?;
        }
        self.video = Some(video);
        Ok(Tally {
            sent,
            received: self.peers.iter().map(|peer| peer.received).sum(),
            wrong: self.peers.iter().map(|peer| peer.wrong).sum(),
            seconds: time.as_secs_f64(),
        })
    }
}

/// How many packets should have left by then.
fn due(video: &Video, sending: Sending, elapsed: Duration) -> u64 {
    let seconds = elapsed.as_secs_f64();
    if sending.frames {
        (seconds * FRAMES as f64) as u64 * video.packets_in_frame()
    } else {
        (seconds * sending.rate as f64) as u64
    }
}
