//! Cutting the head: the sealed chunks of a window that is over become a block.

use crate::Labels;
use crate::block::{BlockWriter, GroupPlan};
use crate::chunk::{Chunk, masked};
use crate::error::{Error, Result};
use crate::log;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// A source's share of a window.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) slot: u32,
    pub(crate) source: Box<str>,
    /// Slot and labels of the series of the source, in order of labels.
    pub(crate) series: Vec<(u32, Labels)>,
    /// Sealed, in order of time.
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

/// The name of a block of a window; late samples make a second one.
pub(crate) fn block_name(from_ms: i64, to_ms: i64, number: u32) -> String {
    format!("{from_ms:015}-{to_ms:015}-{number:04}.block")
}

/// Writes the block of `parts`, which come in order of source.
pub(crate) fn write(path: &Path, parts: &[Part]) -> Result<()> {
    log::write_whole(path, |file| {
        let written = (|| {
            let mut block = BlockWriter::new(BufWriter::with_capacity(1 << 18, file), 0)?;
            for part in parts {
                write_part(&mut block, part)?;
            }
            block.finish().map(|_| ())
        })();
        written.map_err(Error::io("write", path))
    })
}

/// One group for each set of rows that some series of the source have values in.
fn write_part<W: Write>(block: &mut BlockWriter<W>, part: &Part) -> std::io::Result<()> {
    let damaged = || std::io::Error::other("the times of a chunk in memory cannot be read");
    let times = part.chunks.iter().map(|chunk| chunk.times()).collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
    let mut groups: BTreeMap<Vec<u128>, Vec<&(u32, Labels)>> = BTreeMap::new();
    for series in &part.series {
        let masks: Vec<u128> = part.chunks.iter().map(|chunk| chunk.mask(series.0)).collect();
        if masks.iter().any(|mask| *mask != 0) {
            groups.entry(masks).or_default().push(series);
        }
    }
    for (masks, members) in &groups {
        let rows = times.iter().zip(masks).flat_map(|(times, mask)| masked(times, *mask));
        let times: Vec<i64> = rows.collect();
        let series = members.iter().map(|(slot, labels)| {
            let values = part.chunks.iter().filter_map(|chunk| chunk.values(*slot)).flatten().collect();
            (labels, values)
        });
        block.group(GroupPlan { source: &part.source, times: &times, series })?;
    }
    Ok(())
}
