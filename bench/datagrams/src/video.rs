//! VP8 as far as a server that forwards looks at it: thirty frames a second, all of equal length.

/// Frames a second.
pub(crate) const FRAMES: u64 = 30;
/// Between keyframes that nobody asked for.
const KEYFRAME_FRAMES: u64 = 10 * FRAMES;
/// Ticks of the RTP clock in a frame.
const TICKS: u64 = 90_000 / FRAMES;
/// Descriptor with a picture id of 15 bits (RFC 7741 section 4.2).
const DESCRIPTOR: usize = 4;
/// From here on a packet's payload is filling.
const FILLING: usize = DESCRIPTOR + 10;
const FILLER: u8 = 0x5a;

/// One packet's payload and what its header says.
pub(crate) struct Packet {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
}

/// A camera.
pub(crate) struct Video {
    size: usize,
    packets_in_frame: u64,
    /// Of the next packet in its frame.
    place: u64,
    sent: u64,
    frame: u64,
    is_keyframe: bool,
    last_keyframe: Option<u64>,
    wanted: bool,
}

impl Video {
    /// `size` octets of payload in each packet.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            packets_in_frame: 1,
            place: 0,
            sent: 0,
            frame: 0,
            is_keyframe: true,
            last_keyframe: None,
            wanted: false,
        }
    }

    /// From the next packet on, which begins a frame, so many packets a second.
    pub(crate) fn set_rate(&mut self, rate: u64) {
        self.packets_in_frame = (rate / FRAMES).max(1);
        self.place = 0;
    }

    /// The next frame is to be a keyframe.
    pub(crate) fn want_keyframe(&mut self) {
        self.wanted = true;
    }

    /// How many packets make a frame.
    pub(crate) fn packets_in_frame(&self) -> u64 {
        self.packets_in_frame
    }

    pub(crate) fn next(&mut self) -> Packet {
        let place = self.place;
        self.place = (place + 1) % self.packets_in_frame;
        if place == 0 {
            self.begin_frame();
        }
        let picture = (self.frame as u16 | 0x8000).to_be_bytes();
        let start = if place == 0 { 0x90 } else { 0x80 };
        let mut payload = vec![start, 0x80, picture[0], picture[1]];
        if place == 0 {
            // The first bit of the frame tag says "no keyframe" (RFC 6386 section 9.1).
            payload.push(u8::from(!self.is_keyframe));
            payload.extend([0x40, 0x02, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
        }
        payload.resize(self.size, FILLER);
        self.sent += 1;
        Packet {
            sequence: self.sent,
            timestamp: (self.frame * TICKS) as u32,
            marker: place + 1 == self.packets_in_frame,
            payload,
        }
    }

    fn begin_frame(&mut self) {
        self.frame += 1;
        let due = self
            .last_keyframe
            .is_none_or(|last| self.frame - last >= KEYFRAME_FRAMES);
        self.is_keyframe = due || std::mem::take(&mut self.wanted);
        if self.is_keyframe {
            self.last_keyframe = Some(self.frame);
        }
    }
}

/// Whether a payload came through whole. Servers may number pictures anew.
pub(crate) fn is_whole(payload: &[u8], size: usize) -> bool {
    payload.len() == size && payload[FILLING..].iter().all(|octet| *octet == FILLER)
}
