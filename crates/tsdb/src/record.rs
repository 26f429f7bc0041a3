//! What the batch log and the snapshot are made of: small records, replayed in order.
//!
//! Replaying a record that a snapshot already contains changes nothing, so a snapshot may be taken source by source
//! while samples arrive.

use crate::Labels;
use crate::chunk::Chunk;
use crate::head::{Head, Late, Span};
use crate::wire::{Cursor, put_bytes, put_f64, put_signed, put_varint};
use std::collections::HashSet;

/// One record, borrowed from where it lives.
pub(crate) enum Record<'a> {
    Source {
        slot: u32,
        last_ms: i64,
        name: &'a str,
    },
    Series {
        slot: u32,
        source: u32,
        span: Span,
        labels: &'a Labels,
    },
    Batch {
        source: u32,
        at_ms: i64,
        samples: &'a [(u32, f64)],
    },
    Forgotten {
        slots: &'a [u32],
    },
    SourceForgotten {
        slot: u32,
    },
    /// Sealed rows (snapshot only).
    Chunk {
        source: u32,
        chunk: &'a Chunk,
    },
    /// Rows that were open (snapshot only).
    Open {
        source: u32,
        chunk: &'a Chunk,
    },
    /// Late samples of a series (snapshot only).
    Late {
        slot: u32,
        late: &'a Late,
    },
    /// A block whose series are all in the catalogue (snapshot only).
    Block {
        name: &'a str,
    },
    /// Last in a snapshot.
    End,
}

const SOURCE: u8 = 1;
/// A series as version 1 wrote it, without the time of its first sample.
const SERIES_1: u8 = 2;
const BATCH: u8 = 3;
const FORGOTTEN: u8 = 4;
const SOURCE_FORGOTTEN: u8 = 5;
const CHUNK: u8 = 6;
const OPEN: u8 = 7;
const BLOCK: u8 = 8;
const END: u8 = 9;
const LATE: u8 = 10;
const SERIES: u8 = 11;

impl Record<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Source { slot, last_ms, name } => {
                start(out, SOURCE, slot);
                put_signed(out, last_ms);
                put_bytes(out, name.as_bytes());
            }
            Self::Series { slot, source, span, labels } => {
                start(out, SERIES, slot);
                put_varint(out, u64::from(source));
                put_signed(out, span.first_ms);
                put_signed(out, span.last_ms);
                out.push(u8::from(span.last_value.is_some()));
                if let Some(value) = span.last_value {
                    put_f64(out, value);
                }
                labels.write(out);
            }
            Self::Late { slot, late } => {
                start(out, LATE, slot);
                write_late(out, late);
            }
            Self::Batch { source, at_ms, samples } => write_batch(out, source, at_ms, samples),
            Self::Forgotten { slots } => {
                out.push(FORGOTTEN);
                put_varint(out, slots.len() as u64);
                slots.iter().for_each(|slot| put_varint(out, u64::from(*slot)));
            }
            Self::SourceForgotten { slot } => start(out, SOURCE_FORGOTTEN, slot),
            Self::Chunk { source, chunk } => {
                start(out, CHUNK, source);
                chunk.write(out);
            }
            Self::Open { source, chunk } => {
                start(out, OPEN, source);
                chunk.write(out);
            }
            Self::Block { name } => {
                out.push(BLOCK);
                put_bytes(out, name.as_bytes());
            }
            Self::End => out.push(END),
        }
    }
}

fn start(out: &mut Vec<u8>, kind: u8, slot: u32) {
    out.push(kind);
    put_varint(out, u64::from(slot));
}

/// Slots as differences, then the values byte plane by byte plane: that is what zstd likes.
fn write_batch(out: &mut Vec<u8>, source: u32, at_ms: i64, samples: &[(u32, f64)]) {
    start(out, BATCH, source);
    put_signed(out, at_ms);
    put_varint(out, samples.len() as u64);
    let mut before = 0;
    for (slot, _) in samples {
        put_signed(out, i64::from(*slot) - before);
        before = i64::from(*slot);
    }
    put_planes(out, samples.iter().map(|(_, value)| *value));
}

/// Times as differences, then the values byte plane by byte plane.
fn write_late(out: &mut Vec<u8>, late: &Late) {
    put_varint(out, late.times.len() as u64);
    let mut before = 0_i64;
    for at in &late.times {
        put_signed(out, at.wrapping_sub(before));
        before = *at;
    }
    put_planes(out, late.values.iter().copied());
}

fn read_late(cursor: &mut Cursor<'_>) -> Option<Late> {
    let count = cursor.count()?;
    let mut times = Vec::with_capacity(count);
    let mut before = 0_i64;
    for _ in 0..count {
        before = before.checked_add(cursor.signed()?)?;
        times.push(before);
    }
    Some(Late { times, values: read_planes(cursor, count)? })
}

fn put_planes(out: &mut Vec<u8>, values: impl Iterator<Item = f64> + Clone) {
    for plane in 0..8 {
        out.extend(values.clone().map(|value| (value.to_bits() >> (8 * plane)) as u8));
    }
}

fn read_planes(cursor: &mut Cursor<'_>, count: usize) -> Option<Vec<f64>> {
    let mut bits = vec![0_u64; count];
    for plane in 0..8 {
        for (bits, byte) in bits.iter_mut().zip(cursor.take(count)?) {
            *bits |= u64::from(*byte) << (8 * plane);
        }
    }
    Some(bits.into_iter().map(f64::from_bits).collect())
}

/// What a recovery learned besides the head.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) blocks: HashSet<String>,
    pub(crate) ended: bool,
    /// Records that could not be applied, because what they refer to was lost with a damaged part.
    pub(crate) lost_records: u64,
}

/// Applies the records of one frame in order. `None` if the bytes are no records from some point on.
pub(crate) fn apply_all(bytes: &[u8], head: &mut Head, recovered: &mut Recovered) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        if apply(&mut cursor, head, recovered)?.is_none() {
            recovered.lost_records += 1;
        }
    }
    Some(())
}

/// The outer answer says whether the record could be read, the inner whether it could be applied.
fn apply(cursor: &mut Cursor<'_>, head: &mut Head, recovered: &mut Recovered) -> Option<Option<()>> {
    let applied = match cursor.u8()? {
        SOURCE => {
            let (slot, last_ms, name) = (cursor.varint32()?, cursor.signed()?, cursor.text()?);
            head.place_source(slot, name, last_ms)
        }
        kind @ (SERIES | SERIES_1) => {
            let (slot, source) = (cursor.varint32()?, cursor.varint32()?);
            let first_ms = if kind == SERIES { cursor.signed()? } else { i64::MIN };
            let last_ms = cursor.signed()?;
            let last_value = if cursor.u8()? == 0 { None } else { Some(cursor.f64()?) };
            head.place_series(slot, source, Labels::read(cursor)?, Span { first_ms, last_ms, last_value })
        }
        LATE => {
            let (slot, late) = (cursor.varint32()?, read_late(cursor)?);
            head.place_late(slot, &late)
        }
        BATCH => {
            let (source, at_ms, samples) = read_batch(cursor)?;
            head.replay(source, at_ms, &samples)
        }
        FORGOTTEN => {
            let slots = (0..cursor.count()?).map(|_| cursor.varint32()).collect::<Option<Vec<_>>>()?;
            head.remove_series(&slots);
            Some(())
        }
        SOURCE_FORGOTTEN => {
            head.remove_source(cursor.varint32()?);
            Some(())
        }
        CHUNK => {
            let (source, chunk) = (cursor.varint32()?, Chunk::read(cursor)?);
            head.place_chunk(source, chunk)
        }
        OPEN => {
            let (source, chunk) = (cursor.varint32()?, Chunk::read(cursor)?);
            head.place_open(source, &chunk)
        }
        BLOCK => {
            recovered.blocks.insert(cursor.text()?.to_owned());
            Some(())
        }
        END => {
            recovered.ended = true;
            Some(())
        }
        _ => return None,
    };
    Some(applied)
}

/// Slots and values.
type Samples = Vec<(u32, f64)>;

fn read_batch(cursor: &mut Cursor<'_>) -> Option<(u32, i64, Samples)> {
    let (source, at_ms, count) = (cursor.varint32()?, cursor.signed()?, cursor.count()?);
    let mut slots = Vec::with_capacity(count);
    let mut before = 0_i64;
    for _ in 0..count {
        before = before.checked_add(cursor.signed()?)?;
        slots.push(u32::try_from(before).ok()?);
    }
    let values = read_planes(cursor, count)?;
    Some((source, at_ms, slots.into_iter().zip(values).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, codec};

    /// The log of 110 batches and one late sample, and what a snapshot after them holds.
    fn records() -> (Vec<u8>, Vec<u8>) {
        let labels = Labels::new(&[("__name__", "up"), ("site", "a")], &Options::default()).unwrap();
        let mut head = Head::new(Options::default(), 1_000);
        let id = head.register("s", labels).unwrap();
        for row in 0..110 {
            let appended = head.append("s", 1_000 + row * row, &[(id, (row % 7) as f64)]);
            assert_eq!(appended.accepted, 1);
        }
        assert_eq!(head.append("s", 1_002, &[(id, 0.5)]).late, 1);
        let log = std::mem::take(&mut head.pending);
        let mut snapshot = Vec::new();
        let sealed = head.source(0).unwrap().chunks[0].clone();
        Record::Chunk { source: 0, chunk: &sealed }.write(&mut snapshot);
        Record::Open { source: 0, chunk: &head.seal_copy(0, 30, codec::copy_values).unwrap() }.write(&mut snapshot);
        Record::Late { slot: 0, late: &head.late[&0] }.write(&mut snapshot);
        Record::Forgotten { slots: &[7, 8] }.write(&mut snapshot);
        Record::End.write(&mut snapshot);
        (log, snapshot)
    }

    #[test]
    fn a_log_replayed_twice_changes_nothing() {
        let (log, _) = records();
        let (mut head, mut recovered) = (Head::new(Options::default(), 1_000), Recovered::default());
        for _ in 0..2 {
            apply_all(&log, &mut head, &mut recovered).unwrap();
            assert_eq!((head.samples, recovered.lost_records), (111, 0));
            let source = head.source(0).unwrap();
            assert_eq!((source.open.len(), source.chunks.len(), head.late[&0].times.len()), (30, 1, 1));
        }
    }

    #[test]
    fn mutated_records_behind_a_valid_checksum_never_panic() {
        let (log, snapshot) = records();
        let all = [log, snapshot].concat();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..5_000 {
            let mut bytes = all.clone();
            for _ in 0..3 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = (state >> 8) as usize % bytes.len();
                bytes[at] = state as u8;
            }
            let (mut head, mut recovered) = (Head::new(Options::default(), 1_000), Recovered::default());
            apply_all(&bytes, &mut head, &mut recovered);
            for source in head.sources.iter().flatten() {
                assert!(source.open.len() < 128 && source.chunks.iter().all(|chunk| chunk.rows() < 128));
            }
        }
    }
}
