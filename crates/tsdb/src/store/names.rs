//! Which series and labels there are.

use super::Store;
use crate::error::{Error, Result};
use crate::{Labels, Limits, Matcher};
use std::collections::BTreeSet;

impl Store {
    /// The labels of the series that fulfil every condition and may have samples from `from_ms` to `to_ms`, in order. Told
    /// from the first and last sample of each.
    ///
    /// Errors: more series than `limits`.
    pub fn series(&self, matchers: &[Matcher], (from_ms, to_ms): (i64, i64), limits: Limits) -> Result<Vec<Labels>> {
        let head = self.head();
        let meant = head.meant(matchers, from_ms, to_ms);
        if meant.len() > limits.series {
            return Err(Error::TooMuch { what: "series", limit: limits.series });
        }
        let mut labels: Vec<_> = meant.iter().filter_map(|one| Some(head.one(one.slot)?.labels.clone())).collect();
        drop(head);
        labels.sort();
        labels.dedup();
        Ok(labels)
    }

    /// The names of the labels of the series that fulfil every condition and may have samples in that time, in order.
    ///
    /// Errors: more names than `limits` has series.
    pub fn label_names(&self, matchers: &[Matcher], span_ms: (i64, i64), limits: Limits) -> Result<Vec<String>> {
        let head = self.head();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        if matchers.is_empty() && span_ms == (i64::MIN, i64::MAX) {
            names.extend(head.postings.names());
        } else {
            let meant = head.meant(matchers, span_ms.0, span_ms.1);
            names.extend(
                meant
                    .iter()
                    .filter_map(|one| head.one(one.slot))
                    .flat_map(|one| one.labels.iter())
                    .map(|(name, _)| name),
            );
        }
        within(names, "label names", limits)
    }

    /// The values of a label over the series that fulfil every condition and may have samples in that time, in order.
    ///
    /// Errors: more values than `limits` has series.
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        span_ms: (i64, i64),
        limits: Limits,
    ) -> Result<Vec<String>> {
        let head = self.head();
        let mut values: BTreeSet<&str> = BTreeSet::new();
        if matchers.is_empty() && span_ms == (i64::MIN, i64::MAX) {
            values.extend(head.postings.values(name));
        } else {
            let meant = head.meant(matchers, span_ms.0, span_ms.1);
            values.extend(meant.iter().filter_map(|one| head.one(one.slot)?.labels.get(name)));
        }
        within(values, "label values", limits)
    }
}

fn within(texts: BTreeSet<&str>, what: &'static str, limits: Limits) -> Result<Vec<String>> {
    if texts.len() > limits.series {
        return Err(Error::TooMuch { what, limit: limits.series });
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}
