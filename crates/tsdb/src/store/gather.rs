//! Gathering samples and roll-ups from blocks and from the head into columns.

use super::Store;
use crate::block::{Block, BlockFile, BlockSeries, Group, ROLE_SAMPLES};
use crate::chunk::{Chunk, low_bits, masked};
use crate::columns::{Column, QuickHash, Times};
use crate::error::{Error, Result};
use crate::head::{Collected, Found};
use crate::rollup::{Aggregate, Asked, EVERYTHING};
use crate::{Limits, Matcher};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Series taken out of the head at a time; in between others get the lock.
const TOGETHER: usize = 2_048;

/// Up to so many sources are looked up in a directory one by one; for more, all of it is walked through.
const LOOKED_UP: usize = 64;

/// What a read still may answer, and the time it is about (both ends included).
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    samples: usize,
    bytes: usize,
    limits: Limits,
}

impl Reading {
    pub(crate) fn new(from_ms: i64, to_ms: i64, limits: Limits) -> Self {
        Self { from_ms, to_ms, samples: limits.samples, bytes: limits.bytes, limits }
    }

    /// A read of everything, for the store itself.
    pub(crate) fn of_all(from_ms: i64, to_ms: i64) -> Self {
        Self::new(from_ms, to_ms, Limits { series: usize::MAX, samples: usize::MAX, bytes: usize::MAX })
    }

    fn overlaps(&self, first_ms: i64, last_ms: i64) -> bool {
        first_ms <= self.to_ms && last_ms >= self.from_ms
    }

    /// Which of the times, which rise, are asked for.
    fn clip(&self, times: &[i64]) -> Range<usize> {
        let from = times.partition_point(|at| *at < self.from_ms);
        from..times.partition_point(|at| *at <= self.to_ms).max(from)
    }

    /// Takes what `rows` rows of `columns` columns cost from what is left, before they are read.
    pub(crate) fn charge(&mut self, rows: usize, columns: usize) -> Result<()> {
        let (samples, bytes) = (self.limits.samples, self.limits.bytes);
        let too_much = |what, limit| move || Error::TooMuch { what, limit };
        self.samples = self.samples.checked_sub(rows).ok_or_else(too_much("samples", samples))?;
        let cost = rows.saturating_mul(columns).saturating_mul(size_of::<f64>());
        self.bytes = self.bytes.checked_sub(cost).ok_or_else(too_much("bytes", bytes))?;
        Ok(())
    }
}

/// Source to labels, as a block has them, to the number of the column.
pub(crate) type Wanted<'a> = HashMap<&'a str, WantedSeries>;

/// Labels, as a block has them, to the number of the column.
pub(crate) type WantedSeries = HashMap<Vec<u8>, usize, QuickHash>;

/// Columns that are being put together.
pub(crate) struct Gather<const N: usize> {
    pub(crate) reading: Reading,
    pub(crate) times: Times,
    pub(crate) columns: Vec<Column<N>>,
    /// Which columns of roll-ups are read.
    pub(crate) asked: Asked,
    /// A file could not be read, which is not the same as damage.
    pub(crate) failed: bool,
}

impl<const N: usize> Gather<N> {
    pub(crate) fn new(reading: Reading, count: usize) -> Self {
        let columns = vec![Column::default(); count];
        Self { reading, times: Times::default(), columns, asked: EVERYTHING, failed: false }
    }

    /// How many columns are read.
    pub(crate) fn width(&self) -> usize {
        if N == 1 { 1 } else { self.asked.iter().filter(|asked| **asked).count() }
    }
}

/// The columns that the series found go to.
pub(crate) fn wanted<'a>(collected: &'a Collected, found: &[Found], class: Option<u8>) -> Wanted<'a> {
    let mut wanted = Wanted::new();
    for (at, one) in found.iter().enumerate().filter(|(_, one)| class.is_none_or(|class| one.class == class)) {
        if let Some(source) = collected.sources.get(&one.source) {
            let mut labels = Vec::new();
            one.labels.write(&mut labels);
            wanted.entry(&source.name).or_default().insert(labels, at);
        }
    }
    wanted
}

impl Store {
    /// Takes out of the head what a read needs: the series that fulfil `matchers`, their sources' rows. The head first, then
    /// the blocks: a window cut meanwhile is then met twice, never not at all.
    pub(crate) fn collect(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64, limit: usize) -> Result<Collected> {
        let meant = self.head().meant(matchers, from_ms, to_ms);
        if meant.len() > limit {
            return Err(Error::TooMuch { what: "series", limit });
        }
        let mut collected = Collected::default();
        let mut sources = meant.chunk_by(|a, b| a.source == b.source).peekable();
        while sources.peek().is_some() {
            let head = self.head();
            let before = collected.found.len();
            while collected.found.len() - before < TOGETHER
                && let Some(meant) = sources.next()
            {
                head.collect(meant, from_ms, to_ms, &mut collected);
            }
        }
        Ok(collected)
    }

    /// Adds what blocks hold of the series that are wanted. The blocks come in order of precedence.
    pub(crate) fn gather_blocks<'b, const N: usize>(
        &self,
        blocks: impl Iterator<Item = &'b Arc<Block>>,
        wanted: &Wanted<'_>,
        gather: &mut Gather<N>,
    ) -> Result<()> {
        let (from_ms, to_ms) = (gather.reading.from_ms, gather.reading.to_ms);
        for block in blocks.filter(|block| block.overlaps(from_ms, to_ms)) {
            // A block that cannot be opened any more was too old to be promised.
            let Some(places) = self.directories.of(block) else {
                gather.failed = true;
                continue;
            };
            let groups: Vec<_> = if wanted.len() <= LOOKED_UP {
                let of_source =
                    wanted.iter().flat_map(|(source, series)| places.groups_of(source).map(move |one| (one, series)));
                of_source.collect()
            } else {
                places.groups().filter_map(|one| wanted.get(one.source).map(|series| (one, series))).collect()
            };
            let mut file = None;
            for (place, series) in groups {
                if !gather.reading.overlaps(place.first_ms, place.last_ms) {
                    continue;
                }
                let Some(file) = file.get_or_insert_with(|| block.file()).as_ref() else {
                    gather.failed = true;
                    break;
                };
                match file.group(&place, |labels| series.contains_key(labels)) {
                    Some(group) => self.gather_group(block, file, &group, series, gather)?,
                    None => self.note_damage(block, place.offset),
                }
                gather.failed |= file.has_failed();
            }
        }
        Ok(())
    }

    fn gather_group<const N: usize>(
        &self,
        block: &Block,
        file: &BlockFile,
        group: &Group,
        wanted: &WantedSeries,
        gather: &mut Gather<N>,
    ) -> Result<()> {
        if group.series.is_empty() {
            return Ok(());
        }
        let width = gather.width();
        let mut pages = Vec::new();
        for (number, page) in group.times.iter().enumerate() {
            if !gather.reading.overlaps(page.first_ms, page.last_ms) {
                continue;
            }
            let Some(times) = file.times(page) else {
                self.note_damage(block, page.extent.offset);
                continue;
            };
            let asked = gather.reading.clip(&times);
            let part = times.get(asked.clone()).unwrap_or_default().to_vec();
            if !part.is_empty() {
                pages.push((number, page.rows, asked, gather.times.add(part)));
            }
        }
        for series in &group.series {
            let Some(at) = wanted.get(&series.labels).copied() else { continue };
            for (number, rows, asked, piece) in &pages {
                gather.reading.charge(asked.len(), width)?;
                let Some(column) = gather.columns.get_mut(at) else { continue };
                match add_page(file, series, (*number, *rows), asked, (&mut column.values, gather.asked)) {
                    Page::Added => column.pieces.push(*piece),
                    Page::Damaged(offset) => self.note_damage(block, offset),
                    Page::NotThere => {}
                }
            }
        }
        Ok(())
    }

    /// Adds the sealed and open rows and the late samples of the series found, each to the column of the same number.
    pub(crate) fn gather_head(
        &self,
        collected: &Collected,
        found: &[Found],
        class: Option<u8>,
        gather: &mut Gather<1>,
    ) -> Result<()> {
        let mut first = 0;
        for members in found.chunk_by(|a, b| a.source == b.source) {
            let numbers = first..first + members.len();
            first = numbers.end;
            let members: Vec<(usize, &Found)> =
                numbers.zip(members).filter(|(_, one)| class.is_none_or(|class| one.class == class)).collect();
            let Some(rows) = members.first().and_then(|(_, one)| collected.sources.get(&one.source)) else { continue };
            let is_asked = |chunk: &&Arc<Chunk>| gather.reading.overlaps(chunk.first_ms, chunk.last_ms);
            let chunks: Vec<&Arc<Chunk>> = rows.chunks.iter().filter(is_asked).collect();
            if !chunks.is_empty() {
                let count = rows.open.len() + chunks.iter().map(|chunk| chunk.rows()).sum::<usize>();
                for (number, one) in &members {
                    let has = chunks.last().is_some_and(|chunk| chunk.mask(one.slot) != 0);
                    if let Some(column) = gather.columns.get_mut(*number).filter(|_| has) {
                        column.values.iter_mut().for_each(|values| values.reserve_exact(count));
                    }
                }
            }
            for chunk in chunks {
                gather_chunk(chunk, &members, gather)?;
            }
            gather_open(&rows.open, &members, gather)?;
        }
        Ok(())
    }
}

/// Adds the rows of a sealed chunk.
fn gather_chunk(chunk: &Chunk, members: &[(usize, &Found)], gather: &mut Gather<1>) -> Result<()> {
    let Some(times) = chunk.times() else { return Ok(()) };
    let asked = gather.reading.clip(&times);
    let mut pieces = Pieces::new(&times, low_bits(asked.end) & !low_bits(asked.start));
    for (number, one) in members {
        let Some(column) = gather.columns.get_mut(*number) else { continue };
        let [values] = &mut column.values;
        let before = values.len();
        let Some(mask) = chunk.values(one.slot, values) else { continue };
        let skip = (mask & low_bits(asked.start)).count_ones() as usize;
        let count = (mask & pieces.asked).count_ones() as usize;
        values.truncate(before + skip + count);
        values.drain(before..before + skip);
        gather.reading.charge(count, 1)?;
        column.pieces.extend(pieces.piece(mask, &mut gather.times));
    }
    Ok(())
}

/// Adds open rows, and late samples.
fn gather_open(times: &[i64], members: &[(usize, &Found)], gather: &mut Gather<1>) -> Result<()> {
    let asked = gather.reading.clip(times);
    let mut pieces = Pieces::new(times, low_bits(asked.end) & !low_bits(asked.start));
    // What was late for one series of a source was so for the next one, mostly.
    let mut late_piece: Option<(&[i64], u32)> = None;
    for (number, one) in members {
        let Some(column) = gather.columns.get_mut(*number) else { continue };
        let [values] = &mut column.values;
        let skip = (one.mask & low_bits(asked.start)).count_ones() as usize;
        let count = (one.mask & pieces.asked).count_ones() as usize;
        let late = one.late.range(gather.reading.from_ms, gather.reading.to_ms);
        gather.reading.charge(count + late.len(), 1)?;
        values.extend_from_slice(one.open.get(skip..skip + count).unwrap_or_default());
        column.pieces.extend(pieces.piece(one.mask, &mut gather.times));
        if let Some(times) = one.late.times.get(late.clone()).filter(|times| !times.is_empty()) {
            values.extend_from_slice(one.late.values.get(late).unwrap_or_default());
            let piece = match late_piece.filter(|(known, _)| *known == times) {
                Some((_, piece)) => piece,
                None => gather.times.add(times.to_vec()),
            };
            late_piece = Some((times, piece));
            column.pieces.push(piece);
        }
    }
    Ok(())
}

/// The times of rows that series have values in: one piece for each set of rows.
struct Pieces<'a> {
    times: &'a [i64],
    asked: u128,
    known: Vec<(u128, u32)>,
}

impl<'a> Pieces<'a> {
    fn new(times: &'a [i64], asked: u128) -> Self {
        Self { times, asked, known: Vec::new() }
    }

    fn piece(&mut self, mask: u128, times: &mut Times) -> Option<u32> {
        let rows = mask & self.asked;
        if rows == 0 {
            return None;
        }
        let known = self.known.iter().find(|(known, _)| *known == rows).map(|(_, piece)| *piece);
        Some(known.unwrap_or_else(|| {
            let piece = times.add(masked(self.times, rows).collect());
            self.known.push((rows, piece));
            piece
        }))
    }
}

enum Page {
    Added,
    NotThere,
    /// Where it lies.
    Damaged(u64),
}

/// Adds the asked rows of a page (its number, its rows) to each column; nothing if one cannot be read.
fn add_page<const N: usize>(
    file: &BlockFile,
    series: &BlockSeries,
    (page, rows): (usize, usize),
    asked: &Range<usize>,
    (columns, roles): (&mut [Vec<f64>; N], Asked),
) -> Page {
    let before = columns.each_ref().map(Vec::len);
    let result = if let [values] = columns.as_mut_slice() {
        add_role(file, series, ROLE_SAMPLES, page, rows, values)
    } else {
        add_rollup(file, series, page, rows, (columns, roles))
    };
    for (column, before) in columns.iter_mut().zip(before) {
        if matches!(result, Page::Added) && column.len() > before {
            column.truncate(before + asked.end);
            column.drain(before..before + asked.start);
        } else {
            column.truncate(before);
        }
    }
    result
}

fn add_role(file: &BlockFile, series: &BlockSeries, role: u8, page: usize, rows: usize, to: &mut Vec<f64>) -> Page {
    let Some(page) = series.page(role, page) else { return Page::NotThere };
    match file.values(page, rows, to) {
        Some(()) => Page::Added,
        None => Page::Damaged(page.extent.offset),
    }
}

/// Adds the roles asked for. Those that a block leaves out follow from others.
fn add_rollup<const N: usize>(
    file: &BlockFile,
    series: &BlockSeries,
    page: usize,
    rows: usize,
    (columns, asked): (&mut [Vec<f64>; N], Asked),
) -> Page {
    for ((at, column), _) in columns.iter_mut().enumerate().zip(asked).filter(|(_, asked)| *asked) {
        let other =
            |aggregate: Aggregate, to: &mut Vec<f64>| add_role(file, series, role(aggregate.at()), page, rows, to);
        let added = match add_role(file, series, role(at), page, rows, column) {
            Page::NotThere if at == Aggregate::Min.at() => other(Aggregate::First, column),
            Page::NotThere if at == Aggregate::Max.at() => other(Aggregate::Last, column),
            Page::NotThere if at == Aggregate::Increase.at() => {
                let (mut first, before) = (Vec::new(), column.len());
                match (other(Aggregate::First, &mut first), other(Aggregate::Last, column)) {
                    (Page::Added, Page::Added) => {
                        let rise = column.iter_mut().skip(before).zip(&first);
                        rise.for_each(|(last, first)| *last -= first);
                        Page::Added
                    }
                    (Page::Added, not) | (not, _) => not,
                }
            }
            added => added,
        };
        if !matches!(added, Page::Added) {
            return added;
        }
    }
    Page::Added
}

/// The number of an aggregate's role in a block.
fn role(aggregate: usize) -> u8 {
    u8::try_from(aggregate + 1).unwrap_or(u8::MAX)
}
