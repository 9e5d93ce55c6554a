//! Rooms: ICE, SRTP, forwarding and mixing, without I/O.
//!
//! [`Rooms`] takes datagrams and time, and gives datagrams, events and deadlines. Nothing in here
//! knows a socket or a clock.

mod allotment;
mod answer;
mod approved;
mod browser;
mod call;
mod calls;
mod channel;
pub mod codec;
mod demux;
pub mod dtmf;
mod error;
mod events;
mod forwarding;
pub mod gain;
mod handset;
mod isolate;
pub mod jitter;
mod layering;
mod layers;
mod layout;
mod leg;
pub mod level;
mod loudness;
mod member;
pub mod mixer;
mod mixing;
mod offer;
mod outbox;
mod outgoing;
pub mod pcm;
mod phone;
pub mod playout;
mod prompt;
mod quality;
mod recording;
mod recordings;
mod rewrite;
mod room;
mod rooms;
pub mod rtcp;
pub mod rtp;
mod simulcast;
mod slots;
mod sound_line;
pub mod srtp;
mod timetable;
mod wishes;

pub use error::Refused;
pub use events::{Event, Rights, SocketId, Source, Stats, Transmit};
pub use leg::{PhoneLeg, PhoneSockets};
pub use quality::{Flow, Quality};
pub use recording::{Part, Unrecordable};
pub use rooms::Rooms;
