//! The rows of one series that are not sealed yet.

use super::{GROWTH_ROWS, low_bits};

/// Open values of one series: a mask of the rows that have one, and the values.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Bit n is set if row n has a value.
    pub(crate) mask: u128,
    pub(super) values: OpenValues,
}

/// A constant costs no column.
#[derive(Debug, Default)]
pub(super) enum OpenValues {
    #[default]
    None,
    Constant(f64),
    Many(Vec<f64>),
}

impl Open {
    /// Adds the value of `row`, which is after all rows that have one.
    pub(crate) fn push(&mut self, row: usize, value: f64) {
        match &mut self.values {
            OpenValues::None => self.values = OpenValues::Constant(value),
            OpenValues::Constant(same) if same.to_bits() == value.to_bits() => {}
            OpenValues::Constant(_) => {
                let count = self.mask.count_ones() as usize;
                self.spread((row + 1).next_multiple_of(GROWTH_ROWS), count, value);
            }
            OpenValues::Many(many) => {
                if many.len() == many.capacity() {
                    many.reserve_exact(GROWTH_ROWS);
                }
                many.push(value);
            }
        }
        self.mask |= 1 << row;
    }

    /// Adds the value of `row`, which has none.
    pub(crate) fn insert(&mut self, row: usize, value: f64) {
        let before = (self.mask & low_bits(row)).count_ones() as usize;
        match &mut self.values {
            OpenValues::None => self.values = OpenValues::Constant(value),
            OpenValues::Constant(same) if same.to_bits() == value.to_bits() => {}
            OpenValues::Constant(_) => self.spread(GROWTH_ROWS, before, value),
            OpenValues::Many(many) => many.insert(before.min(many.len()), value),
        }
        self.mask |= 1 << row;
    }

    /// Makes a column of a constant, with `value` at place `at`.
    fn spread(&mut self, capacity: usize, at: usize, value: f64) {
        let mut many = Vec::with_capacity(capacity.max(self.mask.count_ones() as usize + 1));
        many.extend(self.copy(0, usize::MAX));
        many.insert(at.min(many.len()), value);
        self.values = OpenValues::Many(many);
    }

    /// The value of a row.
    pub(crate) fn value(&self, row: usize) -> Option<f64> {
        if self.mask >> row & 1 == 0 {
            return None;
        }
        match &self.values {
            OpenValues::None => None,
            OpenValues::Constant(same) => Some(*same),
            OpenValues::Many(many) => many.get((self.mask & low_bits(row)).count_ones() as usize).copied(),
        }
    }

    /// Forgets the first `rows` rows; the others move up.
    pub(crate) fn drop_rows(&mut self, rows: usize) {
        let gone = (self.mask & low_bits(rows)).count_ones() as usize;
        self.mask = self.mask.checked_shr(rows as u32).unwrap_or(0);
        if self.mask == 0 {
            self.values = OpenValues::None;
        } else if let OpenValues::Many(many) = &mut self.values {
            many.drain(..gone.min(many.len()));
            if let Some((first, rest)) = many.split_first()
                && rest.iter().all(|value| value.to_bits() == first.to_bits())
            {
                self.values = OpenValues::Constant(*first);
            }
        }
    }

    /// A copy of the values number `from` to `to` (exclusive) of those that there are.
    pub(crate) fn copy(&self, from: usize, to: usize) -> Vec<f64> {
        let to = to.min(self.mask.count_ones() as usize);
        match &self.values {
            OpenValues::None => Vec::new(),
            OpenValues::Constant(same) => vec![*same; to.saturating_sub(from)],
            OpenValues::Many(many) => many.get(from..to.min(many.len())).unwrap_or_default().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(open: &Open) -> Vec<(usize, f64)> {
        (0..128).filter_map(|row| Some((row, open.value(row)?))).collect()
    }

    #[test]
    fn rows_are_added_behind_and_between_and_taken_away_in_front() {
        let mut open = Open::default();
        for row in [0, 1, 5] {
            open.push(row, 7.0);
        }
        open.insert(3, 7.0);
        assert!(matches!(open.values, OpenValues::Constant(_)));
        open.insert(2, 9.0);
        open.push(6, 8.0);
        open.insert(4, 4.0);
        assert_eq!(all(&open), [(0, 7.0), (1, 7.0), (2, 9.0), (3, 7.0), (4, 4.0), (5, 7.0), (6, 8.0)]);
        assert_eq!(open.copy(2, 5), [9.0, 7.0, 4.0]);
        open.drop_rows(3);
        assert_eq!(all(&open), [(0, 7.0), (1, 4.0), (2, 7.0), (3, 8.0)]);
        open.drop_rows(3);
        assert!(matches!(open.values, OpenValues::Constant(_)), "what has become constant costs no column");
        assert_eq!(all(&open), [(0, 8.0)]);
        open.drop_rows(100);
        assert_eq!((all(&open), open.copy(0, 9)), (vec![], vec![]));
    }

    #[test]
    fn the_last_row_a_mask_has_is_a_row_as_any() {
        let mut open = Open::default();
        open.push(0, 1.0);
        open.push(127, 2.0);
        open.drop_rows(127);
        assert_eq!(all(&open), [(0, 2.0)]);
    }
}
