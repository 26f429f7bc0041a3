//! Writing a block: group after group, each with its pages and its index, then the directory and the footer.

use super::{FOOTER_BYTES, HEADER_BYTES, Lineage, MAGIC, PAGE_ROWS, ROLE_SAMPLES, VERSION, VERSION_CUT};
use crate::Labels;
use crate::codec::{self, PCO_VERSION, Packing, Summary};
use crate::wire::{put_bytes, put_f64, put_signed, put_varint};
use std::io::{Result, Write};

const LEVEL: i32 = 3;

/// The series of one source that were sampled at the same times.
pub(crate) struct GroupPlan<'a, I> {
    pub(crate) source: &'a str,
    pub(crate) times: &'a [i64],
    /// Role, labels and as many values as there are times; those with the same labels one after the other.
    pub(crate) series: I,
}

/// Writes one block.
pub(crate) struct BlockWriter<W> {
    out: W,
    at: u64,
    version: u16,
    header: [u8; HEADER_BYTES],
    directory: Vec<u8>,
    groups: u64,
    series: u64,
    samples: u64,
    min_ms: i64,
    max_ms: i64,
}

impl<W: Write> BlockWriter<W> {
    /// Begins a block cut from the head.
    pub(crate) fn new(out: W) -> Result<Self> {
        Self::begin(out, VERSION_CUT, 0)
    }

    /// Begins a block made of others, at a resolution of `resolution_ms` (0 for samples as they came).
    pub(crate) fn made_of(out: W, resolution_ms: u32, lineage: &Lineage) -> Result<Self> {
        let mut block = Self::begin(out, VERSION, resolution_ms)?;
        for names in [&lineage.replaces, &lineage.covers] {
            put_varint(&mut block.directory, names.len() as u64);
            names.iter().for_each(|name| put_bytes(&mut block.directory, name.as_bytes()));
        }
        Ok(block)
    }

    fn begin(mut out: W, version: u16, resolution_ms: u32) -> Result<Self> {
        let mut header = [0; HEADER_BYTES];
        let fields = [&MAGIC[..], &version.to_le_bytes(), &PCO_VERSION, &resolution_ms.to_le_bytes()];
        for (to, from) in header.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        out.write_all(&header)?;
        let (directory, at, groups, series, samples) = (Vec::new(), HEADER_BYTES as u64, 0, 0, 0);
        let (min_ms, max_ms) = (i64::MAX, i64::MIN);
        Ok(Self { out, at, version, header, directory, groups, series, samples, min_ms, max_ms })
    }

    /// Writes a group: the pages of its times, the pages of each series, its index.
    pub(crate) fn group<'l, I>(&mut self, plan: GroupPlan<'_, I>) -> Result<()>
    where
        I: Iterator<Item = (u8, &'l Labels, Vec<f64>)>,
    {
        let (Some(first_ms), Some(last_ms)) = (plan.times.first().copied(), plan.times.last().copied()) else {
            return Ok(());
        };
        let mut index = Vec::new();
        put_bytes(&mut index, plan.source.as_bytes());
        put_varint(&mut index, self.at);
        put_varint(&mut index, plan.times.len().div_ceil(PAGE_ROWS) as u64);
        for times in plan.times.chunks(PAGE_ROWS) {
            self.time_page(times, &mut index)?;
        }
        let (mut names, mut pages, mut count) = (Vec::new(), Vec::new(), 0_u64);
        for (role, labels, values) in plan.series.filter(|(_, _, values)| values.len() == plan.times.len()) {
            names.push(role);
            labels.write(&mut names);
            for values in values.chunks(PAGE_ROWS) {
                self.value_page(role, values, &mut pages)?;
            }
            count += 1;
        }
        put_varint(&mut index, count);
        index.append(&mut names);
        index.append(&mut pages);
        self.samples += count * plan.times.len() as u64;
        self.series += count;
        self.groups += 1;
        (self.min_ms, self.max_ms) = (self.min_ms.min(first_ms), self.max_ms.max(last_ms));
        put_bytes(&mut self.directory, plan.source.as_bytes());
        put_signed(&mut self.directory, first_ms);
        put_signed(&mut self.directory, last_ms);
        let entry = self.compressed(&index)?;
        self.directory.extend_from_slice(&entry);
        Ok(())
    }

    fn time_page(&mut self, times: &[i64], index: &mut Vec<u8>) -> Result<()> {
        let mut payload = Vec::new();
        let packing = if codec::is_regular(times) { Packing::Even } else { codec::pack_times(times, &mut payload) };
        let first = times.first().copied().unwrap_or_default();
        put_varint(index, times.len() as u64);
        put_signed(index, first);
        put_signed(index, times.last().copied().unwrap_or_default().wrapping_sub(first));
        index.push(packing.code());
        put_varint(index, payload.len() as u64);
        self.page(payload)
    }

    fn value_page(&mut self, role: u8, values: &[f64], index: &mut Vec<u8>) -> Result<()> {
        if codec::is_constant(values) {
            index.push(Packing::Even.code());
            put_f64(index, values.first().copied().unwrap_or_default());
            return Ok(());
        }
        let mut payload = Vec::new();
        index.push(codec::pack_values(values, &mut payload).code());
        put_varint(index, payload.len() as u64);
        if self.version == VERSION_CUT || role == ROLE_SAMPLES {
            let all = Summary::of(values);
            put_varint(index, all.count);
            put_varint(index, all.resets);
            for number in [all.min, all.max, all.sum, all.first, all.last] {
                put_f64(index, number);
            }
        }
        self.page(payload)
    }

    fn page(&mut self, mut payload: Vec<u8>) -> Result<()> {
        if !payload.is_empty() {
            let crc = crc32fast::hash(&payload);
            payload.extend_from_slice(&crc.to_le_bytes());
        }
        self.put(&payload)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Writes `raw` compressed; answers where: offset, length, length decompressed, CRC-32 of the compressed bytes.
    fn compressed(&mut self, raw: &[u8]) -> Result<Vec<u8>> {
        let packed = zstd::bulk::compress(raw, LEVEL)?;
        let mut place = Vec::new();
        put_varint(&mut place, self.at);
        put_varint(&mut place, packed.len() as u64);
        put_varint(&mut place, raw.len() as u64);
        place.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
        self.put(&packed)?;
        Ok(place)
    }

    /// Writes directory and footer.
    pub(crate) fn finish(mut self) -> Result<W> {
        let directory = zstd::bulk::compress(&self.directory, LEVEL)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(std::io::Error::other);
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        footer.extend_from_slice(&self.at.to_le_bytes());
        footer.extend_from_slice(&length(&directory)?.to_le_bytes());
        footer.extend_from_slice(&length(&self.directory)?.to_le_bytes());
        footer.extend_from_slice(&self.min_ms.to_le_bytes());
        footer.extend_from_slice(&self.max_ms.to_le_bytes());
        footer.extend_from_slice(&self.samples.to_le_bytes());
        footer.extend_from_slice(&u32::try_from(self.series).map_err(std::io::Error::other)?.to_le_bytes());
        footer.extend_from_slice(&u32::try_from(self.groups).map_err(std::io::Error::other)?.to_le_bytes());
        footer.extend_from_slice(&crc32fast::hash(&directory).to_le_bytes());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.header);
        crc.update(&footer);
        footer.extend_from_slice(&crc.finalize().to_le_bytes());
        footer.extend_from_slice(&MAGIC);
        self.put(&directory)?;
        self.put(&footer)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
