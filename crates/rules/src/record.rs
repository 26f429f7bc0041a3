//! Recording rules: the answer to an expression becomes a series of its own.

use std::collections::BTreeSet;

use promql::{Labels, NAME_LABEL, Sample, Value};

use crate::Pairs;

/// The samples of an answer; a number is one without labels.
///
/// # Errors
/// For texts and ranges, which are no result of a rule.
pub fn vector_of(value: Value) -> Result<Vec<Sample>, String> {
    match value {
        Value::Vector(all) => Ok(all),
        Value::Scalar(at_ms, value) => Ok(vec![Sample { labels: Labels::empty(), at_ms, value }]),
        Value::Text(..) | Value::Matrix(_) => Err("rule result is not a vector or scalar".to_owned()),
    }
}

/// The series that a recording rule makes of an answer.
///
/// # Errors
/// In words: there are too many, or two are the same.
pub fn recorded(
    name: &str,
    labels: &Pairs,
    limit: Option<u64>,
    vector: Vec<Sample>,
) -> Result<Vec<(Labels, f64)>, String> {
    if let Some(limit) = limit.filter(|limit| u64::try_from(vector.len()).is_ok_and(|count| count > *limit)) {
        return Err(format!("exceeded limit of {limit} with {} series", vector.len()));
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::with_capacity(vector.len());
    for sample in vector {
        let kept = sample.labels.iter().filter(|(label, _)| *label != NAME_LABEL);
        let own = labels.iter().map(|(label, value)| (label.as_str(), value.as_str()));
        let labels = Labels::from_pairs(kept.chain(own).chain(std::iter::once((NAME_LABEL, name))));
        if !seen.insert(labels.clone()) {
            return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
        }
        out.push((labels, sample.value));
    }
    Ok(out)
}

/// The series that a rule wrote last.
#[derive(Clone, Debug, Default)]
pub struct Written(BTreeSet<Labels>);

impl Written {
    /// What an earlier process wrote last.
    pub fn restored(series: &[(Labels, f64)]) -> Self {
        Self(series.iter().map(|(labels, _)| labels.clone()).collect())
    }

    /// Takes over what is written now; answers the series that are not there any more and get a staleness marker.
    pub fn next(&mut self, series: &[(Labels, f64)]) -> Vec<Labels> {
        let now: BTreeSet<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
        let gone = self.0.difference(&now).cloned().collect();
        self.0 = now;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pairs: &[(&str, &str)], value: f64) -> Sample {
        Sample { labels: Labels::from_pairs(pairs.iter().copied()), at_ms: 0, value }
    }

    #[test]
    fn an_answer_becomes_series_of_the_rules_name_with_its_labels() {
        let labels = vec![("site".to_owned(), "oslo".to_owned()), ("drop".to_owned(), String::new())];
        let vector = vec![sample(&[("__name__", "a"), ("site", "x"), ("drop", "y"), ("job", "j")], 2.0)];
        let made = recorded("job:a:sum", &labels, None, vector).unwrap();
        assert_eq!(made[0].0.to_string(), r#"{__name__="job:a:sum", job="j", site="oslo"}"#);
        let twice = vec![sample(&[("site", "x")], 1.0), sample(&[("site", "y")], 1.0)];
        assert!(recorded("a", &labels, None, twice.clone()).unwrap_err().contains("same labelset"));
        assert_eq!(recorded("a", &Pairs::new(), Some(1), twice).unwrap_err(), "exceeded limit of 1 with 2 series");
    }

    #[test]
    fn series_that_vanish_are_named_once() {
        let mut written = Written::default();
        let series =
            |names: &[&str]| names.iter().map(|name| (Labels::from_pairs([("a", *name)]), 1.0)).collect::<Vec<_>>();
        assert!(written.next(&series(&["x", "y"])).is_empty());
        assert_eq!(written.next(&series(&["y"])), [Labels::from_pairs([("a", "x")])]);
        assert!(written.next(&series(&["y"])).is_empty());
    }
}
