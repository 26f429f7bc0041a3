//! Merging blocks and rolling them up, a slice at a time.
//!
//! New files are written beside the old ones, synced and renamed; then the old ones are deleted. A crash in between leaves
//! both: reads drop what is there twice, and the next start deletes what the new file says it replaces.

use super::Store;
use super::gather::{Gather, Reading, Wanted, WantedSeries};
use super::plan::{self, Plan, Task};
use super::upkeep::Upkeep;
use crate::Labels;
use crate::block::{Block, BlockName, BlockWriter, Lineage, ROLE_SAMPLES};
use crate::cut::{Whole, write_groups};
use crate::error::{Error, Result};
use crate::log::sync_dir;
use crate::rollup::{AGGREGATES, Aggregate, EVERYTHING, roll_up};
use crate::wire::Cursor;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

/// About how many values of one source are in memory at a time.
const SLICE_VALUES: usize = 1 << 20;

/// Work that is going on.
pub(super) struct Job {
    /// What is read.
    inputs: Vec<Arc<Block>>,
    reading: Reading,
    /// Sources that are not done yet, last first.
    sources: Vec<Box<str>>,
    /// The series of the source at work that are not done yet, last first, and how many rows each has at most.
    series: (Vec<Vec<u8>>, usize),
    outputs: Vec<Output>,
}

/// A block that is being written.
struct Output {
    resolution_ms: u32,
    path: PathBuf,
    temporary: PathBuf,
    writer: Option<BlockWriter<BufWriter<File>>>,
    /// Deleted when this one is there.
    replaces: Vec<Arc<Block>>,
}

impl Drop for Output {
    fn drop(&mut self) {
        // Renamed, or left over from work given up; the next start deletes it if this does not.
        std::fs::remove_file(&self.temporary).ok();
    }
}

impl Store {
    /// Goes on with merging and rolling up, for one slice. The head is cut up to `border_ms`.
    pub(super) fn work(&self, upkeep: &mut Upkeep, border_ms: i64) -> Result<()> {
        let mut left = self.options.slice_samples;
        while left > 0 {
            let blocks = self.block_list();
            let is_there = |input: &Arc<Block>| blocks.iter().any(|block| Arc::ptr_eq(block, input));
            let job = upkeep.job.take().filter(|job| job.inputs.iter().all(is_there));
            let mut job = match job {
                Some(job) => job,
                None => match plan::next(&blocks, &self.options, border_ms) {
                    Some(plan) => self.begin(upkeep, &blocks, plan)?,
                    None => return Ok(()),
                },
            };
            drop(blocks);
            if self.step(&mut job, &mut left)? {
                self.finish(upkeep, job)?;
            } else {
                upkeep.job = Some(job);
            }
        }
        Ok(())
    }

    fn begin(&self, upkeep: &mut Upkeep, blocks: &[Arc<Block>], plan: Plan) -> Result<Job> {
        let made_of = |blocks: &[Arc<Block>]| -> Vec<String> {
            let names = blocks.iter().flat_map(|block| std::iter::once(&block.name).chain(&block.lineage.replaces));
            names.cloned().collect::<BTreeSet<_>>().into_iter().collect()
        };
        let from = plan.inputs.iter().map(|block| block.says.from_ms).fold(plan.from_ms, i64::min);
        let to = plan.inputs.iter().map(|block| block.says.to_ms).fold(plan.to_ms, i64::max);
        let mut outputs = Vec::new();
        let (inputs, reading) = match plan.task {
            Task::Merge => {
                let lineage = Lineage { replaces: made_of(&plan.inputs), covers: Vec::new() };
                outputs.push(self.output(upkeep, (from, to), &plan.class, 0, (&lineage, plan.inputs.clone()))?);
                (plan.inputs, Reading::of_all(i64::MIN, i64::MAX))
            }
            Task::RollUp(tiers) => {
                let (from, to) = (plan.from_ms, plan.to_ms);
                for (resolution_ms, old) in tiers {
                    let lineage = Lineage { replaces: made_of(&old), covers: made_of(&plan.inputs) };
                    outputs.push(self.output(upkeep, (from, to), &plan.class, resolution_ms, (&lineage, old))?);
                }
                // The last bucket ends with the first moment of the next span.
                let reading = Reading::of_all(from.saturating_add(1), to);
                let is_meant = |block: &&Arc<Block>| {
                    block.says.resolution_ms == 0
                        && block.says.class == plan.class
                        && block.overlaps(reading.from_ms, reading.to_ms)
                };
                (blocks.iter().filter(is_meant).cloned().collect(), reading)
            }
        };
        let mut sources = BTreeSet::new();
        for block in &inputs {
            let places = self.directories.of(block).ok_or_else(|| unreadable(block))?;
            sources.extend(places.groups().map(|place| Box::from(place.source)));
        }
        let sources = sources.into_iter().rev().collect();
        Ok(Job { inputs, reading, sources, series: (Vec::new(), 1), outputs })
    }

    fn output(
        &self,
        upkeep: &mut Upkeep,
        (from_ms, to_ms): (i64, i64),
        class: &str,
        resolution_ms: u32,
        (lineage, replaces): (&Lineage, Vec<Arc<Block>>),
    ) -> Result<Output> {
        let number = upkeep.take_number();
        let name = BlockName { from_ms, to_ms, number, class: class.into(), resolution_ms };
        let path = self.blocks_dir.join(name.to_string());
        let temporary = path.with_extension("tmp");
        let file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        let mut output = Output { resolution_ms, path, temporary, writer: None, replaces };
        let writer = BlockWriter::made_of(BufWriter::with_capacity(1 << 18, file), resolution_ms, lineage);
        output.writer = Some(writer.map_err(Error::io("write", &output.temporary))?);
        Ok(output)
    }

    /// Reads and writes series until `left` samples are read; answers whether all are done.
    fn step(&self, job: &mut Job, left: &mut usize) -> Result<bool> {
        while *left > 0 {
            if job.series.0.is_empty() {
                let Some(source) = job.sources.last() else { return Ok(true) };
                job.series = self.series_in(&job.inputs, source)?;
                if job.series.0.is_empty() {
                    job.sources.pop();
                    continue;
                }
            }
            let Some(source) = job.sources.last().cloned() else { return Ok(true) };
            let (series, rows) = &mut job.series;
            let values = SLICE_VALUES.min(self.options.slice_samples);
            let count = (values / (*rows).max(1)).clamp(1, series.len());
            let slice: Vec<Vec<u8>> = series.drain(series.len() - count..).rev().collect();
            let read = self.slice(job, &source, slice)?;
            *left = left.saturating_sub(read.max(1));
            if job.series.0.is_empty() {
                job.sources.pop();
            }
        }
        Ok(job.sources.is_empty())
    }

    /// The series of a source in blocks, last first, and how many rows one has at most.
    fn series_in(&self, blocks: &[Arc<Block>], source: &str) -> Result<(Vec<Vec<u8>>, usize)> {
        let (mut all, mut rows) = (BTreeSet::new(), 0);
        for block in blocks {
            let places = self.directories.of(block).ok_or_else(|| unreadable(block))?;
            let file = block.file().ok_or_else(|| unreadable(block))?;
            for place in places.groups_of(source) {
                if let Some(group) = file.group(&place, |_| true) {
                    rows += group.times.iter().map(|page| page.rows).sum::<usize>();
                    all.extend(group.series.into_iter().map(|series| series.labels));
                }
            }
            if file.has_failed() {
                return Err(unreadable(block));
            }
        }
        Ok((all.into_iter().rev().collect(), rows))
    }

    /// Reads some series of a source and writes them to every output; answers how many samples there were.
    fn slice(&self, job: &mut Job, source: &str, series: Vec<Vec<u8>>) -> Result<usize> {
        let labels: Vec<Option<Labels>> = series.iter().map(|raw| Labels::read(&mut Cursor::new(raw))).collect();
        let mut gather = Gather::<1>::new(job.reading.clone(), series.len());
        let numbers: WantedSeries = series.into_iter().zip(0..).collect();
        self.gather_blocks(job.inputs.iter(), &Wanted::from([(source, numbers)]), &mut gather)?;
        if let Some(first) = job.inputs.first().filter(|_| gather.failed) {
            return Err(unreadable(first));
        }
        let mut wholes = Vec::new();
        for (column, labels) in gather.columns.into_iter().zip(&labels) {
            if let Some(labels) = labels.as_ref().filter(|_| !column.is_empty()) {
                let (times, [values]) = column.finish(&mut gather.times);
                wholes.push(Whole { labels, times, columns: vec![(ROLE_SAMPLES, values)] });
            }
        }
        let read = wholes.iter().map(|whole| whole.times.len()).sum();
        for output in &mut job.outputs {
            let Some(writer) = &mut output.writer else { continue };
            let written = if output.resolution_ms == 0 {
                write_groups(writer, source, std::mem::take(&mut wholes))
            } else {
                let buckets = wholes.iter().map(|whole| rolled_up(whole, output.resolution_ms)).collect();
                write_groups(writer, source, buckets)
            };
            written.map_err(Error::io("write", &output.temporary))?;
        }
        Ok(read)
    }

    fn finish(&self, upkeep: &mut Upkeep, mut job: Job) -> Result<()> {
        for output in &mut job.outputs {
            let Some(writer) = output.writer.take() else { continue };
            let written = writer.finish().and_then(|file| {
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                file.sync_all()
            });
            written.map_err(Error::io("write", &output.temporary))?;
            std::fs::rename(&output.temporary, &output.path).map_err(Error::io("rename", &output.temporary))?;
            sync_dir(&self.blocks_dir)?;
            let Some(block) = Block::open(&output.path)?.filter(|block| block.is_sound) else {
                // Not what was written: the old ones stay, and it counts as damaged.
                continue;
            };
            let replaced = std::mem::take(&mut output.replaces);
            self.swap_blocks(&replaced, Some(block));
            upkeep.doomed.extend(replaced);
            upkeep.merged_blocks += 1;
        }
        drop(job);
        self.delete_doomed(upkeep)
    }

    /// Deletes replaced blocks that nobody reads any more.
    pub(super) fn delete_doomed(&self, upkeep: &mut Upkeep) -> Result<()> {
        let (gone, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut upkeep.doomed).into_iter().partition(|block| Arc::strong_count(block) == 1);
        upkeep.doomed = held;
        let mut result = Ok(());
        for block in gone {
            match std::fs::remove_file(&block.path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    result = result.and(Err(Error::io("delete", &block.path)(cause)));
                    upkeep.doomed.push(block);
                }
                _ => self.directories.forget(&block.name),
            }
        }
        result
    }
}

fn unreadable(block: &Block) -> Error {
    Error::io("read", &block.path)(std::io::Error::other("a block that is being merged cannot be read"))
}

/// The buckets of a series, without the columns that follow from others.
fn rolled_up<'a>(whole: &Whole<'a>, resolution_ms: u32) -> Whole<'a> {
    let values = whole.columns.first().map(|(_, values)| values.as_slice()).unwrap_or_default();
    let (ends, columns) = roll_up(&whole.times, values, resolution_ms, EVERYTHING);
    Whole { labels: whole.labels, times: ends.into(), columns: needed(columns) }
}

/// Roles and columns; the smallest value, the largest and the increase are left out where the first and the last tell.
fn needed(columns: [Vec<f64>; AGGREGATES]) -> Vec<(u8, Vec<f64>)> {
    let same = |a: &[f64], b: &[f64]| a.iter().map(|value| value.to_bits()).eq(b.iter().map(|value| value.to_bits()));
    let column = |aggregate: Aggregate| columns.get(aggregate.at()).map(Vec::as_slice).unwrap_or_default();
    let (first, last) = (column(Aggregate::First), column(Aggregate::Last));
    let steps: Vec<f64> = last.iter().zip(first).map(|(last, first)| last - first).collect();
    let mut left_out = Vec::new();
    for (aggregate, other) in [(Aggregate::Min, first), (Aggregate::Max, last), (Aggregate::Increase, steps.as_slice())]
    {
        if same(column(aggregate), other) {
            left_out.push(aggregate.at());
        }
    }
    let all = (1_u8..).zip(columns).enumerate();
    all.filter(|(at, _)| !left_out.contains(at)).map(|(_, column)| column).collect()
}
