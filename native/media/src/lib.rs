//! Rooms: ICE, SRTP, forwarding and mixing, without I/O.
//!
//! [`Rooms`] takes datagrams and time, and gives datagrams, events and deadlines. Nothing in here
//! knows a socket or a clock.

mod allotment;
mod answer;
mod approved;
pub mod bandwidth;
mod browser;
mod channel;
pub mod codec;
mod demux;
pub mod dtmf;
mod egress;
mod error;
mod events;
mod forwarding;
mod frame_rate;
pub mod gain;
mod handset;
mod incoming;
mod isolate;
pub mod jitter;
mod layering;
mod layers;
mod layout;
mod leg;
pub mod level;
mod loudness;
mod media_keys;
mod member;
pub mod mixer;
mod mixing;
mod offer;
mod outbox;
mod outgoing;
mod pacing;
pub mod pcm;
mod phone;
mod phone_pictures;
mod phone_stream;
mod phone_video;
mod picture_budget;
pub mod playout;
mod prompt;
mod quality;
mod recording;
mod recordings;
mod repairs;
mod rewrite;
mod room;
mod rooms;
pub mod rtcp;
pub mod rtp;
mod showing;
mod simulcast;
mod slots;
pub mod srtp;
mod timetable;
mod vp8_payload;
mod wishes;

pub use error::Refused;
pub use events::{Event, Rights, SocketId, Source, Stats, Transmit};
pub use leg::{PhoneLeg, PhoneSockets, StreamLeg, VideoLeg};
pub use quality::{Flow, Quality};
pub use recording::{Part, Unrecordable};
pub use rooms::Rooms;
