//! N of m: at which of the last evaluations a series was there, was not, or was unknown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use promql::{Labels, Sample};

use super::basis::{Basis, Tie};

/// What one evaluation said of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Hit,
    Miss,
    /// A part of the expression gave no value: it counts neither way.
    Unknown,
}

/// The last evaluations of one series.
#[derive(Clone, Debug)]
struct Window {
    marks: VecDeque<Mark>,
    /// The newest answer; none before the first.
    last: Option<Sample>,
    tie: Tie,
}

impl Window {
    fn count(&self, mark: Mark) -> usize {
        self.marks.iter().filter(|one| **one == mark).count()
    }
}

/// The last evaluations of every series that was there at one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows(BTreeMap<Labels, Window>);

impl Windows {
    /// An alert that is out is looked at too, whether or not it was there lately.
    pub(super) fn expect(&mut self, source: &Labels, tie: &Tie) {
        let fresh = || Window { marks: VecDeque::new(), last: None, tie: tie.clone() };
        self.0.entry(source.clone()).or_insert_with(fresh);
    }

    /// Takes over an evaluation of `m`. Without a `basis` what is not there is not true.
    ///
    /// # Errors
    /// Two series are the same, or a part of the expression has no answer.
    pub(super) fn turn(
        &mut self,
        m: usize,
        vector: Vec<Sample>,
        asked_ms: i64,
        mut basis: Option<&mut Basis<'_>>,
    ) -> Result<(), String> {
        let mut here: BTreeMap<Labels, Sample> = BTreeMap::new();
        for sample in vector {
            if here.insert(sample.labels.without_name(), sample).is_some() {
                return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
            }
        }
        for source in here.keys() {
            self.expect(source, &Tie::at(asked_ms));
        }
        for (source, window) in &mut self.0 {
            let mark = match (here.remove(source), basis.as_deref_mut()) {
                (Some(sample), _) => {
                    (window.last, window.tie) = (Some(sample), Tie::at(asked_ms));
                    Mark::Hit
                }
                (None, Some(basis)) => match basis.lost(source, &mut window.tie)? {
                    true => Mark::Unknown,
                    false => Mark::Miss,
                },
                (None, None) => Mark::Miss,
            };
            window.marks.push_back(mark);
            while window.marks.len() > m {
                window.marks.pop_front();
            }
        }
        Ok(())
    }

    /// Those that were there at least `n` times, with their newest answers.
    pub(super) fn often_enough(&self, n: usize) -> Vec<Sample> {
        let enough = |window: &&Window| window.count(Mark::Hit) >= n;
        self.0.values().filter(enough).filter_map(|window| window.last.clone()).collect()
    }

    /// When a series was there last.
    pub(super) fn tie(&self, source: &Labels) -> Option<Tie> {
        self.0.get(source).map(|window| window.tie.clone())
    }

    /// True while what is not known may have made it often enough.
    pub(super) fn may_hold(&self, source: &Labels, (n, m): (usize, usize)) -> bool {
        self.0.get(source).is_none_or(|window| window.count(Mark::Miss) + n <= m)
    }

    /// Forgets what was not there lately and is no alert.
    pub(super) fn forget(&mut self, alerts: &BTreeSet<Labels>) {
        self.0.retain(|source, window| window.count(Mark::Hit) > 0 || alerts.contains(source));
    }

    /// The expression is another one.
    pub(super) fn loosen(&mut self) {
        self.0.values_mut().for_each(|window| window.tie.loosen());
    }
}
