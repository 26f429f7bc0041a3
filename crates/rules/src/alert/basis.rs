//! Whether an alert is not true any more, or whether nobody knows: what was there when it was true must still be there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use promql::{Labels, NAME_LABEL, Sample};

use super::Ask;
use crate::Part;

/// At most so many moments of the past are asked about in one evaluation; who comes later waits for the next one.
const MOMENTS_MAX: usize = 8;

/// When something was true last, and which parts of the expression it had then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tie {
    /// The moment that was asked about, in ms.
    true_ms: i64,
    /// The parts that were there; not asked yet where none.
    needs: Option<Vec<usize>>,
    /// The part that gave no value when it was asked last.
    pub(super) lost: Option<String>,
}

impl Tie {
    pub(super) fn at(true_ms: i64) -> Self {
        Self { true_ms, needs: None, lost: None }
    }

    /// The expression is another one.
    pub(super) fn loosen(&mut self) {
        self.needs = None;
    }
}

/// Answers of the parts of an expression, asked when they are needed.
pub(super) struct Basis<'a> {
    parts: &'a [Part],
    ask: &'a Ask<'a>,
    now_ms: i64,
    moments: BTreeSet<i64>,
    answers: BTreeMap<(usize, i64), Answer>,
}

/// What a part answered at a moment.
struct Answer {
    samples: Vec<Sample>,
    /// For series with these labels: what their part has of them.
    near: BTreeMap<Vec<String>, BTreeMap<Vec<String>, HashSet<Labels>>>,
}

impl<'a> Basis<'a> {
    pub(super) fn new(parts: &'a [Part], ask: &'a Ask<'a>, now_ms: i64) -> Self {
        Self { parts, ask, now_ms, moments: BTreeSet::new(), answers: BTreeMap::new() }
    }

    /// Asks anything else.
    ///
    /// # Errors
    /// The expression has no answer.
    pub(super) fn ask(&self, text: &str, at_ms: i64) -> Result<Vec<Sample>, String> {
        (self.ask)(text, at_ms)
    }

    /// True when a part that a series had when it was true gives no value of it now.
    ///
    /// # Errors
    /// A part has no answer.
    pub(super) fn lost(&mut self, source: &Labels, tie: &mut Tie) -> Result<bool, String> {
        tie.lost = None;
        if tie.needs.is_none() {
            if self.moments.len() >= MOMENTS_MAX && !self.moments.contains(&tie.true_ms) {
                return Ok(true);
            }
            self.moments.insert(tie.true_ms);
            let mut needs = Vec::new();
            for place in 0..self.parts.len() {
                if self.has(place, tie.true_ms, source)? {
                    needs.push(place);
                }
            }
            tie.needs = Some(needs);
        }
        for place in tie.needs.iter().flatten() {
            if !self.has(*place, self.now_ms, source)? {
                tie.lost = self.parts.get(*place).map(|part| part.text.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has(&mut self, place: usize, at_ms: i64, source: &Labels) -> Result<bool, String> {
        let Some(part) = self.parts.get(place) else { return Ok(true) };
        if !self.answers.contains_key(&(place, at_ms)) {
            let samples = (self.ask)(&part.text, at_ms)?;
            self.answers.insert((place, at_ms), Answer { samples, near: BTreeMap::new() });
        }
        Ok(self.answers.get_mut(&(place, at_ms)).is_some_and(|answer| answer.has(part, source)))
    }
}

impl Answer {
    fn has(&mut self, part: &Part, source: &Labels) -> bool {
        let names: Vec<String> = source.iter().map(|(name, _)| name.to_owned()).collect();
        let samples = &self.samples;
        let near = self.near.entry(names).or_insert_with_key(|names| {
            let mut near: BTreeMap<Vec<String>, HashSet<Labels>> = BTreeMap::new();
            let ties = |name: &str| name != NAME_LABEL && part.ties(name) && names.iter().any(|known| known == name);
            for sample in samples {
                let shared = sample.labels.filtered(ties);
                near.entry(shared.iter().map(|(name, _)| name.to_owned()).collect()).or_default().insert(shared);
            }
            near
        });
        near.iter().any(|(names, all)| all.contains(&source.filtered(|name| names.iter().any(|known| known == name))))
    }
}
