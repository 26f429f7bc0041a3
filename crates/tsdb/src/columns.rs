//! What a read puts together: the values of each series in one column, the times in columns that series share.
//!
//! Samples come in pieces (a page, a sealed chunk, open rows, late samples), each with its times. Series whose pieces
//! have the same times get the same column of times, without a comparison of times.

use crate::Labels;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A series and its samples, as columns.
#[derive(Clone, Debug)]
pub struct Columns {
    /// What names it.
    pub labels: Labels,
    /// Milliseconds since 1970 UTC, strictly rising. Series that were sampled together share one column.
    pub times: Arc<[i64]>,
    /// As many as there are times.
    pub values: Vec<f64>,
}

/// The times of all pieces of one read.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pieces: Vec<Arc<[i64]>>,
    joined: HashMap<Vec<u32>, Arc<[i64]>>,
}

impl Times {
    /// Keeps the times of a piece (at least one, rising) and answers its number.
    pub(crate) fn add(&mut self, times: Vec<i64>) -> u32 {
        self.pieces.push(times.into());
        self.pieces.len() as u32 - 1
    }

    fn piece(&self, number: u32) -> &Arc<[i64]> {
        static NONE: OnceLock<Arc<[i64]>> = std::sync::OnceLock::new();
        self.pieces.get(number as usize).unwrap_or_else(|| NONE.get_or_init(|| Vec::new().into()))
    }

    fn in_order(&self, pieces: &[u32]) -> bool {
        pieces.iter().zip(pieces.iter().skip(1)).all(|(a, b)| self.piece(*a).last() < self.piece(*b).first())
    }

    /// The times of pieces in order, one after the other.
    fn join(&mut self, pieces: &[u32]) -> Arc<[i64]> {
        if let [one] = pieces {
            return self.piece(*one).clone();
        }
        if let Some(there) = self.joined.get(pieces) {
            return there.clone();
        }
        let all: Vec<i64> = pieces.iter().flat_map(|piece| self.piece(*piece).iter().copied()).collect();
        let all: Arc<[i64]> = all.into();
        self.joined.insert(pieces.to_vec(), all.clone());
        all
    }
}

/// One series while it is put together: `N` values for each time.
#[derive(Clone, Debug)]
pub(crate) struct Column<const N: usize> {
    /// Numbers of the pieces' times, in order of precedence.
    pub(crate) pieces: Vec<u32>,
    pub(crate) values: [Vec<f64>; N],
}

impl<const N: usize> Default for Column<N> {
    fn default() -> Self {
        Self { pieces: Vec::new(), values: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<const N: usize> Column<N> {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Puts `other` behind: what is there already takes precedence.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.pieces.append(&mut other.pieces);
        for (to, from) in self.values.iter_mut().zip(&mut other.values) {
            to.append(from);
        }
    }

    /// Times and values in order of time; of two samples at one time the one with precedence stays.
    pub(crate) fn finish(mut self, times: &mut Times) -> (Arc<[i64]>, [Vec<f64>; N]) {
        if times.in_order(&self.pieces) {
            return (times.join(&self.pieces), self.values);
        }
        if self.put_in_order(times) {
            return (times.join(&self.pieces), self.values);
        }
        let all: Vec<i64> = self.pieces.iter().flat_map(|piece| times.piece(*piece).iter().copied()).collect();
        let mut rows: Vec<(i64, usize)> = all.into_iter().zip(0..).collect();
        rows.sort_unstable();
        rows.dedup_by_key(|(at, _)| *at);
        let pick = |column: &Vec<f64>| rows.iter().filter_map(|(_, row)| column.get(*row).copied()).collect();
        let values = self.values.each_ref().map(pick);
        (rows.iter().map(|(at, _)| *at).collect::<Vec<_>>().into(), values)
    }

    /// Moves whole pieces, as late samples need it; false, and nothing moved, if two of them overlap.
    fn put_in_order(&mut self, times: &Times) -> bool {
        let lengths = self.pieces.iter().map(|piece| times.piece(*piece).len());
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end - length..*end)
        });
        let mut parts: Vec<(u32, Range<usize>)> = self.pieces.iter().copied().zip(ends).collect();
        parts.sort_by_key(|(piece, _)| times.piece(*piece).first().copied());
        let pieces: Vec<u32> = parts.iter().map(|(piece, _)| *piece).collect();
        if !times.in_order(&pieces) {
            return false;
        }
        for values in &mut self.values {
            let mut moved = Vec::with_capacity(values.len());
            parts.iter().for_each(|(_, rows)| moved.extend_from_slice(values.get(rows.clone()).unwrap_or_default()));
            *values = moved;
        }
        self.pieces = pieces;
        true
    }
}

/// A hash for labels, several times quicker than the one of the standard library. Seeded once in a process, so that nobody
/// can choose labels that collide.
#[derive(Clone, Debug)]
pub(crate) struct QuickHash(u64);

impl Default for QuickHash {
    fn default() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        Self(*SEED.get_or_init(|| RandomState::new().hash_one(0)))
    }
}

impl BuildHasher for QuickHash {
    type Hasher = QuickHasher;

    fn build_hasher(&self) -> QuickHasher {
        QuickHasher { state: self.0, seed: self.0 | 1 }
    }
}

#[derive(Debug)]
pub(crate) struct QuickHasher {
    state: u64,
    seed: u64,
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        let tail = rest.iter().fold(rest.len() as u64, |all, byte| all << 8 | u64::from(*byte));
        self.write_u64(tail);
    }

    /// The two halves of a product with the seed, which depend on every bit.
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        self.state = (product as u64 ^ (product >> 64) as u64).rotate_left(23).wrapping_add(self.seed);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(times: &mut Times, pieces: &[&[(i64, f64)]]) -> Column<1> {
        let mut column = Column::default();
        for piece in pieces {
            column.pieces.push(times.add(piece.iter().map(|(at, _)| *at).collect()));
            column.values[0].extend(piece.iter().map(|(_, value)| *value));
        }
        column
    }

    #[test]
    fn series_with_the_same_pieces_share_their_times() {
        let mut times = Times::default();
        let one = column(&mut times, &[&[(1, 0.1), (2, 0.2)], &[(5, 0.5)]]);
        let mut other = one.clone();
        other.values[0][2] = 9.0;
        let (a, b) = (one.finish(&mut times), other.finish(&mut times));
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert_eq!((&a.0[..], &a.1[0][..], &b.1[0][..]), (&[1, 2, 5][..], &[0.1, 0.2, 0.5][..], &[0.1, 0.2, 9.0][..]));
    }

    #[test]
    fn pieces_that_come_late_are_moved_whole_and_their_times_are_shared() {
        let mut times = Times::default();
        let one = column(&mut times, &[&[(8, 8.0), (9, 9.0)], &[(1, 1.0), (3, 3.0)], &[(5, 5.0)]]);
        let mut other = one.clone();
        other.values[0][2] = 7.0;
        let (a, b) = (one.finish(&mut times), other.finish(&mut times));
        assert_eq!((&a.0[..], &a.1[0][..]), (&[1, 3, 5, 8, 9][..], &[1.0, 3.0, 5.0, 8.0, 9.0][..]));
        assert_eq!(b.1[0], [7.0, 3.0, 5.0, 8.0, 9.0]);
        assert!(Arc::ptr_eq(&a.0, &b.0));
    }

    #[test]
    fn pieces_that_overlap_are_sorted_and_the_first_of_two_samples_stays() {
        let mut times = Times::default();
        let column = column(&mut times, &[&[(3, 3.0), (9, 9.0)], &[(1, 1.0), (3, 33.0), (10, 10.0)], &[(9, 99.0)]]);
        let (at, values) = column.finish(&mut times);
        assert_eq!((&at[..], &values[0][..]), (&[1, 3, 9, 10][..], &[1.0, 3.0, 9.0, 10.0][..]));
    }
}
