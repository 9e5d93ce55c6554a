//! Datagrams over given sockets: `load` sends, counts and checks; `forward` is a relay without a protocol;
//! `talk` are phones. `meet` are WebRTC peers, who open their own.
//!
//! Sockets come as systemd hands them over (`LISTEN_FDS`, `LISTEN_FDS_FIRST_FD`), connected already.

mod forward;
mod load;
mod offload;
mod peer;
mod peers;
mod phones;
mod speech;
mod video;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use listenfd::ListenFd;

/// Datagrams over the sockets that the parent opened.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Both ways through a relay: given are pairs of sockets, a client's and its peer's.
    Load(Load),
    /// Take four octets off or put them on and pass it on: given are the socket of all clients, then one
    /// for each of them. Ends when it is killed.
    Forward {
        /// The clients' ports on 127.0.0.1, in the order of their sockets.
        clients: Vec<u16>,
    },
    /// Be phones that talk to a server and hear its mix: given is each one's socket.
    Talk(Talk),
    /// Be WebRTC peers, as the lines of JSON on standard input say.
    Meet {
        /// The peers' own address.
        #[arg(long)]
        address: IpAddr,
    },
}

/// What is sent, and how much.
#[derive(Args, Clone, Copy, Debug)]
struct Load {
    /// Octets of payload in each datagram, at least 8.
    #[arg(long)]
    size: usize,
    /// For how long, in seconds.
    #[arg(long)]
    seconds: f64,
    /// Datagrams a second, all together; 0: as many as come back.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// With rate 0: datagrams on the way at a time, for each pair and direction.
    #[arg(long, default_value_t = 128)]
    window: usize,
    /// The clients' channel number.
    #[arg(long, default_value_t = 0x4000)]
    channel: u16,
}

/// Who says what, and how it is protected.
#[derive(Args, Clone, Debug)]
struct Talk {
    /// For how long, in seconds.
    #[arg(long)]
    seconds: f64,
    /// How many of the phones talk; at the others a room hums.
    #[arg(long)]
    talkers: usize,
    /// RTP payload type of Opus.
    #[arg(long)]
    payload_type: u8,
    /// SRTP suite by its name in SDES; without it, plain RTP.
    #[arg(long)]
    suite: Option<String>,
    /// Master key and salt of both directions, in hexadecimal digits.
    #[arg(long, default_value = "")]
    master: String,
}

fn main() -> io::Result<()> {
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..given.len() {
        sockets.extend(given.take_udp_socket(index)?);
    }
    match Arguments::parse().work {
        Work::Load(load) => {
            let tally = load::run(load, sockets, Duration::from_secs_f64(load.seconds))?;
            println!("{tally}");
            Ok(())
        }
        Work::Forward { clients } => forward::run(sockets, &clients),
        Work::Talk(talk) => {
            println!("{}", phones::run(&talk, sockets)?);
            Ok(())
        }
        Work::Meet { address } => peers::run(address),
    }
}
