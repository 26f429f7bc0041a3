//! The snapshot: catalogue and head in one file, so that a restart reads it and a short log.
//!
//! Two snapshots are kept, and the logs since the older one: if the newer one is damaged, the older one and its logs
//! give the same state.

use crate::error::{Error, Result};
use crate::head::{Head, Span};
use crate::record::{Record, Recovered, apply_all};
use crate::{Options, codec, frames, log};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::RwLock;

const FRAME_BYTES: usize = 1 << 20;
/// Fast: chunks are compressed already, and the next snapshot is five minutes away.
const LEVEL: i32 = -9;

/// Writes snapshot `number` of `head`. Holds the read lock for one source at a time.
pub(crate) fn write(dir: &Path, number: u64, head: &RwLock<Head>, blocks: &[String]) -> Result<()> {
    let path = path(dir, number);
    log::write_whole(&path, |file| {
        let mut out = Out::new(file, &path)?;
        for name in blocks {
            Record::Block { name }.write(&mut out.raw);
        }
        let sources = read(head).source_list();
        for slot in sources {
            out.source(head, slot)?;
        }
        Record::End.write(&mut out.raw);
        out.frame()?;
        out.file.flush().map_err(Error::io("write", &path))
    })
}

fn read(head: &RwLock<Head>) -> std::sync::RwLockReadGuard<'_, Head> {
    head.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

struct Out<'a> {
    file: BufWriter<&'a mut File>,
    path: &'a Path,
    raw: Vec<u8>,
    zstd: zstd::bulk::Compressor<'static>,
}

impl<'a> Out<'a> {
    fn new(file: &'a mut File, path: &'a Path) -> Result<Self> {
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(Error::io("prepare compression for", path))?;
        let mut file = BufWriter::new(file);
        file.write_all(&frames::file_head(frames::SNAPSHOT_MAGIC)).map_err(Error::io("write", path))?;
        Ok(Self { file, path, raw: Vec::new(), zstd })
    }

    fn source(&mut self, head: &RwLock<Head>, slot: u32) -> Result<()> {
        let (chunks, open) = {
            let head = read(head);
            let Some(source) = head.source(slot) else { return Ok(()) };
            Record::Source { slot, last_ms: source.last_ms, name: &source.name }.write(&mut self.raw);
            for (series_slot, series) in source.series.iter().filter_map(|slot| Some((*slot, head.one(*slot)?))) {
                let (first_ms, last_ms, last_value) = (series.first_ms, series.last_ms, series.last_value);
                let span = Span { first_ms, last_ms, last_value };
                Record::Series { slot: series_slot, source: slot, span, labels: &series.labels }.write(&mut self.raw);
                if let Some(late) = head.late.get(&series_slot) {
                    Record::Late { slot: series_slot, late }.write(&mut self.raw);
                }
            }
            (source.chunks.clone(), head.seal_copy(slot, source.open.len(), codec::copy_values))
        };
        for chunk in &chunks {
            Record::Chunk { source: slot, chunk }.write(&mut self.raw);
            self.frame_if_large()?;
        }
        if let Some(chunk) = &open {
            Record::Open { source: slot, chunk }.write(&mut self.raw);
        }
        self.frame_if_large()
    }

    fn frame_if_large(&mut self) -> Result<()> {
        if self.raw.len() >= FRAME_BYTES { self.frame() } else { Ok(()) }
    }

    fn frame(&mut self) -> Result<()> {
        let frame = frames::frame(&self.raw, &mut self.zstd).map_err(Error::io("compress", self.path))?;
        self.raw.clear();
        self.file.write_all(&frame).map_err(Error::io("write", self.path))
    }
}

/// Reads snapshot `number`; `None` if it is not complete and sound.
pub(crate) fn load(dir: &Path, number: u64, options: &Options, now_ms: i64) -> Result<Option<(Head, Recovered)>> {
    let mut head = Head::new(options.clone(), now_ms);
    let mut recovered = Recovered::default();
    let ending =
        frames::read(&path(dir, number), frames::SNAPSHOT_MAGIC, |raw| apply_all(raw, &mut head, &mut recovered))?;
    Ok((ending == frames::Ending::default() && recovered.ended).then_some((head, recovered)))
}

/// Deletes the snapshots and logs that the last two snapshots make superfluous.
pub(crate) fn prune(dir: &Path) -> Result<()> {
    let snapshots = log::numbers(dir, "snapshot")?;
    let Some(kept) = snapshots.len().checked_sub(2).and_then(|at| snapshots.get(at)).copied() else { return Ok(()) };
    let old = snapshots.iter().filter(|number| **number < kept).map(|number| path(dir, *number));
    let old_logs = log::numbers(dir, "log")?.into_iter().filter(|number| *number < kept);
    for path in old.chain(old_logs.map(|number| log::path(dir, number))) {
        std::fs::remove_file(&path).map_err(Error::io("delete", &path))?;
    }
    Ok(())
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.snapshot"))
}
