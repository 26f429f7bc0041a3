//! What the answer to an alert's expression leads to: pending, firing, keeping on, ended (prometheus.io, "Alerting
//! rules"), and beyond it an expression that ends the alert, n of m evaluations, and missing data that ends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use promql::{Labels, NAME_LABEL, Sample};

use crate::expression::parts_of;
use crate::{Extras, Missing, Pairs, Part};

mod basis;
mod found;
mod window;

use basis::{Basis, Tie};
use found::{found, within};
use window::Windows;

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
    /// When it was true last, and what it was made of then.
    tie: Tie,
}

impl Active {
    /// One that an earlier process left behind: its value is the one it had when it last changed, and no more is known of it
    /// until the next evaluation.
    pub fn kept(labels: Labels, source: Labels, (phase, value): (Phase, f64), since: Since) -> Self {
        Self {
            labels,
            source,
            annotations: Labels::empty(),
            value,
            phase,
            active_at_ms: since.active_at_ms,
            fired_at_ms: since.fired_at_ms,
            keeping_since_ms: since.keeping_since_ms,
            unknown: true,
            // It was true when it began, and when it fired.
            tie: Tie::at(since.fired_at_ms.unwrap_or(since.active_at_ms)),
        }
    }
}

/// The times of an alert, in ms since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Since when it is true.
    pub active_at_ms: i64,
    /// When it fired.
    pub fired_at_ms: Option<i64>,
    /// Since when it is only kept firing.
    pub keeping_since_ms: Option<i64>,
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
    windows: Windows,
    /// The expression, and what it is made of.
    parts: Option<(String, Arc<[Part]>)>,
}

impl Alerts {
    /// Goes on where an earlier process stopped.
    pub fn restored(active: impl IntoIterator<Item = Active>) -> Self {
        let active = active.into_iter().map(|one| (one.labels.clone(), one)).collect();
        Self { active, ..Self::default() }
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

    /// Lets go of an alert of which nothing is known, because somebody decided so; true if there was one.
    pub fn dismiss(&mut self, labels: &Labels) -> bool {
        let unknown = self.active.get(labels).is_some_and(|one| one.unknown);
        unknown && self.active.remove(labels).is_some()
    }

    /// What the evaluations said that an earlier process made: asked once more at their moments, oldest first, for the
    /// windows of n of m.
    ///
    /// # Errors
    /// In words, with nothing changed: the expression has no answer.
    pub fn recall(&mut self, rule: &Watched<'_>, moments_ms: &[i64], ask: &Ask<'_>) -> Result<(), String> {
        let (_, m) = rule.extras.fire;
        let parts = self.parts(rule);
        let mut windows = Windows::default();
        for one in self.active.values() {
            windows.expect(&one.source, &one.tie);
        }
        for at_ms in moments_ms {
            let asked_ms = at_ms.saturating_sub(rule.offset_ms);
            let mut basis = Basis::new(&parts, ask, asked_ms);
            let keeps = rule.extras.missing == Missing::Keep;
            windows.turn(m, ask(rule.expr, asked_ms)?, asked_ms, keeps.then_some(&mut basis))?;
        }
        self.windows = windows;
        Ok(())
    }

    /// Evaluates the rule once; answers the alerts that ended with it.
    ///
    /// # Errors
    /// In words, with nothing changed: the expression has no answer, there are too many alerts, or two are the same.
    pub fn evaluate(&mut self, rule: &Watched<'_>, at_ms: i64, ask: &Ask<'_>) -> Result<Vec<Active>, String> {
        let asked_ms = at_ms.saturating_sub(rule.offset_ms);
        let parts = self.parts(rule);
        let mut basis = Basis::new(&parts, ask, asked_ms);
        let (vector, windows) = self.often_enough(rule, ask(rule.expr, asked_ms)?, asked_ms, &mut basis)?;
        within(rule.limit, &vector)?;
        let mut found = found(rule, vector, (at_ms, asked_ms), ask)?;
        // Of n of m it may be an earlier evaluation at which it was true.
        for new in found.values_mut() {
            new.tie = windows.tie(&new.source).unwrap_or_else(|| Tie::at(asked_ms));
        }
        let over = self.over(rule, &found, &windows, &mut basis, asked_ms)?;
        self.windows = windows;
        for (labels, new) in found {
            match self.active.get_mut(&labels) {
                Some(known) => {
                    (known.value, known.annotations, known.source) = (new.value, new.annotations, new.source);
                    (known.keeping_since_ms, known.unknown, known.tie) = (None, false, new.tie);
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
        let ended = self.end(rule, over, at_ms);
        let sources = self.active.values().map(|one| one.source.clone()).collect();
        self.windows.forget(&sources);
        Ok(ended)
    }

    /// What the expression is made of, read again when it is another one.
    fn parts(&mut self, rule: &Watched<'_>) -> Arc<[Part]> {
        match &self.parts {
            Some((expr, parts)) if expr == rule.expr => parts.clone(),
            known => {
                if known.is_some() {
                    self.active.values_mut().for_each(|one| one.tie.loosen());
                    self.windows.loosen();
                }
                let parts = crate::parse_expression(rule.expr).map(|expr| parts_of(&expr)).unwrap_or_default();
                let parts: Arc<[Part]> = parts.into();
                self.parts = Some((rule.expr.to_owned(), parts.clone()));
                parts
            }
        }
    }

    /// Of n of m: which series were there often enough, with their newest values.
    fn often_enough(
        &self,
        rule: &Watched<'_>,
        vector: Vec<Sample>,
        asked_ms: i64,
        basis: &mut Basis<'_>,
    ) -> Result<(Vec<Sample>, Windows), String> {
        let (n, m) = rule.extras.fire;
        if m <= 1 {
            return Ok((vector, Windows::default()));
        }
        let mut windows = self.windows.clone();
        for one in self.active.values() {
            windows.expect(&one.source, &one.tie);
        }
        windows.turn(m, vector, asked_ms, (rule.extras.missing == Missing::Keep).then_some(basis))?;
        Ok((windows.often_enough(n), windows))
    }

    /// The alerts that are not true any more: whether each is over, or whether nothing is known.
    fn over(
        &mut self,
        rule: &Watched<'_>,
        found: &BTreeMap<Labels, Active>,
        windows: &Windows,
        basis: &mut Basis<'_>,
        asked_ms: i64,
    ) -> Result<Vec<(Labels, Over)>, String> {
        let mut gone: Vec<&mut Active> =
            self.active.values_mut().filter(|one| !found.contains_key(&one.labels)).collect();
        let firing = gone.iter().any(|one| one.phase == Phase::Firing);
        let clear = rule.extras.clear.as_ref().filter(|_| firing);
        let bare = |all: Vec<Sample>| all.iter().map(|one| one.labels.without_name()).collect::<BTreeSet<_>>();
        let cleared = clear.map(|clear| basis.ask(clear, asked_ms)).transpose()?.map(bare);
        let keeps = rule.extras.missing == Missing::Keep;
        let mut out = Vec::with_capacity(gone.len());
        for one in &mut gone {
            let cleared = cleared.as_ref().filter(|_| one.phase == Phase::Firing);
            let over = if cleared.is_some_and(|cleared| ends(cleared, &one.source)) {
                Over::Yes
            } else if (keeps || cleared.is_some()) && basis.lost(&one.source, &mut one.tie)? {
                if keeps { Over::Unknown } else { Over::Yes }
            } else if cleared.is_some() || (rule.extras.fire.1 > 1 && windows.may_hold(&one.source, rule.extras.fire)) {
                Over::NotYet
            } else {
                Over::Yes
            };
            out.push((one.labels.clone(), over));
        }
        Ok(out)
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
    /// The expression that ends it does not say so, or too few evaluations do.
    NotYet,
    /// Its series give no value.
    Unknown,
}

/// An answer ends the alerts whose labels agree with its own.
fn ends(cleared: &BTreeSet<Labels>, source: &Labels) -> bool {
    let agrees = |one: &Labels| one.iter().all(|(name, value)| source.get(name) == Some(value));
    cleared.contains(source) || cleared.iter().any(agrees)
}

#[cfg(test)]
mod tests;
