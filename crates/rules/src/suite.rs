//! Tests of rules in promtool's format (prometheus.io, "Unit testing for rules"): series, what alerts they must lead to
//! and what expressions must answer, played from the time zero on.

use std::collections::BTreeMap;

use promql::Labels;

use crate::mistake::Mistake;

mod compare;
mod play;
mod read;

use play::Played;

/// A file of tests.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The rule files, as patterns beside the file of tests.
    pub rule_files: Vec<String>,
    interval_ms: i64,
    order: Vec<String>,
    fuzzy: bool,
    tests: Vec<Test>,
}

#[derive(Clone, Debug)]
struct Test {
    /// Its place among the tests, from 1.
    number: usize,
    name: String,
    interval_ms: i64,
    series: Vec<(Labels, Vec<promql::notation::Point>)>,
    alerts: Vec<AlertTest>,
    exprs: Vec<ExprTest>,
    external_labels: Labels,
    external_url: String,
}

#[derive(Clone, Debug)]
struct AlertTest {
    at_ms: i64,
    name: String,
    /// Only alerts of this group count.
    group: Option<String>,
    /// Labels and annotations.
    expected: Vec<(Labels, Labels)>,
}

#[derive(Clone, Debug)]
struct ExprTest {
    at_ms: i64,
    expr: String,
    expected: Vec<(Labels, f64)>,
}

/// What became of a file of tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Expectations that were met.
    pub passed: usize,
    /// What differed, in words, in order.
    pub failures: Vec<String>,
}

impl Suite {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        read::suite(text)
    }

    /// How many tests there are.
    pub fn len(&self) -> usize {
        self.tests.len()
    }

    /// True without tests.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Plays every test against the rule files, given by name with their text.
    ///
    /// # Errors
    /// A rule file cannot be read; it is named.
    pub fn run(&self, files: &BTreeMap<String, String>) -> Result<Report, Mistake> {
        let mut groups = Vec::new();
        for (name, text) in files {
            let file = crate::RuleFile::parse(text).map_err(|wrong| Mistake { file: Some(name.clone()), ..wrong })?;
            groups.extend(file.groups);
        }
        let place = |name: &str| self.order.iter().position(|known| known == name).unwrap_or(usize::MAX);
        groups.sort_by_key(|group| place(&group.name));
        let mut report = Report::default();
        for test in &self.tests {
            Played::new(self, test, &groups).play(&mut report);
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests;
