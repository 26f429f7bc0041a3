//! Series that are known by bytes: the labels as a sender wrote them, or the line of a page that was scraped.
//!
//! Whoever sends the same series sends them in the same order nearly always. So each series remembers which one came
//! after it, and what comes is compared with that first: no hash, and memory that is read from front to back. Only
//! what stands elsewhere is looked for by a hash, whose key nobody outside knows; and whatever is found is compared byte
//! by byte, so that two series are never taken for one.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

/// Bytes that are taken from the system at a time.
const PIECE_BYTES: usize = 256 << 10;
/// No entry.
const NONE: u32 = u32::MAX;
/// Fewest places of the table, a power of two.
const PLACES_MIN: usize = 64;

/// Where a series was found, to begin the next search from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(u32);

impl Default for At {
    /// Before the first.
    fn default() -> Self {
        Self(NONE)
    }
}

struct Entry<T> {
    hash: u64,
    piece: u32,
    from: u32,
    length: u32,
    /// Which one came after it last time.
    next: u32,
    value: T,
}

/// Values by bytes.
pub(crate) struct Known<T> {
    entries: Vec<Entry<T>>,
    /// Numbers of entries by their hash; as many places again as entries stay free.
    places: Vec<u32>,
    pieces: Vec<Vec<u8>>,
    /// What came first last time.
    first: u32,
    hasher: RandomState,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        let (entries, places, pieces) = (Vec::new(), Vec::new(), Vec::new());
        Self { entries, places, pieces, first: NONE, hasher: RandomState::default() }
    }
}

impl<T: Copy> Known<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The value of an entry.
    pub(crate) fn value(&self, at: At) -> Option<T> {
        self.entries.get(at.0 as usize).map(|entry| entry.value)
    }

    /// Gives an entry another value.
    pub(crate) fn set(&mut self, at: At, value: T) {
        if let Some(entry) = self.entries.get_mut(at.0 as usize) {
            entry.value = value;
        }
    }

    /// What came after an entry last time.
    #[inline]
    pub(crate) fn after(&self, at: At) -> At {
        At(self.entries.get(at.0 as usize).map_or(self.first, |entry| entry.next))
    }

    /// The bytes of an entry.
    #[inline]
    pub(crate) fn bytes(&self, at: At) -> Option<&[u8]> {
        let entry = self.entries.get(at.0 as usize)?;
        let from = entry.from as usize;
        self.pieces.get(entry.piece as usize)?.get(from..from + entry.length as usize)
    }

    /// The entry with these bytes, which come after those at `before`.
    #[inline]
    pub(crate) fn find(&mut self, before: At, bytes: &[u8]) -> Option<At> {
        let expected = self.after(before);
        if self.bytes(expected) == Some(bytes) {
            return Some(expected);
        }
        let found = self.search(self.hasher.hash_one(bytes), bytes)?;
        self.follow(before, found);
        Some(found)
    }

    /// Adds an entry that is not there yet; its bytes come after those at `before`.
    pub(crate) fn add(&mut self, before: At, bytes: &[u8], value: T) -> At {
        if (self.entries.len() + 1) * 2 > self.places.len() {
            self.grow();
        }
        let hash = self.hasher.hash_one(bytes);
        let (piece, from) = self.write(bytes);
        let at = At(u32::try_from(self.entries.len()).unwrap_or(NONE));
        // Whoever came after the one before comes after the new one.
        let next = self.after(before).0;
        let length = u32::try_from(bytes.len()).unwrap_or(0);
        self.entries.push(Entry { hash, piece, from, length, next, value });
        self.settle(hash, at.0);
        self.follow(before, at);
        at
    }

    /// Bytes and values, the newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&[u8], T)> {
        let all = (0..self.entries.len()).rev().filter_map(|at| u32::try_from(at).ok()).map(At);
        all.filter_map(|at| Some((self.bytes(at)?, self.value(at)?)))
    }

    /// Shows every value, to be changed.
    pub(crate) fn each(&mut self, change: impl FnMut(&mut T)) {
        self.entries.iter_mut().map(|entry| &mut entry.value).for_each(change);
    }

    /// Forgets all but those whose value is to stay; places found before mean nothing then.
    pub(crate) fn keep(&mut self, stays: impl Fn(T) -> bool) {
        let (mut new, mut at) = (Self::default(), At::default());
        for entry in (0..self.entries.len()).filter_map(|at| u32::try_from(at).ok()).map(At) {
            if let (Some(bytes), Some(value)) = (self.bytes(entry), self.value(entry).filter(|value| stays(*value))) {
                at = new.add(at, bytes, value);
            }
        }
        *self = new;
    }

    fn follow(&mut self, before: At, at: At) {
        match self.entries.get_mut(before.0 as usize) {
            Some(entry) => entry.next = at.0,
            None => self.first = at.0,
        }
    }

    fn search(&self, hash: u64, bytes: &[u8]) -> Option<At> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = hash as usize & mask;
        loop {
            let at = At(*self.places.get(place)?);
            let entry = self.entries.get(at.0 as usize)?;
            if entry.hash == hash && self.bytes(at) == Some(bytes) {
                return Some(at);
            }
            place = (place + 1) & mask;
        }
    }

    /// Puts the number of an entry into the table.
    fn settle(&mut self, hash: u64, at: u32) {
        let mask = self.places.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        while let Some(there) = self.places.get_mut(place) {
            if *there == NONE {
                *there = at;
                return;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(PLACES_MIN);
        self.places = vec![NONE; places];
        for at in 0..self.entries.len() {
            if let Some(hash) = self.entries.get(at).map(|entry| entry.hash) {
                self.settle(hash, u32::try_from(at).unwrap_or(NONE));
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> (u32, u32) {
        let fits = |piece: &Vec<u8>| piece.capacity() - piece.len() >= bytes.len();
        if !self.pieces.last().is_some_and(fits) {
            // A small table stays small.
            let size = PIECE_BYTES.min((self.entries.len() * 64).next_power_of_two().max(1 << 10));
            self.pieces.push(Vec::with_capacity(size.max(bytes.len())));
        }
        let piece = u32::try_from(self.pieces.len().saturating_sub(1)).unwrap_or(NONE);
        let Some(last) = self.pieces.last_mut() else { return (NONE, 0) };
        let from = u32::try_from(last.len()).unwrap_or(0);
        last.extend_from_slice(bytes);
        (piece, from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_in_the_order_of_last_time_is_found_without_a_hash() {
        let mut known = Known::default();
        let mut at = At::default();
        for name in ["a", "b", "c"] {
            at = known.add(at, name.as_bytes(), name);
        }
        // Without its table a search by hash finds nothing.
        known.places.clear();
        let mut at = At::default();
        for name in ["a", "b", "c"] {
            at = known.find(at, name.as_bytes()).unwrap();
            assert_eq!(known.value(at), Some(name));
        }
        assert_eq!(known.find(At::default(), b"c"), None);
    }

    #[test]
    fn another_order_is_learned_and_a_newcomer_does_not_break_the_row() {
        let mut known = Known::default();
        let (a, b) = (known.add(At::default(), b"a", 1), known.add(At(0), b"b", 2));
        let between = known.add(a, b"between", 3);
        assert_eq!((known.after(a), known.after(between), known.after(At::default())), (between, b, a));
        assert_eq!(known.find(At::default(), b"b"), Some(b));
        assert_eq!(known.after(At::default()), b);
        known.set(b, 9);
        assert_eq!((known.value(b), known.len()), (Some(9), 3));
        known.each(|value| *value += 1);
        known.keep(|value| value != 4);
        assert_eq!((known.len(), known.find(At::default(), b"between")), (2, None));
        assert!(known.find(At::default(), b"b").is_some());
        known.clear();
        assert_eq!((known.find(At::default(), b"b"), known.len()), (None, 0));
    }

    proptest! {
        #[test]
        fn it_answers_as_a_map_does(rounds in prop::collection::vec(prop::collection::vec("[a-d]{0,4}", 0..40), 0..8)) {
            let (mut known, mut map) = (Known::default(), std::collections::HashMap::new());
            for round in rounds {
                let mut at = At::default();
                for bytes in round {
                    let bytes = bytes.into_bytes();
                    let found = known.find(at, &bytes);
                    prop_assert_eq!(found.and_then(|at| known.value(at)), map.get(&bytes).copied());
                    at = found.unwrap_or_else(|| {
                        let value = map.len();
                        map.insert(bytes.clone(), value);
                        known.add(at, &bytes, value)
                    });
                    prop_assert_eq!(known.bytes(at), Some(bytes.as_slice()));
                }
            }
            prop_assert_eq!(known.len(), map.len());
        }
    }
}
