//! A segment file: records one after the other, each `length crc seq at_ms frame`, little-endian. The CRC-32 covers
//! everything after itself, so that a record that was cut or changed is noticed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use agent_proto::limits::FRAME_BYTES_MAX;

const HEADER_BYTES: usize = 24;

/// What is known of a segment without reading it.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) last_seq: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// One record.
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) at_ms: i64,
    pub(super) frame: Vec<u8>,
}

impl Segment {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, last_seq: 0, records: 0, bytes: 0, from_ms: i64::MAX, to_ms: i64::MIN }
    }

    pub(super) fn note(&mut self, seq: u64, at_ms: i64, frame_bytes: usize) {
        self.last_seq = seq;
        self.records += 1;
        self.bytes += (HEADER_BYTES + frame_bytes) as u64;
        self.from_ms = self.from_ms.min(at_ms);
        self.to_ms = self.to_ms.max(at_ms);
    }

    /// Reads a segment from its file. Returns it with what is damaged at its end, which is cut off.
    pub(super) fn recover(path: PathBuf) -> io::Result<(Self, Damage)> {
        let length = path.metadata()?.len();
        let mut segment = Self::new(path);
        let mut reader = BufReader::new(File::open(&segment.path)?);
        while let Ok(Some(record)) = read_record(&mut reader) {
            segment.note(record.seq, record.at_ms, record.frame.len());
        }
        let bytes = length.saturating_sub(segment.bytes);
        let records = count_damaged(&segment.path, segment.bytes, length)?;
        if bytes > 0 {
            File::options().write(true).open(&segment.path)?.set_len(segment.bytes)?;
        }
        Ok((segment, Damage { bytes, records }))
    }
}

/// What a segment has lost at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) bytes: u64,
    /// How many records began there, as far as their lengths can be followed.
    pub(super) records: u64,
}

fn count_damaged(path: &Path, from: u64, length: u64) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let (mut at, mut records) = (from, 0);
    while at < length {
        records += 1;
        file.seek(SeekFrom::Start(at))?;
        let frame = match read_start(&mut file) {
            Ok(Some(frame)) if frame <= FRAME_BYTES_MAX => frame,
            // This length says nothing about where the next record begins.
            _ => break,
        };
        at = at.saturating_add((HEADER_BYTES + frame) as u64);
    }
    Ok(records)
}

/// A record as bytes.
pub(super) fn record_bytes(seq: u64, at_ms: i64, frame: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER_BYTES + frame.len());
    sealed.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes());
    sealed.extend_from_slice(&checksum(seq, at_ms, frame).to_le_bytes());
    sealed.extend_from_slice(&seq.to_le_bytes());
    sealed.extend_from_slice(&at_ms.to_le_bytes());
    sealed.extend_from_slice(frame);
    sealed
}

/// The record at an offset, with the offset after it. `None` at the end.
pub(super) fn read_at(path: &Path, offset: u64) -> io::Result<Option<(Record, u64)>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(read_record(&mut file)?.map(|record| {
        let end = offset + (HEADER_BYTES + record.frame.len()) as u64;
        (record, end)
    }))
}

/// `None` at the end of the file; an error for a record that is cut, changed or too long.
fn read_record(reader: &mut impl Read) -> io::Result<Option<Record>> {
    let Some(length) = read_start(reader)? else { return Ok(None) };
    let mut sum = [0; 4];
    let mut seq = [0; 8];
    let mut at_ms = [0; 8];
    reader.read_exact(&mut sum)?;
    reader.read_exact(&mut seq)?;
    reader.read_exact(&mut at_ms)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a record is damaged");
    if length > FRAME_BYTES_MAX {
        return Err(damaged());
    }
    let mut frame = vec![0; length];
    reader.read_exact(&mut frame)?;
    let (seq, at_ms) = (u64::from_le_bytes(seq), i64::from_le_bytes(at_ms));
    if checksum(seq, at_ms, &frame) != u32::from_le_bytes(sum) {
        return Err(damaged());
    }
    Ok(Some(Record { seq, at_ms, frame }))
}

fn read_start(reader: &mut impl Read) -> io::Result<Option<usize>> {
    let mut length = [0; 4];
    let (first, rest) = length.split_at_mut(1);
    if reader.read(first)? == 0 {
        return Ok(None);
    }
    reader.read_exact(rest)?;
    Ok(Some(u32::from_le_bytes(length) as usize))
}

fn checksum(seq: u64, at_ms: i64, frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seq.to_le_bytes());
    hasher.update(&at_ms.to_le_bytes());
    hasher.update(frame);
    hasher.finalize()
}
