//! Cutting the head: the sealed chunks and late samples of a window that is over become a block. And what every block that
//! is written has in common: series with the same times share a group.

use crate::Labels;
use crate::block::{BlockWriter, GroupPlan, ROLE_SAMPLES};
use crate::chunk::{Chunk, masked};
use crate::columns::{Column, Times};
use crate::error::{Error, Result};
use crate::head::Late;
use crate::log;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// A source's share of a window.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) slot: u32,
    pub(crate) source: Box<str>,
    /// The series of the source, in order of labels.
    pub(crate) series: Vec<PartSeries>,
    /// Sealed, in order of time.
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

/// A series of a part.
#[derive(Debug)]
pub(crate) struct PartSeries {
    pub(crate) slot: u32,
    pub(crate) class: u8,
    pub(crate) labels: Labels,
    /// Its late samples of the window.
    pub(crate) late: Late,
}

/// Writes the block of those series of `parts`, which come in order of source, that are of class `class`.
pub(crate) fn write(path: &Path, parts: &[Part], class: u8) -> Result<()> {
    log::write_whole(path, |file| {
        let written = (|| {
            let mut block = BlockWriter::new(BufWriter::with_capacity(1 << 18, file))?;
            for part in parts {
                write_part(&mut block, part, class)?;
            }
            block.finish().map(|_| ())
        })();
        written.map_err(Error::io("write", path))
    })
}

/// One group for each set of rows that some series of the source have values in; series with late samples are grouped by
/// their times.
fn write_part<W: Write>(block: &mut BlockWriter<W>, part: &Part, class: u8) -> std::io::Result<()> {
    let damaged = || std::io::Error::other("the times of a chunk in memory cannot be read");
    let times = part.chunks.iter().map(|chunk| chunk.times()).collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
    let mut groups: BTreeMap<Vec<u128>, Vec<&PartSeries>> = BTreeMap::new();
    let of_class = || part.series.iter().filter(|series| series.class == class);
    for series in of_class().filter(|series| series.late.times.is_empty()) {
        let masks: Vec<u128> = part.chunks.iter().map(|chunk| chunk.mask(series.slot)).collect();
        if masks.iter().any(|mask| *mask != 0) {
            groups.entry(masks).or_default().push(series);
        }
    }
    for (masks, members) in &groups {
        let rows = times.iter().zip(masks).flat_map(|(times, mask)| masked(times, *mask));
        let times: Vec<i64> = rows.collect();
        let series = members.iter().map(|series| {
            let mut values = Vec::with_capacity(times.len());
            for chunk in &part.chunks {
                // A chunk without values of the series adds none, as its mask did not add times.
                chunk.values(series.slot, &mut values);
            }
            (ROLE_SAMPLES, &series.labels, values)
        });
        block.group(GroupPlan { source: &part.source, times: &times, series })?;
    }
    let mut pool = Times::default();
    let mut all: Vec<Whole<'_>> = Vec::new();
    for series in of_class().filter(|series| !series.late.times.is_empty()) {
        let mut column = Column::<1>::default();
        let [values] = &mut column.values;
        for (chunk, times) in part.chunks.iter().zip(&times) {
            if let Some(mask) = chunk.values(series.slot, values) {
                column.pieces.push(pool.add(masked(times, mask).collect()));
            }
        }
        values.extend_from_slice(&series.late.values);
        column.pieces.push(pool.add(series.late.times.clone()));
        let (times, [values]) = column.finish(&mut pool);
        all.push(Whole { labels: &series.labels, times, columns: vec![(ROLE_SAMPLES, values)] });
    }
    write_groups(block, &part.source, all)
}

/// A series with everything that goes into a block.
pub(crate) struct Whole<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) times: Arc<[i64]>,
    /// By role; each as long as the times.
    pub(crate) columns: Vec<(u8, Vec<f64>)>,
}

/// Writes series of one source, those with the same times as one group.
pub(crate) fn write_groups<W: Write>(
    block: &mut BlockWriter<W>,
    source: &str,
    all: Vec<Whole<'_>>,
) -> std::io::Result<()> {
    let mut by_address: HashMap<*const i64, usize> = HashMap::new();
    let mut by_times: HashMap<Arc<[i64]>, usize> = HashMap::new();
    let mut groups: Vec<(Arc<[i64]>, Vec<Whole<'_>>)> = Vec::new();
    for one in all.into_iter().filter(|one| !one.times.is_empty()) {
        let number = *by_address.entry(one.times.as_ptr()).or_insert_with(|| {
            *by_times.entry(one.times.clone()).or_insert_with(|| {
                groups.push((one.times.clone(), Vec::new()));
                groups.len() - 1
            })
        });
        if let Some((_, members)) = groups.get_mut(number) {
            members.push(one);
        }
    }
    for (times, members) in groups {
        let series = members
            .into_iter()
            .flat_map(|one| one.columns.into_iter().map(move |(role, values)| (role, one.labels, values)));
        block.group(GroupPlan { source, times: &times, series })?;
    }
    Ok(())
}
