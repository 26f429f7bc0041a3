//! The disk ring: what waits for the server. Three lanes, each a run of segment files; bounded in bytes and age. When
//! room is short the oldest segment of the least important lane goes, and a gap record says so. Memory holds a few
//! numbers per segment, however long the server is away.

mod lane;
mod segment;

use std::path::Path;

use agent_proto::{Durable, Frame, FromAgent, Gap, Lane, LanePosition, encode};

use crate::error::Error;
use crate::{files, log};
use lane::LaneStore;

/// What nobody fetched for so long is dropped.
const AGE_MS_MAX: i64 = 7 * 24 * 3_600 * 1_000;
/// The ring is cut into about this many segments.
const SEGMENTS: u64 = 64;
const SEGMENT_BYTES_MAX: u64 = 1024 * 1024;
/// Most messages, and bytes, that were sent and not acknowledged.
const IN_FLIGHT_MAX: usize = 16;
const IN_FLIGHT_BYTES_MAX: u64 = 512 * 1024;

/// Most important first: the order in which lanes are sent, and the reverse of the order in which they are dropped.
const LANES: [Lane; 3] = [Lane::Results, Lane::Facts, Lane::Metrics];

/// The ring.
pub(crate) struct Ring {
    lanes: [LaneStore; 3],
    bytes_max: u64,
    /// What was dropped and is not recorded yet.
    lost: Vec<Gap>,
    /// Why the last message that was offered was not taken; empty when it was.
    refused: String,
    /// Messages dropped since the agent started.
    pub(crate) dropped: u64,
}

/// How much a message matters in a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// On the disk before the call returns.
    Synced,
    /// Whenever the system writes it.
    Lazily,
}

impl Ring {
    /// Opens the ring, reading every record once; a damaged end is cut off and becomes a gap.
    pub(crate) fn open(dir: &Path, bytes_max: u64, now_ms: i64) -> Result<Self, Error> {
        let mut lost = Vec::new();
        let segment_bytes = (bytes_max / SEGMENTS).clamp(4 * 1024, SEGMENT_BYTES_MAX);
        let mut open = |lane| {
            let dir = dir.join(folder(lane));
            files::make_folder(&dir)
                .and_then(|()| LaneStore::open(dir.clone(), lane, segment_bytes, now_ms, &mut lost))
                .map_err(|e| Error::io("open the ring in", &dir, &e))
        };
        let lanes = [open(Lane::Results)?, open(Lane::Facts)?, open(Lane::Metrics)?];
        let mut ring = Self { lanes, bytes_max, dropped: 0, lost, refused: String::new() };
        ring.expire(now_ms);
        ring.record_gaps(now_ms);
        Ok(ring)
    }

    /// Keeps a message. When there is no room for it, or the disk refuses, it is counted and becomes a gap.
    pub(crate) fn append(&mut self, lane: Lane, at_ms: i64, event: Durable, keep: Keep) {
        if let Err(why) = self.try_append(lane, at_ms, event, keep) {
            log::note(format!("a message of the lane {} is lost: {why}", folder(lane)));
            self.lose(Gap { lane, from_ms: at_ms, to_ms: at_ms, dropped: 1, why });
        }
        self.record_gaps(at_ms);
    }

    /// Takes a message that somebody else keeps until it is here. False when there is no room for it, or the disk
    /// refuses: then it is not lost, and may be offered again.
    pub(crate) fn offer(&mut self, lane: Lane, at_ms: i64, event: Durable, keep: Keep) -> bool {
        let refused = self.try_append(lane, at_ms, event, keep).err().unwrap_or_default();
        self.record_gaps(at_ms);
        let taken = refused.is_empty();
        if !taken && refused != self.refused {
            log::note(format!("a message of the lane {} cannot be kept yet: {refused}", folder(lane)));
        }
        self.refused = refused;
        taken
    }

    fn try_append(&mut self, lane: Lane, at_ms: i64, event: Durable, keep: Keep) -> Result<(), String> {
        let seq = self.lane(lane).next_seq;
        let message = FromAgent::Durable { lane, seq, event };
        let frame = encode(&Frame::direct(message)).map_err(|e| e.to_string())?;
        self.make_room(lane, frame.len() as u64)?;
        self.lane_mut(lane).write(at_ms, &frame, keep).map_err(|e| e.to_string())
    }

    /// Drops the oldest of the least important, but never something more important than what is coming.
    fn make_room(&mut self, lane: Lane, bytes: u64) -> Result<(), String> {
        while self.bytes().saturating_add(bytes) > self.bytes_max {
            let victim = LANES.into_iter().rev().find(|lane| self.lane(*lane).bytes() > 0);
            match victim {
                Some(victim) if victim >= lane => self.drop_oldest(victim, "the disk ring was full"),
                _ => return Err("the disk ring is full of more important messages".into()),
            }
        }
        Ok(())
    }

    fn drop_oldest(&mut self, lane: Lane, why: &str) {
        if let Some(mut gap) = self.lane_mut(lane).drop_oldest() {
            gap.why = why.to_owned();
            self.lose(gap);
        }
    }

    /// Gaps of one lane with one reason are said as one.
    fn lose(&mut self, gap: Gap) {
        self.dropped = self.dropped.saturating_add(gap.dropped);
        if gap.dropped == 0 {
            return;
        }
        match self.lost.iter_mut().find(|known| known.lane == gap.lane && known.why == gap.why) {
            Some(known) => {
                known.from_ms = known.from_ms.min(gap.from_ms);
                known.to_ms = known.to_ms.max(gap.to_ms);
                known.dropped = known.dropped.saturating_add(gap.dropped);
            }
            None => self.lost.push(gap),
        }
    }

    /// Writes what was lost into the most important lane. It may overshoot the limit by these few bytes.
    fn record_gaps(&mut self, at_ms: i64) {
        for gap in std::mem::take(&mut self.lost) {
            let store = self.lane_mut(Lane::Results);
            let message =
                FromAgent::Durable { lane: Lane::Results, seq: store.next_seq, event: Durable::Gap(gap.clone()) };
            let written = encode(&Frame::direct(message))
                .map_err(|e| e.to_string())
                .and_then(|frame| store.write(at_ms, &frame, Keep::Lazily).map_err(|e| e.to_string()));
            if written.is_err() {
                self.lost.push(gap);
            }
        }
    }

    /// Drops what is too old.
    pub(crate) fn expire(&mut self, now_ms: i64) {
        for lane in LANES {
            while self.lane(lane).oldest_ends_before(now_ms.saturating_sub(AGE_MS_MAX)) {
                self.drop_oldest(lane, "nobody fetched it for 7 days");
            }
        }
    }

    /// The next frame to send, most important lane first, while the window is open.
    pub(crate) fn next_unsent(&mut self) -> Option<Vec<u8>> {
        let (count, bytes) = self.in_flight();
        if count >= IN_FLIGHT_MAX || bytes >= IN_FLIGHT_BYTES_MAX {
            return None;
        }
        for store in &mut self.lanes {
            match store.next_unsent() {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(mut gap) => {
                    gap.why = "a segment on disk was damaged".to_owned();
                    log::note(&gap.why);
                    self.dropped = self.dropped.saturating_add(gap.dropped);
                    self.lost.push(gap);
                }
            }
        }
        None
    }

    fn in_flight(&self) -> (usize, u64) {
        let each = self.lanes.iter().flat_map(|store| &store.in_flight);
        each.fold((0, 0), |(count, bytes), (_, length)| (count + 1, bytes + *length))
    }

    /// The server stored everything of this lane up to this number.
    pub(crate) fn ack(&mut self, lane: Lane, seq: u64) {
        self.lane_mut(lane).ack(seq);
    }

    /// A new connection: what was sent and not acknowledged is sent again.
    pub(crate) fn rewind(&mut self) {
        for store in &mut self.lanes {
            store.rewind();
        }
    }

    /// Where each lane stands.
    pub(crate) fn positions(&self) -> Vec<LanePosition> {
        LANES
            .into_iter()
            .map(|lane| {
                let store = self.lane(lane);
                LanePosition { lane, next_seq: store.acked.saturating_add(1), waiting: store.waiting() }
            })
            .collect()
    }

    /// Remembers what was acknowledged. Forgetting it would only send some messages twice.
    pub(crate) fn save(&mut self) {
        for store in &mut self.lanes {
            if let Err(e) = store.save_acked() {
                log::note(format!("what the server stored cannot be remembered: {e}"));
            }
        }
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.lanes.iter().map(LaneStore::bytes).sum()
    }

    fn lane(&self, lane: Lane) -> &LaneStore {
        let [results, facts, metrics] = &self.lanes;
        match lane {
            Lane::Results => results,
            Lane::Facts => facts,
            Lane::Metrics => metrics,
        }
    }

    fn lane_mut(&mut self, lane: Lane) -> &mut LaneStore {
        let [results, facts, metrics] = &mut self.lanes;
        match lane {
            Lane::Results => results,
            Lane::Facts => facts,
            Lane::Metrics => metrics,
        }
    }
}

fn folder(lane: Lane) -> &'static str {
    match lane {
        Lane::Results => "results",
        Lane::Facts => "facts",
        Lane::Metrics => "metrics",
    }
}

#[cfg(test)]
mod tests;
