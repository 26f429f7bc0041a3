//! Reading a block. Damage costs what is damaged: a page, or the group whose index it is, or the block whose directory
//! it is. Nothing is allocated by a number that the file has not paid for.

use super::{Extent, FOOTER_BYTES, HEADER_BYTES, INDEX_BYTES_MAX, MAGIC, PAGE_ROWS, ROLE_SAMPLES, VERSION};
use crate::Labels;
use crate::codec::{self, PCO_VERSION, Packing, Summary};
use crate::error::{Error, Result};
use crate::log::name_parts;
use crate::wire::Cursor;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A block the store knows: its name and its directory.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    /// The window, from the name: start, and end (exclusive).
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) bytes: u64,
    pub(crate) samples: u64,
    /// `None` if header, directory or footer is damaged: the file counts for retention and nothing else.
    pub(crate) groups: Option<Vec<GroupPlace>>,
}

/// Where a group's index lies.
#[derive(Clone, Debug)]
pub(crate) struct GroupPlace {
    pub(crate) source: Box<str>,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) offset: u64,
    length: u32,
    raw_length: u32,
    crc: u32,
}

impl Block {
    /// Reads the directory. Fails only if the file cannot be read or is of a newer version.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let Some([from_ms, to_ms, _]) = name_parts(&name, "block") else { return Ok(None) };
        let file = File::open(path).map_err(Error::io("open", path))?;
        let bytes = file.metadata().map_err(Error::io("look at", path))?.len();
        let file = BlockFile { file, bytes };
        let version = file.bytes_at(0, 10).and_then(|head| Cursor::new(head.strip_prefix(&MAGIC)?).u16());
        if let Some(version) = version.filter(|version| *version > VERSION) {
            return Err(Error::NewerVersion { path: path.to_owned(), version });
        }
        let (samples, groups) = file.directory().map_or((0, None), |(samples, groups)| (samples, Some(groups)));
        Ok(Some(Self { path: path.to_owned(), name, from_ms, to_ms, bytes, samples, groups }))
    }

    /// The groups of a source.
    pub(crate) fn groups_of(&self, source: &str) -> &[GroupPlace] {
        let groups = self.groups.as_deref().unwrap_or_default();
        let before = groups.partition_point(|place| *place.source < *source);
        let rest = groups.get(before..).unwrap_or_default();
        rest.get(..rest.partition_point(|place| *place.source == *source)).unwrap_or_default()
    }

    /// Opens the file for reading pages; `None` if it is gone.
    pub(crate) fn file(&self) -> Option<BlockFile> {
        Some(BlockFile { file: File::open(&self.path).ok()?, bytes: self.bytes })
    }
}

/// An open block file.
#[derive(Debug)]
pub(crate) struct BlockFile {
    file: File,
    bytes: u64,
}

impl BlockFile {
    fn bytes_at(&self, offset: u64, length: u32) -> Option<Vec<u8>> {
        if offset.checked_add(u64::from(length))? > self.bytes {
            return None;
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    fn compressed(&self, offset: u64, length: u32, raw_length: u32, crc: u32) -> Option<Vec<u8>> {
        let packed = self.bytes_at(offset, length)?;
        // zstd can shrink a run of equal bytes by some 10,000 times; more is a lie.
        let plausible = raw_length <= INDEX_BYTES_MAX && u64::from(raw_length) <= 16_384 * (u64::from(length) + 1);
        let sound = plausible && crc32fast::hash(&packed) == crc;
        let raw = sound.then(|| zstd::bulk::decompress(&packed, raw_length as usize).ok()).flatten()?;
        (raw.len() == raw_length as usize).then_some(raw)
    }

    fn directory(&self) -> Option<(u64, Vec<GroupPlace>)> {
        let header = self.bytes_at(0, HEADER_BYTES as u32)?;
        let mut head = Cursor::new(&header);
        let known = head.take(8)? == MAGIC && head.u16()? == VERSION && head.take(2)? == PCO_VERSION;
        let footer = self.bytes_at(self.bytes.checked_sub(FOOTER_BYTES as u64)?, FOOTER_BYTES as u32)?;
        let mut foot = Cursor::new(&footer);
        let (offset, length, raw_length) = (foot.u64()?, foot.u32()?, foot.u32()?);
        let (_min_ms, _max_ms, samples) = (foot.i64()?, foot.i64()?, foot.u64()?);
        let (_series, groups, directory_crc) = (foot.u32()?, foot.u32()?, foot.u32()?);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        crc.update(footer.get(..FOOTER_BYTES - 12)?);
        if !known || foot.u32()? != crc.finalize() || foot.take(8)? != MAGIC {
            return None;
        }
        let raw = self.compressed(offset, length, raw_length, directory_crc)?;
        let mut cursor = Cursor::new(&raw);
        let mut places = (0..groups).map(|_| read_place(&mut cursor)).collect::<Option<Vec<_>>>()?;
        // They are written in this order; reading relies on it.
        places.sort_by(|a, b| a.source.cmp(&b.source));
        cursor.is_empty().then_some((samples, places))
    }

    /// Reads a group's index, with the series whose written labels are `wanted`; `None` if it is damaged.
    pub(crate) fn group(&self, place: &GroupPlace, wanted: impl Fn(&[u8]) -> bool) -> Option<Group> {
        read_group(&mut Cursor::new(&self.index(place)?), &place.source, wanted)
    }

    pub(super) fn index(&self, place: &GroupPlace) -> Option<Vec<u8>> {
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

    /// The values of a page of `rows` rows; `None` if it is damaged.
    pub(crate) fn values(&self, page: &ValuePage, rows: usize) -> Option<Vec<f64>> {
        match page.extent.packing {
            Packing::Even => Some(vec![page.summary.first; rows]),
            packing => codec::unpack_values(packing, &self.page(page.extent)?, rows),
        }
    }
}

fn read_place(cursor: &mut Cursor<'_>) -> Option<GroupPlace> {
    let source = cursor.text()?.into();
    let (first_ms, last_ms) = (cursor.signed()?, cursor.signed()?);
    let (offset, length, raw_length) = (cursor.varint()?, cursor.varint32()?, cursor.varint32()?);
    Some(GroupPlace { source, first_ms, last_ms, offset, length, raw_length, crc: cursor.u32()? })
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
    /// One for each page of times.
    pub(crate) pages: Vec<ValuePage>,
}

/// A page of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValuePage {
    pub(crate) summary: Summary,
    pub(crate) extent: Extent,
}

pub(super) fn read_group(cursor: &mut Cursor<'_>, source: &str, wanted: impl Fn(&[u8]) -> bool) -> Option<Group> {
    if cursor.text()? != source {
        return None;
    }
    let mut offset = cursor.varint()?;
    let times = (0..cursor.count()?).map(|_| read_time_page(cursor, &mut offset)).collect::<Option<Vec<_>>>()?;
    let count = cursor.count()?;
    let names = (0..count).map(|_| Some((cursor.u8()?, Labels::skip(cursor)?))).collect::<Option<Vec<_>>>()?;
    let mut series = Vec::new();
    for (role, labels) in names {
        let mut pages = times.iter().map(|times| read_value_page(cursor, times, &mut offset));
        if role == ROLE_SAMPLES && wanted(labels) {
            let pages = pages.collect::<Option<Vec<_>>>()?;
            series.push(BlockSeries { labels: labels.to_vec(), pages });
        } else if !pages.all(|page| page.is_some()) {
            return None;
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

fn read_value_page(cursor: &mut Cursor<'_>, times: &TimePage, offset: &mut u64) -> Option<ValuePage> {
    let packing = Packing::from_code(cursor.u8()?)?;
    if packing == Packing::Even {
        let summary = Summary::of_constant(cursor.f64()?, times.rows);
        return Some(ValuePage { summary, extent: read_extent(packing, 0, offset)? });
    }
    let extent = read_extent(packing, cursor.varint32()?, offset)?;
    let (count, resets) = (cursor.varint()?, cursor.varint()?);
    let (min, max, sum) = (cursor.f64()?, cursor.f64()?, cursor.f64()?);
    let (first, last) = (cursor.f64()?, cursor.f64()?);
    Some(ValuePage { summary: Summary { min, max, sum, count, first, last, resets }, extent })
}
