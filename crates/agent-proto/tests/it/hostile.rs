//! Damaged and hostile frames: always an error or a message, never a panic, never much memory.

use agent_proto::{Durable, Frame, FrameError, FromAgent, FromServer, Lane, Samples, decode, encode, limits};

use crate::sample;

/// xorshift64*: seeded, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}

fn mutate(frame: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(frame.len());
        match dice.roll(6) {
            0 => frame.truncate(at),
            1 => frame.insert(at, 0xff),
            2 => frame.extend_from_slice(&[0xff; 9]),
            3 if at < frame.len() => drop(frame.remove(at)),
            4 if at < frame.len() => frame[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][dice.roll(6)],
            _ if at < frame.len() => frame[at] ^= 1 << dice.roll(8),
            _ => frame.push(dice.roll(256) as u8),
        }
    }
}

fn peak_resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_hundred_thousand_mutated_frames_neither_panic_nor_take_memory() {
    let mut frames: Vec<Vec<u8>> = Vec::new();
    frames.extend(sample::from_agent().into_iter().map(|(_, message)| encode(&Frame::direct(message)).unwrap()));
    frames.extend(sample::from_server().into_iter().map(|(_, message)| encode(&Frame::direct(message)).unwrap()));
    let before = peak_resident_kib();
    let mut dice = Dice(0x6d61_696e_7374_6179);
    let mut refused = 0;
    for round in 0..100_000 {
        let mut frame = frames[round % frames.len()].clone();
        mutate(&mut frame, &mut dice);
        refused += usize::from(decode::<FromAgent>(&frame).is_err());
        refused += usize::from(decode::<FromServer>(&frame).is_err());
    }
    assert!(refused > 100_000, "most mutations are noticed: {refused}");
    if let (Some(before), Some(after)) = (before, peak_resident_kib()) {
        assert!(after - before < 96 * 1024, "the decoder took {} KiB", after - before);
    }
}

#[test]
fn every_truncation_of_every_frame_is_refused() {
    for (name, message) in sample::from_agent() {
        let whole = encode(&Frame::direct(message)).unwrap();
        for length in 0..whole.len() {
            assert!(decode::<FromAgent>(&whole[..length]).is_err(), "{name} cut to {length} bytes");
        }
    }
}

fn check(bytes: &[u8], expected: &FrameError) {
    assert_eq!(decode::<FromAgent>(bytes).as_ref().map(|_| ()), Err(expected));
}

#[test]
fn the_error_names_what_is_wrong() {
    check(b"MS\x01", &FrameError::Short { bytes: 3 });
    check(b"GET / HTTP/1.1", &FrameError::NotAFrame);
    check(b"MS\x02\x00", &FrameError::Version(2));
    check(b"MS\x00\x00", &FrameError::Version(0));
    check(b"MS\x01\x80", &FrameError::Flags(0x80));
    check(b"MS\x01\x02short", &FrameError::Short { bytes: 9 });
    check(b"MS\x01\x00\x7f", &FrameError::Unknown(127));
    assert_eq!(decode::<FromServer>(b"MS\x01\x00\x7f").unwrap_err(), FrameError::Unknown(127));
    check(
        &vec![0; limits::FRAME_BYTES_MAX + 1],
        &FrameError::TooLong { what: "frame", bytes_max: limits::FRAME_BYTES_MAX },
    );
    assert!(matches!(decode::<FromAgent>(b"MS\x01\x01not zstd"), Err(FrameError::Compressed(_))));
    let mut trailing = encode(&Frame::direct(sample::from_agent().swap_remove(0).1)).unwrap();
    trailing.push(0);
    check(&trailing, &FrameError::Trailing { bytes: 1 });
}

#[test]
fn a_compression_bomb_is_stopped_at_the_limit() {
    let bomb = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
    let mut frame = b"MS\x01\x01".to_vec();
    frame.extend(bomb);
    check(&frame, &FrameError::TooLong { what: "body", bytes_max: limits::BODY_BYTES_MAX });
}

#[test]
fn a_claimed_count_takes_no_memory_and_a_count_beyond_the_limit_is_refused() {
    // Series, then a count of 2^35 as a varint, then nothing.
    assert!(decode::<FromAgent>(b"MS\x01\x00\x03\x80\x80\x80\x80\x80\x01").is_err());
    let values = (0..limits::SAMPLES_MAX as u32 + 1).map(|id| (id, 0.0)).collect();
    let event = Durable::Samples(Samples { at_ms: 0, values });
    let long = encode(&Frame::direct(FromAgent::Durable { lane: Lane::Metrics, seq: 1, event })).unwrap();
    assert!(matches!(decode::<FromAgent>(&long), Err(FrameError::Malformed(_))));
}

#[test]
fn samples_of_300_series_take_less_than_a_third_of_their_plain_size() {
    let values = (0..300).map(|id| (id, f64::from(id * 1_000))).collect();
    let event = Durable::Samples(Samples { at_ms: 1_700_000_000_000, values });
    let frame = encode(&Frame::direct(FromAgent::Durable { lane: Lane::Metrics, seq: 1, event })).unwrap();
    assert!(frame.len() < 300 * 12 / 3, "{} bytes", frame.len());
}
