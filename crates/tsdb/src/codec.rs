//! Columns of numbers to bytes and back: pco at level 3 in blocks, few bits in memory; and what a page's numbers add up to.

use crate::bits;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, data_types::Number};

/// The version of pco's own format that this crate writes (major, minor); stored once in each file.
pub(crate) const PCO_VERSION: [u8; 2] = [4, 1];

const LEVEL: usize = 3;

/// How the bytes of a column hold its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// pco chunk metadata, then one pco page.
    Pco,
    /// Values: all have the same bits; stored once. Times: all steps are equal; nothing stored.
    Even,
    /// Eight bytes a number, little-endian: where pco would not be smaller.
    Raw,
    /// Values of sealed rows in memory: see [`bits`].
    Bits,
}

impl Packing {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Pco => 0,
            Self::Even => 1,
            Self::Raw => 2,
            Self::Bits => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Pco, Self::Even, Self::Raw, Self::Bits].into_iter().find(|packing| packing.code() == code)
    }
}

/// True if every value has the same bits.
pub(crate) fn is_constant(values: &[f64]) -> bool {
    values.first().is_some_and(|first| values.iter().all(|value| value.to_bits() == first.to_bits()))
}

/// True if the times go up in equal steps.
pub(crate) fn is_regular(times: &[i64]) -> bool {
    let mut steps = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    steps.next().is_none_or(|first| first > 0 && steps.all(|step| step == first))
}

/// Appends `values`, which are not constant; answers how.
pub(crate) fn pack_values(values: &[f64], out: &mut Vec<u8>) -> Packing {
    let delta = if is_smooth(values) { DeltaSpec::TryConsecutive(1) } else { DeltaSpec::NoOp };
    pack(values, delta, out, |value| value.to_bits().to_le_bytes())
}

/// Appends `values`, which are not constant, so that they are packed and unpacked quickly; answers how.
pub(crate) fn pack_quickly(values: &[f64], out: &mut Vec<u8>) -> Packing {
    if bits::pack(values, out) { Packing::Bits } else { pack_values(values, out) }
}

/// Appends `values` as they are: for what is soon packed anyway.
pub(crate) fn copy_values(values: &[f64], out: &mut Vec<u8>) -> Packing {
    out.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    Packing::Raw
}

/// True if neighbours are closer to each other than to the mean, so that differences are smaller than values. Letting
/// pco find out takes three times as long and saves less than one byte in a hundred.
fn is_smooth(values: &[f64]) -> bool {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let steps: f64 = values.iter().zip(values.iter().skip(1)).map(|(a, b)| (b - a).abs()).sum();
    let spread: f64 = values.iter().map(|value| (value - mean).abs()).sum();
    steps < spread
}

/// Appends `times`, which are not regular; answers how.
pub(crate) fn pack_times(times: &[i64], out: &mut Vec<u8>) -> Packing {
    pack(times, DeltaSpec::TryConsecutive(1), out, |time| time.to_le_bytes())
}

/// Adds the `count` values of `bytes` to `out`; `None`, and nothing added, if damaged. `Even` is the caller's, which knows
/// the value.
pub(crate) fn unpack_values(packing: Packing, bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Option<()> {
    match packing {
        Packing::Bits => bits::unpack(bytes, count, out),
        packing => unpack(packing, bytes, count, |raw| f64::from_bits(u64::from_le_bytes(raw)), out),
    }
}

/// The `count` times of `bytes`, strictly rising; `None` if damaged. `Even` is the caller's, which knows the step.
pub(crate) fn unpack_times(packing: Packing, bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut times = Vec::new();
    unpack(packing, bytes, count, i64::from_le_bytes, &mut times)?;
    times.is_sorted_by(|a, b| a < b).then_some(times)
}

/// `count` times in equal steps from `first` to `last`; `None` if they do not come out even.
pub(crate) fn regular_times(first: i64, last: i64, count: usize) -> Option<Vec<i64>> {
    let span = last.checked_sub(first)?;
    let steps = i64::try_from(count.checked_sub(1)?).ok()?;
    if steps == 0 {
        return (span == 0).then(|| vec![first]);
    }
    let step = span / steps;
    (step > 0 && step * steps == span).then(|| (0..=steps).map(|n| first + n * step).collect())
}

fn pack<T: Number>(numbers: &[T], delta: DeltaSpec, out: &mut Vec<u8>, raw: impl Fn(T) -> [u8; 8]) -> Packing {
    let start = out.len();
    let config = ChunkConfig::default().with_compression_level(LEVEL).with_delta_spec(delta);
    let packed = FileCompressor::default().chunk_compressor(numbers, &config).and_then(|mut chunk| {
        chunk.write_meta(&mut *out)?;
        chunk.write_page(0, &mut *out).map(|_| ())
    });
    if packed.is_ok() && out.len() - start < numbers.len() * 8 {
        return Packing::Pco;
    }
    out.truncate(start);
    out.extend(numbers.iter().flat_map(|number| raw(*number)));
    Packing::Raw
}

fn unpack<T: Number + Default>(
    packing: Packing,
    bytes: &[u8],
    count: usize,
    raw: impl Fn([u8; 8]) -> T,
    out: &mut Vec<T>,
) -> Option<()> {
    match packing {
        Packing::Even | Packing::Bits => None,
        Packing::Raw => {
            let (numbers, rest) = bytes.as_chunks::<8>();
            let whole = numbers.len() == count && rest.is_empty();
            whole.then(|| out.extend(numbers.iter().map(|number| raw(*number))))
        }
        Packing::Pco => {
            let (file, _) = FileDecompressor::new(PCO_VERSION.as_slice()).ok()?;
            let (mut chunk, rest) = file.chunk_decompressor::<T, _>(bytes).ok()?;
            let mut page = chunk.page_decompressor(rest, count).ok()?;
            let before = out.len();
            out.resize(before + count, T::default());
            let whole = page
                .read(out.get_mut(before..)?)
                .is_ok_and(|progress| progress.n_processed == count && page.into_src().is_empty());
            if !whole {
                out.truncate(before);
            }
            whole.then_some(())
        }
    }
}

/// What the numbers of one page, or of any run of samples, add up to.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The smallest value that is not NaN; NaN if there is none.
    pub min: f64,
    /// The largest value that is not NaN; NaN if there is none.
    pub max: f64,
    /// The sum of the values that are not NaN.
    pub sum: f64,
    /// How many values are not NaN.
    pub count: u64,
    /// The first value, NaN or not.
    pub first: f64,
    /// The last value, NaN or not.
    pub last: f64,
    /// How often a value was smaller than the one before it (NaN left out): restarts of a counter.
    pub resets: u64,
}

impl Summary {
    /// Summarises `count` times the same value.
    pub(crate) fn of_constant(value: f64, count: usize) -> Self {
        if value.is_nan() {
            return Self { first: value, last: value, ..Self::of(&[]) };
        }
        let sum = value * count as f64;
        Self { min: value, max: value, sum, count: count as u64, first: value, last: value, resets: 0 }
    }

    /// Summarises `values`, which are in order of time.
    pub fn of(values: &[f64]) -> Self {
        let first = values.first().copied().unwrap_or(f64::NAN);
        let last = values.last().copied().unwrap_or(f64::NAN);
        let mut all = Self { min: f64::NAN, max: f64::NAN, sum: 0.0, count: 0, first, last, resets: 0 };
        let mut before = f64::NAN;
        for value in values.iter().copied().filter(|value| !value.is_nan()) {
            all.min = all.min.min(value);
            all.max = all.max.max(value);
            all.sum += value;
            all.count += 1;
            all.resets += u64::from(value < before);
            before = value;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-1_000_i32..1_000).prop_map(|n| f64::from(n) / 4.0),
            2 => any::<u64>().prop_map(f64::from_bits),
            1 => Just(f64::from_bits(0x7ff0_0000_0000_0002)),
            1 => Just(f64::INFINITY),
            1 => Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn every_bit_of_every_value_comes_back(values in prop::collection::vec(value(), 1..500)) {
            let mut out = Vec::new();
            let packing = pack_values(&values, &mut out);
            let mut back = vec![7.0];
            unpack_values(packing, &out, values.len(), &mut back).unwrap();
            prop_assert_eq!(back.remove(0), 7.0);
            let bits = |all: &[f64]| all.iter().map(|one| one.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&values));
        }

        #[test]
        fn times_come_back(steps in prop::collection::vec(1_i64..100_000, 1..480), first in 0_i64..2_000_000_000_000) {
            let times: Vec<_> = steps.iter().scan(first, |at, step| { *at += step; Some(*at) }).collect();
            let mut out = Vec::new();
            let packing = pack_times(&times, &mut out);
            prop_assert_eq!(unpack_times(packing, &out, times.len()), Some(times));
        }
    }

    #[test]
    fn a_summary_leaves_nan_out_and_counts_resets() {
        let all = Summary::of(&[5.0, 7.0, f64::NAN, 2.0, f64::INFINITY]);
        assert_eq!((all.min, all.max, all.count, all.resets), (2.0, f64::INFINITY, 4, 1));
        assert_eq!((all.first, all.last), (5.0, f64::INFINITY));
        assert!(Summary::of(&[f64::NAN]).min.is_nan());
    }

    #[test]
    fn regular_times_are_told_from_others() {
        assert!(is_regular(&[10, 25, 40]) && is_regular(&[7]) && !is_regular(&[10, 25, 41]));
        assert_eq!(regular_times(10, 40, 3), Some(vec![10, 25, 40]));
        assert_eq!(regular_times(10, 41, 3), None);
        assert_eq!(regular_times(10, 10, 1), Some(vec![10]));
        assert_eq!(regular_times(10, 10, 0), None);
    }
}
