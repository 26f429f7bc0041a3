//! The block reader against damage of every kind.

use super::read::read_group;
use super::*;
use crate::codec::{self, Summary};
use crate::wire::Cursor;
use crate::{Labels, Options};
use std::path::Path;

const SERIES: usize = 3;
const ROWS: usize = 700;

fn labels(n: usize) -> Labels {
    Labels::new(&[("__name__", "m"), ("n", &n.to_string())], &Options::default()).unwrap()
}

fn value(series: usize, row: usize) -> f64 {
    if series == 2 { 5.0 } else { ((row * (7 + series)) % 91) as f64 / 4.0 }
}

fn time(row: usize) -> i64 {
    1_000_000 + row as i64 * 15_000 + (row as i64 * row as i64) % 40
}

/// Two groups of three series, the last constant, with two pages each.
fn block() -> Vec<u8> {
    let names: Vec<_> = (0..SERIES).map(labels).collect();
    let times: Vec<_> = (0..ROWS).map(time).collect();
    let mut writer = BlockWriter::new(Vec::new()).unwrap();
    for source in ["one", "two"] {
        let values = |n: usize| (0..ROWS).map(|row| value(n, row)).collect();
        let series = names.iter().enumerate().map(|(n, labels)| (ROLE_SAMPLES, labels, values(n)));
        writer.group(GroupPlan { source, times: &times, series }).unwrap();
    }
    writer.finish().unwrap()
}

/// One bit for each (group, series, page) that can be read; every value that is read is checked.
fn readable(path: &Path) -> Vec<bool> {
    let mut sound = Vec::new();
    let block = Block::open(path).unwrap().unwrap();
    let file = block.file().unwrap();
    let places = Directories::new(1 << 20).of(&block).unwrap();
    for place in places.groups() {
        let group = file.group(&place, |_| true);
        for (series, page) in (0..SERIES).flat_map(|series| [(series, 0), (series, 1)]) {
            let Some(group) = &group else {
                sound.push(false);
                continue;
            };
            let rows = page * PAGE_ROWS..ROWS.min((page + 1) * PAGE_ROWS);
            let times = file.times(&group.times[page]);
            let mut values = Vec::new();
            let read = file.values(&group.series[series].roles[0].1[page], rows.len(), &mut values);
            let is_sound = times.is_some() && read.is_some();
            if is_sound {
                assert!(times.unwrap().into_iter().eq(rows.clone().map(time)));
                assert!(values.into_iter().eq(rows.map(|row| value(series, row))));
            }
            sound.push(is_sound);
        }
    }
    sound
}

fn name() -> &'static str {
    "000000000000000-000007200000000-0001.block"
}

#[test]
fn every_flipped_byte_costs_one_page_or_one_group_or_the_block_and_never_gives_wrong_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name());
    let bytes = block();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(readable(&path), [true; 12]);
    let mut costs = std::collections::BTreeMap::new();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        if at == 8 || at == 9 {
            // The version: refused as newer, or damage of the header.
            assert!(Block::open(&path).map_or(true, |block| !block.unwrap().is_sound));
            continue;
        }
        if !Block::open(&path).unwrap().unwrap().is_sound {
            *costs.entry(12).or_insert(0_usize) += 1;
            continue;
        }
        let lost = 12 - readable(&path).iter().filter(|sound| **sound).count();
        *costs.entry(lost).or_insert(0_usize) += 1;
    }
    // One page of values, one page of times (three series), one index (six pages), the directory.
    assert_eq!(costs.keys().copied().collect::<Vec<_>>(), [1, 3, 6, 12]);
}

#[test]
fn the_summary_of_each_page_is_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name());
    std::fs::write(&path, block()).unwrap();
    let block = Block::open(&path).unwrap().unwrap();
    let places = block.file().unwrap().places().unwrap();
    let group = block.file().unwrap().group(&places.groups().next().unwrap(), |_| true).unwrap();
    for (series, stored) in group.series.iter().enumerate() {
        for (page, stored) in stored.roles[0].1.iter().enumerate() {
            let rows = page * PAGE_ROWS..ROWS.min((page + 1) * PAGE_ROWS);
            let values: Vec<_> = rows.map(|row| value(series, row)).collect();
            assert_eq!(format!("{:?}", stored.summary), format!("{:?}", Summary::of(&values)));
        }
    }
    assert!(group.series[0].roles[0].1[0].summary.resets > 10);
}

/// xorshift64: the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                2 => bytes.extend_from_within(at..),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = self.below(256) as u8),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        bytes
    }
}

/// The most memory this process has used, in kibibytes.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn thousands_of_mutated_blocks_are_read_without_panic_and_within_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name());
    let bytes = block();
    let before = peak_kib();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3_000 {
        std::fs::write(&path, random.mutate(&bytes)).unwrap();
        if let Ok(Some(block)) = Block::open(&path)
            && block.is_sound
        {
            readable(&path);
        }
    }
    assert!(peak_kib() - before < 64 << 10, "{} KiB", peak_kib() - before);
}

#[test]
fn a_mutated_index_or_page_behind_a_valid_checksum_is_read_without_panic_and_within_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name());
    let bytes = block();
    std::fs::write(&path, &bytes).unwrap();
    let block = Block::open(&path).unwrap().unwrap();
    let file = block.file().unwrap();
    let places = file.places().unwrap();
    let place = places.groups().next().unwrap();
    let index = file.index(&place).unwrap();
    let before = peak_kib();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let mutated = random.mutate(&index);
        let version = 1 + random.below(2) as u16;
        let Some(group) = read_group(&mut Cursor::new(&mutated), "one", version, |_| true) else { continue };
        assert!(group.times.len() + group.series.len() <= mutated.len());
        let pages = group.series.iter().flat_map(|series| &series.roles);
        for (page, times) in pages.flat_map(|(_, pages)| pages.iter().zip(&group.times)) {
            assert!(times.rows <= PAGE_ROWS);
            file.times(times);
            file.values(page, times.rows, &mut Vec::new());
        }
    }
    let (mut values, mut times) = (Vec::new(), Vec::new());
    codec::pack_values(&(0..480).map(|row| value(0, row)).collect::<Vec<_>>(), &mut values);
    codec::pack_times(&(0..480).map(time).collect::<Vec<_>>(), &mut times);
    for _ in 0..20_000 {
        let count = 1 + random.below(PAGE_ROWS);
        codec::unpack_values(Packing::Pco, &random.mutate(&values), count, &mut Vec::new());
        codec::unpack_times(Packing::Pco, &random.mutate(&times), count);
    }
    assert!(peak_kib() - before < 64 << 10, "{} KiB", peak_kib() - before);
}
