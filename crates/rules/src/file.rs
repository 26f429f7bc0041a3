//! Rule files: groups of rules as Prometheus reads them (prometheus.io, "Defining recording rules").

use std::collections::BTreeSet;

use crate::Template;
use crate::mistake::Mistake;

mod read;
mod write;

pub(crate) use read::{Length, Scalar, Words};

/// Largest rule file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// Names and values in the order they were written.
pub type Pairs = Vec<(String, String)>;

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFile {
    /// Its groups, in order.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other, at the same time and as often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name, once in a file.
    pub name: String,
    /// From one evaluation to the next, in ms; the house's own if nothing is said.
    pub interval_ms: Option<i64>,
    /// Rules are asked this long before the moment, in ms.
    pub query_offset_ms: Option<i64>,
    /// Most alerts or series of one rule; none means no limit of the file's.
    pub limit: Option<u64>,
    /// Labels of all its rules; a rule's own go before them.
    pub labels: Pairs,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// What a rule makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Kind {
    /// Alerts.
    #[default]
    Alert,
    /// A series.
    Record,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it makes.
    pub kind: Kind,
    /// Name of the alert or of the metric.
    pub name: String,
    /// The expression in PromQL, as written.
    pub expr: String,
    /// It is true for so long before the alert fires, in ms.
    pub for_ms: i64,
    /// The alert goes on firing for so long after it is not true any more, in ms.
    pub keep_firing_ms: i64,
    /// Labels that are set, of alerts as templates.
    pub labels: Pairs,
    /// Annotations of alerts, as templates.
    pub annotations: Pairs,
}

impl RuleFile {
    /// Reads a file and checks every expression, name and template in it.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > FILE_BYTES_MAX {
            return Err(Mistake::new(format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20)));
        }
        let file = read::file(text)?;
        let mut names = BTreeSet::new();
        for group in &file.groups {
            if !names.insert(group.name.as_str()) {
                return Err(Mistake::new(format!("the group name \"{}\" is repeated in the same file", group.name)));
            }
        }
        Ok(file)
    }

    /// Writes a file that reads as this one, in Prometheus' usual layout.
    pub fn write(&self) -> String {
        write::file(self)
    }
}

impl Rule {
    /// The labels that the rule sets: those of its group where it has none of the name itself.
    pub fn labels_in(&self, group: &Group) -> Pairs {
        let own = |name: &str| self.labels.iter().any(|(known, _)| known == name);
        let mut all: Pairs = group.labels.iter().filter(|(name, _)| !own(name)).cloned().collect();
        all.extend(self.labels.iter().cloned());
        all
    }

    /// Checks what Prometheus checks of a rule by itself, and what we add.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        if self.expr.trim().is_empty() {
            return Err("field 'expr' must be set in rule".to_owned());
        }
        crate::expression::parse(&self.expr).map_err(|error| format!("could not parse expression: {error}"))?;
        match self.kind {
            Kind::Record => self.check_record(),
            Kind::Alert => self.check_alert(),
        }
    }

    fn check_record(&self) -> Result<(), String> {
        if !self.annotations.is_empty() {
            return Err("invalid field 'annotations' in recording rule".to_owned());
        }
        if self.for_ms != 0 {
            return Err("invalid field 'for' in recording rule".to_owned());
        }
        if self.keep_firing_ms != 0 {
            return Err("invalid field 'keep_firing_for' in recording rule".to_owned());
        }
        if !is_metric_name(&self.name) {
            return Err(format!("invalid recording rule name: {}", self.name));
        }
        check_labels(&self.labels)
    }

    fn check_alert(&self) -> Result<(), String> {
        if self.name.trim().is_empty() {
            return Err("one of 'record' or 'alert' must be set".to_owned());
        }
        check_labels(&self.labels)?;
        if let Some((name, _)) = self.annotations.iter().find(|(name, _)| !is_label_name(name)) {
            return Err(format!("invalid annotation name: {name}"));
        }
        for (what, pairs) in [("label", &self.labels), ("annotation", &self.annotations)] {
            for (name, text) in pairs {
                Template::parse(text).map_err(|wrong| format!("{what} \"{name}\": {wrong}"))?;
            }
        }
        let extras = crate::Extras::of(&self.annotations)?;
        let is_vector = |text: &str| crate::expression::parse(text).map(|expr| expr.value_type());
        if let Some(clear) = &extras.clear
            && is_vector(clear) != Ok(promql::ValueType::Vector)
        {
            return Err("the expression that ends the alert must give series".to_owned());
        }
        Ok(())
    }
}

fn check_labels(labels: &Pairs) -> Result<(), String> {
    match labels.iter().find(|(name, _)| !is_label_name(name) || name == promql::NAME_LABEL) {
        Some((name, _)) => Err(format!("invalid label name: {name}")),
        None => Ok(()),
    }
}

/// Letters, digits and underscores, not beginning with a digit.
fn is_label_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// As a label's name, with colons.
fn is_metric_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
