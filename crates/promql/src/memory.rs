//! A source in memory: for rule tests, for scripts, and for whoever wants to ask about a few samples.

use crate::error::SourceError;
use crate::labels::Labels;
use crate::source::{Selected, Selection, SeriesData, Source};
use std::collections::BTreeMap;

/// Samples in memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
}

impl MemorySource {
    /// Without samples.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a sample; a second one of a series at one time replaces the first.
    pub fn push(&mut self, labels: &Labels, at_ms: i64, value: f64) {
        match self.series.get_mut(labels) {
            Some(samples) => drop(samples.insert(at_ms, value)),
            None => drop(self.series.insert(labels.clone(), BTreeMap::from([(at_ms, value)]))),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.series.clear();
    }
}

impl Source for MemorySource {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        let mut found = Selected::default();
        let mut left = selection.samples_max;
        if selection.after_ms >= selection.until_ms {
            return Ok(found);
        }
        for (labels, samples) in &self.series {
            if !selection.matchers.iter().all(|matcher| matcher.matches(labels)) {
                continue;
            }
            let within = samples.range(selection.after_ms.saturating_add(1)..=selection.until_ms);
            let (times, values): (Vec<i64>, Vec<f64>) = within.map(|(at, value)| (*at, *value)).unzip();
            left = left.checked_sub(times.len()).ok_or(SourceError::TooManySamples)?;
            if !times.is_empty() {
                found.series.push(SeriesData { labels: labels.clone(), times: times.into(), values });
            }
        }
        Ok(found)
    }
}
