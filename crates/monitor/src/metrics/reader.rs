//! The series of the house as a source of PromQL, within what the asker may see.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Kernel, Reach};
use promql::{Labels, MatchOp, Selected, SelectedBuckets, Selection, SeriesData, Source, SourceError};

use super::tiers;
use crate::ground;
use crate::limits::QUERY_SERIES_MAX;
use crate::live::Monitor;

/// The label that says which asset a series is about.
const ASSET: &str = "asset";

/// Reading names needs no samples.
pub(super) const LIMITS: tsdb::Limits = tsdb::Limits { series: QUERY_SERIES_MAX, samples: 0, bytes: 0 };

/// Reads for one asker.
pub(crate) struct Reader<'a> {
    kernel: &'a Kernel,
    monitor: &'a Monitor,
    reach: &'a Reach,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(kernel: &'a Kernel, monitor: &'a Monitor, reach: &'a Reach) -> Self {
        Self { kernel, monitor, reach }
    }

    /// Keeps the series that the asker may see: all of them, or those of assets within their reach.
    pub(super) fn visible<T>(&self, series: &mut Vec<T>, labels: impl Fn(&T) -> &tsdb::Labels) -> kernel::Result<()> {
        if self.reach.everything {
            return Ok(());
        }
        let asset = |one: &T| labels(one).get(ASSET).and_then(|id| id.parse::<i64>().ok());
        let ids: BTreeSet<i64> = series.iter().filter_map(asset).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut seen = BTreeMap::new();
        for some in ids.chunks(500) {
            let briefs = self.kernel.db.read(|tx| assets::brief(tx, some))?;
            seen.extend(briefs.into_iter().map(|(id, brief)| (id, ground::covers(self.reach, &brief))));
        }
        series.retain(|one| asset(one).and_then(|id| seen.get(&id)).copied().unwrap_or(false));
        Ok(())
    }
}

/// Conditions as the store takes them.
pub(crate) fn matchers(all: &[promql::Matcher]) -> tsdb::Result<Vec<tsdb::Matcher>> {
    let one = |matcher: &promql::Matcher| {
        let (name, value) = (matcher.name(), matcher.value());
        Ok(match matcher.op() {
            MatchOp::Equal => tsdb::Matcher::equal(name, value),
            MatchOp::NotEqual => tsdb::Matcher::not_equal(name, value),
            MatchOp::Regex => tsdb::Matcher::matching(name, value)?,
            MatchOp::NotRegex => tsdb::Matcher::unlike(name, value)?,
        })
    };
    all.iter().map(one).collect()
}

impl Reader<'_> {
    /// The conditions of a selection, and that the asker may see the asset: only what may be seen is read, for the samples
    /// of others are nobody's business and cost.
    fn conditions(&self, selection: &Selection<'_>, from_ms: i64) -> Result<Vec<tsdb::Matcher>, SourceError> {
        let mut matchers = matchers(selection.matchers).map_err(|error| failed(&error))?;
        if !self.reach.everything {
            let found = self.monitor.series.series(&matchers, (from_ms, selection.until_ms), LIMITS);
            let mut found = found.map_err(|error| failed(&error))?;
            self.visible(&mut found, |labels| labels).map_err(|error| failed(&error.message))?;
            let assets: BTreeSet<&str> = found.iter().filter_map(|labels| labels.get(ASSET)).collect();
            matchers.push(tsdb::Matcher::one_of(ASSET, &assets.into_iter().collect::<Vec<_>>()));
        }
        Ok(matchers)
    }

    /// Reads, and says whether something was damaged.
    fn read<T>(&self, read: impl FnOnce(&tsdb::Store) -> tsdb::Result<T>) -> Result<(T, Vec<String>), SourceError> {
        let store = &self.monitor.series;
        let damaged = store.damaged_pages();
        let found = read(store).map_err(|error| match error {
            tsdb::Error::TooMuch { what: "samples" | "bytes", .. } => SourceError::TooManySamples,
            other => failed(&other),
        })?;
        let more = store.damaged_pages() > damaged;
        Ok((found, Vec::from_iter(more.then(|| "damaged pages were met; samples are missing".to_owned()))))
    }
}

fn failed(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Failed(error.to_string())
}

fn limits(selection: &Selection<'_>) -> tsdb::Limits {
    let (samples, bytes) = (selection.samples_max, selection.samples_max.saturating_mul(16));
    tsdb::Limits { series: QUERY_SERIES_MAX, samples, bytes }
}

impl Source for Reader<'_> {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        let from_ms = selection.after_ms.saturating_add(1);
        let matchers = self.conditions(selection, from_ms)?;
        let (found, warnings) =
            self.read(|store| store.select_columns(&matchers, from_ms, selection.until_ms, limits(selection)))?;
        let series = found.into_iter().map(|one| SeriesData {
            labels: Labels::from_sorted(one.labels.iter()),
            times: one.times,
            values: one.values,
        });
        Ok(Selected { series: series.collect(), notes: vec!["samples as they came".to_owned()], warnings })
    }

    fn select_buckets(&self, selection: &Selection<'_>) -> Result<Option<SelectedBuckets>, SourceError> {
        let (from_ms, coarsest_ms) = (selection.after_ms.saturating_add(1), tiers::coarsest(selection));
        if self.monitor.series.samples_suffice((from_ms, selection.until_ms), coarsest_ms) {
            return Ok(None);
        }
        let span = (tiers::from_ms(selection), selection.until_ms);
        let matchers = self.conditions(selection, span.0)?;
        let aggregates = tiers::aggregates(&selection.hint);
        let (found, warnings) =
            self.read(|store| store.select_aggregates(&matchers, span, coarsest_ms, limits(selection), &aggregates))?;
        Ok(Some(SelectedBuckets { warnings, ..tiers::selected(found, &selection.hint) }))
    }
}
