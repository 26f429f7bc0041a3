//! One lane of the ring: its segments, what was acknowledged, and how far it was sent.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agent_proto::{Gap, Lane};

use super::Keep;
use super::segment::{Segment, read_at, record_bytes};
use crate::clock;
use crate::files;

pub(super) struct LaneStore {
    dir: PathBuf,
    lane: Lane,
    segment_bytes: u64,
    segments: VecDeque<Segment>,
    /// The end of the newest segment.
    writer: Option<File>,
    pub(super) next_seq: u64,
    /// Everything up to this number is stored on the server.
    pub(super) acked: u64,
    acked_saved: u64,
    /// Everything up to this number was sent on this connection.
    sent: u64,
    /// Which segment, counted from the oldest, and the offset to read next.
    cursor: (usize, u64),
    /// Number and length of what was sent and not acknowledged.
    pub(super) in_flight: VecDeque<(u64, u64)>,
}

impl LaneStore {
    pub(super) fn open(
        dir: PathBuf,
        lane: Lane,
        segment_bytes: u64,
        now_ms: i64,
        lost: &mut Vec<Gap>,
    ) -> io::Result<Self> {
        let mut segments = VecDeque::new();
        for path in segment_paths(&dir)? {
            let (segment, damage) = Segment::recover(path)?;
            if damage.bytes > 0 {
                let (from_ms, to_ms) = (segment.to_ms.clamp(0, now_ms.max(0)), now_ms);
                let why = format!("{} bytes at the end of a segment were damaged", damage.bytes);
                lost.push(Gap { lane, from_ms, to_ms, dropped: damage.records, why });
            }
            if segment.records == 0 {
                std::fs::remove_file(&segment.path)?;
            } else {
                segments.push_back(segment);
            }
        }
        let acked = read_acked(&dir)?;
        let last = segments.back().map_or(0, |segment| segment.last_seq).max(acked.unwrap_or(0));
        // A lane without a memory starts at the clock: its numbers must be above those that a server may remember.
        let last = if last == 0 { u64::try_from(clock::wall_us()).unwrap_or(1) } else { last };
        let acked = acked.unwrap_or(0);
        let mut store = Self {
            dir,
            lane,
            segment_bytes,
            segments,
            writer: None,
            next_seq: last + 1,
            acked,
            acked_saved: acked,
            sent: acked,
            cursor: (0, 0),
            in_flight: VecDeque::new(),
        };
        store.forget_acked();
        Ok(store)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn waiting(&self) -> u64 {
        if self.segments.is_empty() { 0 } else { self.next_seq.saturating_sub(1).saturating_sub(self.acked_floor()) }
    }

    /// Numbers before the oldest segment are gone, whether acknowledged or not.
    fn acked_floor(&self) -> u64 {
        let kept: u64 = self.segments.iter().map(|segment| segment.records).sum();
        self.acked.max(self.next_seq.saturating_sub(1).saturating_sub(kept))
    }

    /// Appends a record. After a failed write the segment is closed, so that a torn record stays at an end, where
    /// reading stops.
    pub(super) fn write(&mut self, at_ms: i64, frame: &[u8], keep: Keep) -> io::Result<()> {
        let seq = self.next_seq;
        if self.segments.back().is_none_or(|segment| segment.bytes >= self.segment_bytes) {
            self.writer = None;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let path = self.dir.join(format!("{seq:020}.seg"));
                let writer = files::append(&path)?;
                self.segments.push_back(Segment::new(path));
                writer
            }
        };
        let written = writer.write_all(&record_bytes(seq, at_ms, frame)).and_then(|()| match keep {
            Keep::Synced => writer.sync_data(),
            Keep::Lazily => Ok(()),
        });
        self.next_seq += 1;
        match written {
            Ok(()) => {
                if let Some(segment) = self.segments.back_mut() {
                    segment.note(seq, at_ms, frame.len());
                }
                self.writer = Some(writer);
                Ok(())
            }
            Err(e) => {
                self.drop_empty_end();
                Err(e)
            }
        }
    }

    /// A segment whose first record failed holds nothing that counts.
    fn drop_empty_end(&mut self) {
        if self.segments.back().is_some_and(|segment| segment.records == 0)
            && let Some(segment) = self.segments.pop_back()
        {
            let _ = std::fs::remove_file(&segment.path);
        }
    }

    pub(super) fn oldest_ends_before(&self, limit_ms: i64) -> bool {
        self.segments.front().is_some_and(|segment| segment.to_ms < limit_ms)
    }

    /// Removes the oldest segment and says what went with it.
    pub(super) fn drop_oldest(&mut self) -> Option<Gap> {
        let segment = self.remove_oldest()?;
        let first_seq = segment.last_seq.saturating_sub(segment.records);
        let dropped = segment.records.min(segment.last_seq.saturating_sub(self.acked.max(first_seq)));
        let why = String::new();
        Some(Gap { lane: self.lane, from_ms: segment.from_ms, to_ms: segment.to_ms, dropped, why })
    }

    fn remove_oldest(&mut self) -> Option<Segment> {
        let segment = self.segments.pop_front()?;
        if self.segments.is_empty() {
            self.writer = None;
        }
        // When the file cannot be removed it is found at the next start and counted again.
        let _ = std::fs::remove_file(&segment.path);
        self.cursor = match self.cursor {
            (0, _) => (0, 0),
            (at, offset) => (at - 1, offset),
        };
        Some(segment)
    }

    /// The next frame that was not sent on this connection.
    pub(super) fn next_unsent(&mut self) -> Result<Option<Vec<u8>>, Gap> {
        loop {
            let (at, offset) = self.cursor;
            let Some(segment) = self.segments.get(at) else { return Ok(None) };
            if offset >= segment.bytes {
                if at + 1 >= self.segments.len() {
                    return Ok(None);
                }
                self.cursor = (at + 1, 0);
                continue;
            }
            match read_at(&segment.path, offset) {
                Ok(Some((record, end))) => {
                    self.cursor = (at, end);
                    if record.seq > self.sent {
                        self.sent = record.seq;
                        self.in_flight.push_back((record.seq, record.frame.len() as u64));
                        return Ok(Some(record.frame));
                    }
                }
                Ok(None) | Err(_) => return Err(self.drop_damaged(at)),
            }
        }
    }

    fn drop_damaged(&mut self, at: usize) -> Gap {
        if at + 1 == self.segments.len() {
            self.writer = None;
        }
        let segment = self.segments.remove(at);
        self.cursor = (at, 0);
        let (from_ms, to_ms, dropped) = segment.map_or((0, 0, 0), |segment| {
            let _ = std::fs::remove_file(&segment.path);
            let unsent = segment.last_seq.saturating_sub(self.sent).min(segment.records);
            (segment.from_ms, segment.to_ms, unsent)
        });
        Gap { lane: self.lane, from_ms, to_ms, dropped, why: String::new() }
    }

    /// An acknowledgement of what was never sent is not believed.
    pub(super) fn ack(&mut self, seq: u64) {
        if seq <= self.acked || seq > self.sent {
            return;
        }
        self.acked = seq;
        while self.in_flight.front().is_some_and(|(sent, _)| *sent <= seq) {
            self.in_flight.pop_front();
        }
        self.forget_acked();
    }

    /// Removes segments that the server has stored. The newest stays open until it is worth closing.
    fn forget_acked(&mut self) {
        while let Some(segment) = self.segments.front() {
            let newest = self.segments.len() == 1;
            if segment.last_seq > self.acked || (newest && segment.bytes < self.segment_bytes / 4) {
                return;
            }
            // The memory of the numbers must not be lost with the last segment.
            if newest && self.save_acked().is_err() {
                return;
            }
            self.remove_oldest();
        }
    }

    pub(super) fn rewind(&mut self) {
        self.sent = self.acked;
        self.cursor = (0, 0);
        self.in_flight.clear();
    }

    pub(super) fn save_acked(&mut self) -> io::Result<()> {
        if self.acked != self.acked_saved {
            files::replace(&self.dir.join("acked"), self.acked.to_string().as_bytes())?;
            self.acked_saved = self.acked;
        }
        Ok(())
    }
}

fn segment_paths(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A damaged number counts as none: messages come twice, none is skipped.
fn read_acked(dir: &Path) -> io::Result<Option<u64>> {
    let bytes = files::read_if_there(&dir.join("acked"))?;
    Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok()))
}
