//! What the answer to an alert's expression leads to: pending, firing, keeping on, ended (prometheus.io, "Alerting
//! rules"), and beyond it an expression that ends the alert, n of m evaluations, and missing data that ends nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use promql::{Labels, NAME_LABEL, Sample};

use crate::expression::base_of;
use crate::template::{Data, Template};
use crate::{Extras, Missing, Pairs};

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// True, not for long enough.
    Pending,
    /// Out.
    Firing,
}

impl Phase {
    /// As Prometheus calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// Its labels, the alert's name among them; no two alerts of a rule have the same.
    pub labels: Labels,
    /// The labels of the series that made it, without the metric's name.
    pub source: Labels,
    /// Its annotations, written out.
    pub annotations: Labels,
    /// The value at the last evaluation at which it was true.
    pub value: f64,
    /// How it stands.
    pub phase: Phase,
    /// Since when it is true, in ms since 1970 UTC.
    pub active_at_ms: i64,
    /// When it fired.
    pub fired_at_ms: Option<i64>,
    /// Since when it is only kept firing.
    pub keeping_since_ms: Option<i64>,
    /// It was not true at the last evaluation, and nothing says that it is over: its series give no value.
    pub unknown: bool,
}

/// A rule with what it is evaluated under.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The alert's name.
    pub name: &'a str,
    /// The expression.
    pub expr: &'a str,
    /// It is true for so long before the alert fires, in ms.
    pub for_ms: i64,
    /// It keeps firing for so long, in ms.
    pub keep_firing_ms: i64,
    /// Labels to set, as templates, those of the group among them.
    pub labels: &'a Pairs,
    /// Annotations, as templates.
    pub annotations: &'a Pairs,
    /// What is beyond Prometheus.
    pub extras: &'a Extras,
    /// Most alerts at a time.
    pub limit: Option<u64>,
    /// The expression is asked so much before the moment, in ms.
    pub offset_ms: i64,
    /// `$externalLabels`.
    pub external_labels: &'a Labels,
    /// `$externalURL`.
    pub external_url: &'a str,
}

/// Answers an expression at a moment.
pub type Ask<'a> = dyn Fn(&str, i64) -> Result<Vec<Sample>, String> + 'a;

/// The alerts of one rule, from one evaluation to the next.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    active: BTreeMap<Labels, Active>,
    windows: BTreeMap<Labels, Window>,
}

/// At which of the last evaluations a series was there.
#[derive(Clone, Debug)]
struct Window {
    hits: VecDeque<bool>,
    last: Sample,
}

impl Alerts {
    /// Goes on where an earlier process stopped.
    pub fn restored(active: impl IntoIterator<Item = Active>) -> Self {
        let active = active.into_iter().map(|one| (one.labels.clone(), one)).collect();
        Self { active, windows: BTreeMap::new() }
    }

    /// The alerts that are pending or firing, in order of their labels.
    pub fn active(&self) -> impl Iterator<Item = &Active> {
        self.active.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.active.len()
    }

    /// True without alerts.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Evaluates the rule once; answers the alerts that ended with it.
    ///
    /// # Errors
    /// In words, with nothing changed: the expression has no answer, there are too many alerts, or two are the same.
    pub fn evaluate(&mut self, rule: &Watched<'_>, at_ms: i64, ask: &Ask<'_>) -> Result<Vec<Active>, String> {
        let asked_ms = at_ms.saturating_sub(rule.offset_ms);
        let vector = self.often_enough(rule.extras.fire, ask(rule.expr, asked_ms)?);
        within(rule.limit, &vector)?;
        let found = found(rule, vector, at_ms, ask)?;
        let over = self.over(rule, &found, asked_ms, ask)?;
        for (labels, new) in found {
            match self.active.get_mut(&labels) {
                Some(known) => {
                    (known.value, known.annotations, known.source) = (new.value, new.annotations, new.source);
                    (known.keeping_since_ms, known.unknown) = (None, false);
                }
                None => drop(self.active.insert(labels.clone(), new)),
            }
            if let Some(alert) = self.active.get_mut(&labels)
                && alert.phase == Phase::Pending
                && at_ms.saturating_sub(alert.active_at_ms) >= rule.for_ms
            {
                (alert.phase, alert.fired_at_ms) = (Phase::Firing, Some(at_ms));
            }
        }
        Ok(self.end(rule, over, at_ms))
    }

    /// Of n of m: which series were there often enough, with their newest values.
    fn often_enough(&mut self, (n, m): (usize, usize), vector: Vec<Sample>) -> Vec<Sample> {
        if m <= 1 {
            return vector;
        }
        let here: BTreeMap<Labels, Sample> = vector.into_iter().map(|one| (one.labels.clone(), one)).collect();
        for (labels, sample) in &here {
            let fresh = || Window { hits: VecDeque::new(), last: sample.clone() };
            self.windows.entry(labels.clone()).or_insert_with(fresh).last = sample.clone();
        }
        for (labels, window) in &mut self.windows {
            window.hits.push_back(here.contains_key(labels));
            if window.hits.len() > m {
                window.hits.pop_front();
            }
        }
        self.windows.retain(|_, window| window.hits.contains(&true));
        let enough = |window: &&Window| window.hits.iter().filter(|hit| **hit).count() >= n;
        self.windows.values().filter(enough).map(|window| window.last.clone()).collect()
    }

    /// The alerts that are not true any more: whether each is over, or whether nothing is known.
    fn over(
        &self,
        rule: &Watched<'_>,
        found: &BTreeMap<Labels, Active>,
        asked_ms: i64,
        ask: &Ask<'_>,
    ) -> Result<Vec<(Labels, Over)>, String> {
        let gone: Vec<&Active> = self.active.values().filter(|one| !found.contains_key(&one.labels)).collect();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let bare = |all: Vec<Sample>| all.iter().map(|one| one.labels.without_name()).collect::<BTreeSet<_>>();
        let firing = gone.iter().any(|one| one.phase == Phase::Firing);
        let clear = rule.extras.clear.as_ref().filter(|_| firing);
        let cleared = clear.map(|clear| ask(clear, asked_ms)).transpose()?.map(bare);
        // The series themselves, whatever their values: what is not among them is not known to be well.
        let keeps = rule.extras.missing == Missing::Keep;
        let base = crate::parse_expression(rule.expr).ok().as_ref().and_then(base_of).map(ToString::to_string);
        let there = base.filter(|_| keeps).map(|base| ask(&base, asked_ms)).transpose()?.map(bare);
        let judge = |one: &Active| match (&cleared, &there) {
            (Some(cleared), there) if one.phase == Phase::Firing => match ends(cleared, &one.source) {
                true => Over::Yes,
                false if there.as_ref().is_some_and(|there| !there.contains(&one.source)) => Over::Unknown,
                false => Over::NotYet,
            },
            (_, Some(there)) if !there.contains(&one.source) => Over::Unknown,
            _ => Over::Yes,
        };
        Ok(gone.into_iter().map(|one| (one.labels.clone(), judge(one))).collect())
    }

    fn end(&mut self, rule: &Watched<'_>, over: Vec<(Labels, Over)>, at_ms: i64) -> Vec<Active> {
        let mut ended = Vec::new();
        for (labels, over) in over {
            let Some(alert) = self.active.get_mut(&labels) else { continue };
            alert.unknown = over == Over::Unknown;
            if over != Over::Yes {
                continue;
            }
            if alert.phase == Phase::Firing && rule.keep_firing_ms > 0 {
                let since = *alert.keeping_since_ms.get_or_insert(at_ms);
                if at_ms.saturating_sub(since) < rule.keep_firing_ms {
                    continue;
                }
            }
            ended.extend(self.active.remove(&labels));
        }
        ended
    }

    /// The series `ALERTS` and `ALERTS_FOR_STATE` at this moment.
    pub fn series(&self) -> Vec<(Labels, f64)> {
        let both = |one: &Active| {
            let state = one.labels.with(NAME_LABEL, "ALERTS").with("alertstate", one.phase.as_str());
            let since = one.labels.with(NAME_LABEL, "ALERTS_FOR_STATE");
            [(state, 1.0), (since, one.active_at_ms.div_euclid(1_000) as f64)]
        };
        self.active.values().flat_map(both).collect()
    }
}

/// What became of an alert that is not true any more.
#[derive(Clone, Copy, PartialEq)]
enum Over {
    Yes,
    /// The expression that ends it does not say so.
    NotYet,
    /// Its series give no value.
    Unknown,
}

/// An answer ends the alerts whose labels agree with its own.
fn ends(cleared: &BTreeSet<Labels>, source: &Labels) -> bool {
    let agrees = |one: &Labels| one.iter().all(|(name, value)| source.get(name) == Some(value));
    cleared.contains(source) || cleared.iter().any(agrees)
}

/// Refuses more alerts than there may be, and names the label that makes them so many.
fn within(limit: Option<u64>, vector: &[Sample]) -> Result<(), String> {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| vector.len() > *limit) else {
        return Ok(());
    };
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in vector.iter().flat_map(|one| one.labels.iter()) {
        values.entry(name).or_default().insert(value);
    }
    let most = values.iter().max_by_key(|(_, values)| values.len());
    let offender = most.map(|(name, values)| format!("; the label \"{name}\" has {} values", values.len()));
    Err(format!("exceeded limit of {limit} with {} alerts{}", vector.len(), offender.unwrap_or_default()))
}

/// The alerts that the samples make.
fn found(
    rule: &Watched<'_>,
    vector: Vec<Sample>,
    at_ms: i64,
    ask: &Ask<'_>,
) -> Result<BTreeMap<Labels, Active>, String> {
    let query = |text: &str| ask(text, at_ms);
    let mut found = BTreeMap::new();
    for sample in vector {
        let data = Data {
            labels: &sample.labels,
            value: sample.value,
            external_labels: rule.external_labels,
            external_url: rule.external_url,
            now_ms: at_ms,
            query: &query,
        };
        let source = sample.labels.without_name();
        let own = rule.labels.iter().map(|(name, text)| (name.clone(), Template::expanded(text, &data)));
        let named = std::iter::once(("alertname".to_owned(), rule.name.to_owned()));
        let kept = source.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels = Labels::from_pairs(kept.chain(own).chain(named));
        let annotations = rule.annotations.iter().filter(|(name, _)| !name.starts_with(crate::PREFIX));
        let annotations = annotations.map(|(name, text)| (name.as_str(), Template::expanded(text, &data)));
        let alert = Active {
            labels: labels.clone(),
            annotations: Labels::from_pairs(annotations),
            source,
            value: sample.value,
            phase: Phase::Pending,
            active_at_ms: at_ms,
            fired_at_ms: None,
            keeping_since_ms: None,
            unknown: false,
        };
        if found.insert(labels, alert).is_some() {
            return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
