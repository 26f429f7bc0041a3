//! Sums that do not lose what is small: Kahan's summation as improved by Neumaier (1974).

/// A sum and what it lost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Sum {
    pub(crate) fn of(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }

    pub(crate) fn add(&mut self, value: f64) {
        // Knuth's two-sum finds what Neumaier's comparison finds, without a branch. Once the sum is infinite it stays so
        // or is NaN, and what was lost no longer counts.
        let total = self.sum + value;
        let added = total - self.sum;
        self.lost += (self.sum - (total - added)) + (value - added);
        self.sum = total;
    }

    pub(crate) fn total(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

/// A mean: of the sum, or step by step once the sum would be infinite.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    stepwise: bool,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum = Sum::of(value);
            return;
        }
        if !self.stepwise {
            let mut next = self.sum;
            next.add(value);
            if !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.stepwise = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        let mut next = Sum { sum: share * self.sum.sum, lost: share * self.sum.lost };
        next.add(value / self.count);
        self.sum = next;
    }

    /// The mean of all values at once.
    pub(crate) fn of(values: &[f64]) -> f64 {
        let mut sum = Sum::default();
        values.iter().for_each(|value| sum.add(*value));
        if sum.sum.is_finite() {
            let count = values.len() as f64;
            return sum.sum / count + sum.lost / count;
        }
        let mut mean = Self::default();
        values.iter().for_each(|value| mean.add(*value));
        mean.mean()
    }

    pub(crate) fn mean(&self) -> f64 {
        if self.stepwise { self.sum.total() } else { self.sum.sum / self.count + self.sum.lost / self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> f64 {
        let mut mean = Mean::default();
        values.iter().for_each(|value| mean.add(*value));
        mean.mean()
    }

    #[test]
    fn small_numbers_survive_among_large_ones() {
        let mut sum = Sum::default();
        [2.0, 8.0, 1.0, 1e100, -1e100].iter().for_each(|value| sum.add(*value));
        assert_eq!(sum.total(), 11.0);
        assert_eq!(mean(&[2.0, 8.0, 1e100, -1e100]), 2.5);
    }

    #[test]
    fn means_of_huge_numbers_are_finite() {
        assert_eq!(mean(&[1e308; 4]), 1e308);
        assert_eq!(mean(&[f64::INFINITY, 1.0, f64::INFINITY]), f64::INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(mean(&[52.0; 11]), 52.0);
        for values in [[1e308; 4], [1.0, 2.0, 1e100, -1e100], [f64::INFINITY, 1.0, 2.0, 3.0]] {
            assert_eq!(mean(&values), Mean::of(&values));
        }
    }
}
