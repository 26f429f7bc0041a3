//! Reading a block. Damage costs what is damaged: a page, or the group whose index it is, or the block whose directory
//! it is. Nothing is allocated by a number that the file has not paid for.

use super::{Extent, FOOTER_BYTES, HEADER_BYTES, INDEX_BYTES_MAX, Lineage, MAGIC, PAGE_ROWS, ROLE_SAMPLES, VERSION};
use crate::Labels;
use crate::codec::{self, PCO_VERSION, Packing, Summary};
use crate::wire::Cursor;
use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most bytes of a directory or index for each byte it takes compressed: zstd can shrink a run of equal bytes by some
/// 10,000 times; more is a lie.
const SHRINK_MAX: u64 = 16_384;

/// A directory: where the groups of each source lie.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) resolution_ms: u32,
    pub(crate) samples: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) lineage: Lineage,
    version: u16,
    /// As it is in the file, decompressed.
    raw: Vec<u8>,
    /// Where in it each group's entry begins, in order of source.
    offsets: Vec<u32>,
}

/// Where a group's index lies.
#[derive(Clone, Debug)]
pub(crate) struct GroupPlace<'a> {
    pub(crate) source: &'a str,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) offset: u64,
    version: u16,
    length: u32,
    raw_length: u32,
    crc: u32,
}

impl Places {
    fn read(&mut self, groups: u32) -> Option<()> {
        let mut cursor = Cursor::new(&self.raw);
        if self.version > 1 {
            let names = |cursor: &mut Cursor<'_>| {
                (0..cursor.count()?).map(|_| cursor.text().map(str::to_owned)).collect::<Option<Vec<_>>>()
            };
            self.lineage = Lineage { replaces: names(&mut cursor)?, covers: names(&mut cursor)? };
        }
        let mut entries = Vec::new();
        for _ in 0..groups {
            let offset = u32::try_from(self.raw.len().checked_sub(cursor.left())?).ok()?;
            entries.push((read_place(&mut cursor, self.version)?.source, offset));
        }
        entries.sort();
        self.offsets = entries.into_iter().map(|(_, offset)| offset).collect();
        cursor.is_empty().then_some(())
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.raw.len() + self.offsets.len() * 4
    }

    fn at(&self, offset: u32) -> Option<GroupPlace<'_>> {
        read_place(&mut Cursor::new(self.raw.get(offset as usize..)?), self.version)
    }

    /// All groups, in order of source.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupPlace<'_>> {
        self.offsets.iter().filter_map(|offset| self.at(*offset))
    }

    /// The groups of a source.
    pub(crate) fn groups_of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = GroupPlace<'a>> {
        let before = self.offsets.partition_point(|offset| self.at(*offset).is_some_and(|place| place.source < source));
        let rest = self.offsets.get(before..).unwrap_or_default();
        rest.iter().filter_map(|offset| self.at(*offset)).take_while(move |place| place.source == source)
    }
}

fn read_place<'a>(cursor: &mut Cursor<'a>, version: u16) -> Option<GroupPlace<'a>> {
    let source = cursor.text()?;
    let (first_ms, last_ms) = (cursor.signed()?, cursor.signed()?);
    let (offset, length, raw_length) = (cursor.varint()?, cursor.varint32()?, cursor.varint32()?);
    Some(GroupPlace { source, first_ms, last_ms, offset, version, length, raw_length, crc: cursor.u32()? })
}

/// An open block file.
#[derive(Debug)]
pub(crate) struct BlockFile {
    file: File,
    pub(super) bytes: u64,
    failed: AtomicBool,
}

impl BlockFile {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes, failed: AtomicBool::new(false) })
    }

    /// True if the system could not read what is there: nothing is known about what it holds.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_at(&self, offset: u64, length: u32) -> Option<Vec<u8>> {
        if offset.checked_add(u64::from(length))? > self.bytes {
            return None;
        }
        let mut bytes = vec![0; length as usize];
        if self.file.read_exact_at(&mut bytes, offset).is_err() {
            self.failed.store(true, Ordering::Relaxed);
            return None;
        }
        Some(bytes)
    }

    fn compressed(&self, offset: u64, length: u32, raw_length: u32, crc: u32) -> Option<Vec<u8>> {
        let packed = self.bytes_at(offset, length)?;
        let plausible = raw_length <= INDEX_BYTES_MAX && u64::from(raw_length) <= SHRINK_MAX * (u64::from(length) + 1);
        let sound = plausible && crc32fast::hash(&packed) == crc;
        let raw = sound.then(|| unpacked(&packed, raw_length as usize)).flatten()?;
        (raw.len() == raw_length as usize).then_some(raw)
    }

    /// Reads the directory; `None` if it, the header or the footer is damaged.
    pub(crate) fn places(&self) -> Option<Places> {
        let header = self.bytes_at(0, HEADER_BYTES as u32)?;
        let mut head = Cursor::new(&header);
        let magic = head.take(8)?;
        let (version, pco, resolution_ms) = (head.u16()?, head.take(2)?, head.u32()?);
        let known = magic == MAGIC && (1..=VERSION).contains(&version) && pco == PCO_VERSION;
        let footer = self.bytes_at(self.bytes.checked_sub(FOOTER_BYTES as u64)?, FOOTER_BYTES as u32)?;
        let mut foot = Cursor::new(&footer);
        let (offset, length, raw_length) = (foot.u64()?, foot.u32()?, foot.u32()?);
        let (first_ms, last_ms, samples) = (foot.i64()?, foot.i64()?, foot.u64()?);
        let (_series, groups, directory_crc) = (foot.u32()?, foot.u32()?, foot.u32()?);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        crc.update(footer.get(..FOOTER_BYTES - 12)?);
        if !known || foot.u32()? != crc.finalize() || foot.take(8)? != MAGIC {
            return None;
        }
        let raw = self.compressed(offset, length, raw_length, directory_crc)?;
        let (lineage, offsets) = (Lineage::default(), Vec::new());
        let mut places = Places { resolution_ms, samples, first_ms, last_ms, lineage, version, raw, offsets };
        places.read(groups)?;
        Some(places)
    }

    /// Reads a group's index, with the series whose written labels are `wanted`; `None` if it is damaged.
    pub(crate) fn group(&self, place: &GroupPlace<'_>, wanted: impl Fn(&[u8]) -> bool) -> Option<Group> {
        read_group(&mut Cursor::new(&self.index(place)?), place.source, place.version, wanted)
    }

    pub(super) fn index(&self, place: &GroupPlace<'_>) -> Option<Vec<u8>> {
        self.compressed(place.offset, place.length, place.raw_length, place.crc)
    }

    fn page(&self, extent: Extent) -> Option<Vec<u8>> {
        let mut bytes = self.bytes_at(extent.offset, extent.length.checked_add(4)?)?;
        let crc = bytes.split_off(extent.length as usize);
        (crc == crc32fast::hash(&bytes).to_le_bytes()).then_some(bytes)
    }

    /// The times of a page; `None` if it is damaged.
    pub(crate) fn times(&self, page: &TimePage) -> Option<Vec<i64>> {
        match page.extent.packing {
            Packing::Even => codec::regular_times(page.first_ms, page.last_ms, page.rows),
            packing => codec::unpack_times(packing, &self.page(page.extent)?, page.rows),
        }
    }

    /// Adds the values of a page of `rows` rows to `out`; `None`, and nothing added, if it is damaged.
    pub(crate) fn values(&self, page: &ValuePage, rows: usize, out: &mut Vec<f64>) -> Option<()> {
        match page.extent.packing {
            Packing::Even => {
                out.resize(out.len() + rows, page.summary.first);
                Some(())
            }
            packing => codec::unpack_values(packing, &self.page(page.extent)?, rows, out),
        }
    }
}

thread_local! {
    /// What zstd needs to unpack: more memory than most indexes, so it is kept.
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unpacked(packed: &[u8], raw_length: usize) -> Option<Vec<u8>> {
    UNPACKER.with(|unpacker| {
        let mut unpacker = unpacker.try_borrow_mut().ok()?;
        if unpacker.is_none() {
            *unpacker = zstd::bulk::Decompressor::new().ok();
        }
        unpacker.as_mut()?.decompress(packed, raw_length).ok()
    })
}

/// A group's index.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) times: Vec<TimePage>,
    pub(crate) series: Vec<BlockSeries>,
}

/// A page of times.
#[derive(Debug)]
pub(crate) struct TimePage {
    pub(crate) rows: usize,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) extent: Extent,
}

/// A series within a group.
#[derive(Debug)]
pub(crate) struct BlockSeries {
    /// As [`Labels::write`] writes them.
    pub(crate) labels: Vec<u8>,
    /// Role and pages, one for each page of times; in order of role.
    pub(crate) roles: Vec<(u8, Vec<ValuePage>)>,
}

impl BlockSeries {
    /// The page of a role.
    pub(crate) fn page(&self, role: u8, page: usize) -> Option<&ValuePage> {
        self.roles.iter().find(|(one, _)| *one == role)?.1.get(page)
    }
}

/// A page of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValuePage {
    pub(crate) summary: Summary,
    pub(crate) extent: Extent,
}

pub(super) fn read_group(
    cursor: &mut Cursor<'_>,
    source: &str,
    version: u16,
    wanted: impl Fn(&[u8]) -> bool,
) -> Option<Group> {
    if cursor.text()? != source {
        return None;
    }
    let mut offset = cursor.varint()?;
    let times = (0..cursor.count()?).map(|_| read_time_page(cursor, &mut offset)).collect::<Option<Vec<_>>>()?;
    let count = cursor.count()?;
    let names = (0..count).map(|_| Some((cursor.u8()?, Labels::skip(cursor)?))).collect::<Option<Vec<_>>>()?;
    let mut series: Vec<BlockSeries> = Vec::new();
    for (role, labels) in names {
        let with_summary = version == 1 || role == ROLE_SAMPLES;
        let mut pages = times.iter().map(|times| read_value_page(cursor, times, with_summary, &mut offset));
        if !wanted(labels) {
            if !pages.all(|page| page.is_some()) {
                return None;
            }
            continue;
        }
        let pages = pages.collect::<Option<Vec<_>>>()?;
        match series.last_mut().filter(|last| last.labels == labels) {
            Some(last) => last.roles.push((role, pages)),
            None => series.push(BlockSeries { labels: labels.to_vec(), roles: vec![(role, pages)] }),
        }
    }
    cursor.is_empty().then_some(Group { times, series })
}

/// Reads how a payload of the given length lies at `offset`, and moves on behind it.
fn read_extent(packing: Packing, length: u32, offset: &mut u64) -> Option<Extent> {
    let extent = Extent { packing, offset: *offset, length };
    if length > 0 {
        *offset = offset.checked_add(u64::from(length))?.checked_add(4)?;
    }
    Some(extent)
}

fn read_time_page(cursor: &mut Cursor<'_>, offset: &mut u64) -> Option<TimePage> {
    let rows = usize::try_from(cursor.varint()?).ok().filter(|rows| (1..=PAGE_ROWS).contains(rows))?;
    let first_ms = cursor.signed()?;
    let last_ms = first_ms.checked_add(cursor.signed()?)?;
    let packing = Packing::from_code(cursor.u8()?)?;
    let extent = read_extent(packing, cursor.varint32()?, offset)?;
    Some(TimePage { rows, first_ms, last_ms, extent })
}

fn read_value_page(
    cursor: &mut Cursor<'_>,
    times: &TimePage,
    with_summary: bool,
    offset: &mut u64,
) -> Option<ValuePage> {
    let packing = Packing::from_code(cursor.u8()?)?;
    if packing == Packing::Even {
        let summary = Summary::of_constant(cursor.f64()?, times.rows);
        return Some(ValuePage { summary, extent: read_extent(packing, 0, offset)? });
    }
    let extent = read_extent(packing, cursor.varint32()?, offset)?;
    if !with_summary {
        return Some(ValuePage { summary: Summary::of(&[]), extent });
    }
    let (count, resets) = (cursor.varint()?, cursor.varint()?);
    let (min, max, sum) = (cursor.f64()?, cursor.f64()?, cursor.f64()?);
    let (first, last) = (cursor.f64()?, cursor.f64()?);
    Some(ValuePage { summary: Summary { min, max, sum, count, first, last, resets }, extent })
}
