//! A stream, whole and cut in two: both must be the same messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_sip::{Frame, Framer, Limits};

fn frames(pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = Framer::new(Limits::with_message(4096));
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next_frame() {
            found.push(match frame {
                Frame::Message(message) => format!("{:?}", message.as_bytes()),
                other => format!("{other:?}"),
            });
        }
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let Some((&cut, stream)) = data.split_first() else {
        return;
    };
    let (one, two) = stream.split_at(usize::from(cut).min(stream.len()));
    assert_eq!(frames(&[stream]), frames(&[one, two]));
});
