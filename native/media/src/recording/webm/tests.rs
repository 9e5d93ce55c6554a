//! Files as a demuxer from elsewhere reads them.

use std::io::Cursor;

use matroska_demuxer::{Frame, MatroskaFile, TrackType};
use proptest::prelude::*;

use super::*;

const FRAME_TIME: Duration = Duration::from_millis(20);

type Seen = (u64, u64, bool, Vec<u8>);

/// The blocks that somebody else's demuxer finds.
fn read(file: &[u8]) -> (MatroskaFile<Cursor<&[u8]>>, Vec<Seen>) {
    let mut read = MatroskaFile::open(Cursor::new(file)).unwrap();
    let (mut frame, mut seen) = (Frame::default(), Vec::new());
    while read.next_frame(&mut frame).unwrap() {
        let keyframe = frame.is_keyframe.unwrap_or_default();
        seen.push((frame.track, frame.timestamp, keyframe, frame.data.clone()));
    }
    (read, seen)
}

/// A file of those blocks, at its orderly end and as a crash would leave it after each cluster.
fn write(blocks: &[(Track, u64, bool, Vec<u8>)]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut webm, mut file) = Webm::new((640, 360));
    let mut crashed = Vec::new();
    for (track, time, keyframe, frame) in blocks.iter().cloned() {
        let time = Duration::from_millis(time);
        if let Some(cluster) = webm.push(track, time, FRAME_TIME, keyframe, frame) {
            file.extend(cluster);
            crashed.push(file.clone());
        }
    }
    file.extend(webm.flush().into_iter().flatten());
    crashed.push(file.clone());
    let (cues, patches) = webm.finish();
    file.extend(cues);
    for patch in patches {
        let at = patch.at as usize;
        file[at..at + patch.octets.len()].copy_from_slice(&patch.octets);
    }
    (file, crashed)
}

fn second(from: u64) -> Vec<(Track, u64, bool, Vec<u8>)> {
    let sounds = (0..50).map(|n| (Track::Sound, from + n * 20, true, vec![n as u8; 9]));
    let mut blocks: Vec<_> = sounds.collect();
    blocks.insert(3, (Track::Picture, from + 50, true, vec![1; 3_000]));
    blocks.insert(20, (Track::Picture, from + 210, false, vec![2; 300]));
    blocks
}

#[test]
fn the_head_tells_what_is_in_it() {
    let (file, _) = write(&second(0));
    let (read, _) = read(&file);
    assert_eq!(read.ebml_header().doc_type(), "webm");
    assert_eq!(read.info().duration(), Some(1_000.0));
    let [picture, sound] = read.tracks() else {
        panic!("two tracks");
    };
    assert_eq!(picture.codec_id(), "V_VP8");
    assert_eq!(picture.track_type(), TrackType::Video);
    let size = picture.video().unwrap();
    assert_eq!(
        (size.pixel_width().get(), size.pixel_height().get()),
        (640, 360)
    );
    assert_eq!(sound.codec_id(), "A_OPUS");
    assert_eq!(sound.codec_delay(), Some(6_500_000));
    assert_eq!(sound.audio().unwrap().sampling_frequency(), 48_000.0);
    assert_eq!(sound.codec_private().unwrap().len(), 19);
}

#[test]
fn one_can_jump_to_a_keyframe() {
    let blocks: Vec<_> = (0..5).flat_map(|n| second(n * 1_000)).collect();
    let (file, _) = write(&blocks);
    let (mut read, _) = read(&file);
    read.seek(3_050).unwrap();
    let mut frame = Frame::default();
    assert!(read.next_frame(&mut frame).unwrap());
    assert!(
        (3_000..=3_050).contains(&frame.timestamp),
        "{}",
        frame.timestamp
    );
}

#[test]
fn what_comes_early_or_late_is_put_in_order() {
    let blocks = [
        (Track::Sound, 40, true, vec![1]),
        (Track::Picture, 10, true, vec![2]),
        (Track::Sound, 1_200, true, vec![3]),
        (Track::Picture, 20, false, vec![4]),
    ];
    let (file, _) = write(&blocks);
    let seen: Vec<_> = read(&file).1.into_iter().map(|b| (b.1, b.3[0])).collect();
    assert_eq!(seen, [(10, 2), (40, 1), (40, 4), (1_200, 3)]);
}

prop_compose! {
    fn any_block()(
        picture: bool,
        step in 0_u64..400,
        back in 0_u64..60,
        keyframe: bool,
        frame in prop::collection::vec(any::<u8>(), 1..400),
    ) -> (bool, u64, u64, bool, Vec<u8>) {
        (picture, step, back, keyframe, frame)
    }
}

proptest! {
    #[test]
    fn all_that_is_written_is_read_back(
        drawn in prop::collection::vec(any_block(), 1..80),
    ) {
        let mut now = 0;
        let mut blocks = Vec::new();
        for (picture, step, back, keyframe, frame) in drawn {
            now += step;
            let track = if picture { Track::Picture } else { Track::Sound };
            blocks.push((track, now.saturating_sub(back), keyframe || !picture, frame));
        }
        let (file, crashed) = write(&blocks);
        let (_, seen) = read(&file);
        prop_assert!(seen.is_sorted_by_key(|block| block.1));
        let mut sent: Vec<_> = blocks.iter().map(|b| (b.0 as u64, b.2, b.3.clone())).collect();
        let mut came: Vec<_> = seen.iter().map(|b| (b.0, b.2, b.3.clone())).collect();
        sent.sort();
        came.sort();
        prop_assert_eq!(sent, came);
        for part in crashed {
            let (_, before) = read(&part);
            prop_assert_eq!(&before[..], &seen[..before.len()]);
        }
    }
}
