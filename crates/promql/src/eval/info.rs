//! `info`: labels that describe a thing, taken from the series that hold them. An experiment of Prometheus, which takes
//! `instance` and `job` for what identifies a thing and `target_info` for what describes it.

use crate::error::EvalError;
use crate::eval::call::arg;
use crate::eval::group::{Choice, Numbers};
use crate::eval::{ABSENT, Around, Cx, Grid, Result, Series, Vector, internal, is_absent};
use crate::expr::{Call, Edges, ExprKind, Selector, When};
use crate::labels::{Labels, NAME_LABEL};
use crate::matcher::{MatchOp, Matcher};
use std::collections::BTreeMap;

const IDENTIFYING: [&str; 2] = ["instance", "job"];
const DEFAULT_INFO: &str = "target_info";

/// A series of labels: where it has a value, its time says which of two is newer.
struct Described {
    labels: Labels,
    times: Vec<f64>,
}

impl Cx<'_> {
    pub(crate) fn info(&self, call: &Call, grid: Grid) -> Result<Vector> {
        let base = self.vector(arg(call, 0)?, grid)?;
        let (given, own): (&[Matcher], When) = match call.args.get(1).map(|arg| &arg.kind) {
            Some(ExprKind::Selector(selector)) => (&selector.matchers, selector.when),
            _ => (&[], When::default()),
        };
        // Descriptions are read when the first selector reads, unless they say themselves when.
        let of_base = arg(call, 0)?.selectors().first().map(|one| one.selector.when).unwrap_or_default();
        let when = if own == When::default() { of_base } else { own };
        let (names, data): (Vec<Matcher>, Vec<Matcher>) =
            given.iter().cloned().partition(|matcher| matcher.name() == NAME_LABEL);
        let names = info_names(names)?;
        let identifying = IDENTIFYING.map(str::to_owned);
        let choice = Choice::new(&identifying, true);
        let mut numbers = Numbers::default();
        let matchers = names.iter().chain(&data).cloned().collect();
        let groups = self.described(matchers, when, grid, &choice, &mut numbers)?;
        let Vector { series, room } = base;
        let mut result = Vector { series: Vec::with_capacity(series.len()), room };
        for series in series {
            self.guard.check()?;
            if names.iter().all(|matcher| matcher.matches(&series.labels)) {
                result.series.push(series);
                continue;
            }
            let group = numbers.find(&choice, &series.labels).and_then(|number| groups.get(number));
            let described = group.map(Vec::as_slice).unwrap_or_default();
            for (labels, values) in enriched(&series, described, &data)? {
                result.room.grow(labels.bytes().saturating_add(values.len().saturating_mul(8)))?;
                result.series.push(Series { labels, values, nameless: series.nameless });
            }
        }
        result.merged()
    }

    /// The series that describe, by what they identify.
    fn described(
        &self,
        matchers: Vec<Matcher>,
        when: When,
        grid: Grid,
        choice: &Choice<'_>,
        numbers: &mut Numbers,
    ) -> Result<Vec<Vec<Described>>> {
        let selector = Selector { name: None, matchers, edges: Edges::Plain, when };
        let vector = self.latest(&selector, grid, Around { function: "info", grouping: None }, true)?;
        let mut groups: Vec<Vec<Described>> = Vec::new();
        for series in vector.series {
            let number = numbers.number(choice, &series.labels);
            if groups.len() <= number {
                groups.resize_with(number + 1, Vec::new);
            }
            let group = groups.get_mut(number).ok_or_else(|| internal("a group is missing"))?;
            group.push(Described { labels: series.labels, times: series.values });
        }
        Ok(groups)
    }
}

/// Which metrics describe: those named, or all that end in `_info` if names are only refused, or the default.
fn info_names(mut names: Vec<Matcher>) -> Result<Vec<Matcher>> {
    if names.is_empty() {
        names.push(Matcher::equal(NAME_LABEL, DEFAULT_INFO));
    } else if names.iter().all(|matcher| matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex)) {
        names.push(Matcher::new(NAME_LABEL, MatchOp::Regex, ".+_info").map_err(EvalError::Invalid)?);
    }
    Ok(names)
}

/// A series with the labels of what describes it at each step; series whose labels change become several.
fn enriched(series: &Series, described: &[Described], data: &[Matcher]) -> Result<BTreeMap<Labels, Vec<f64>>> {
    let needed = data.iter().any(|matcher| !matcher.accepts(""));
    let mut results: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    let mut known: BTreeMap<Vec<usize>, Labels> = BTreeMap::new();
    for (step, value) in series.values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
        let chosen = newest(described, step);
        if chosen.is_empty() && needed {
            continue;
        }
        let labels = match known.get(&chosen) {
            Some(labels) => labels.clone(),
            None => {
                let labels = union(&series.labels, described, &chosen, data)?;
                known.insert(chosen, labels.clone());
                labels
            }
        };
        let column = results.entry(labels).or_insert_with(|| vec![ABSENT; series.values.len()]);
        column.iter_mut().skip(step).take(1).for_each(|one| *one = *value);
    }
    Ok(results)
}

/// Of each metric that describes at this step, the series with the newest sample.
fn newest(described: &[Described], step: usize) -> Vec<usize> {
    let mut best: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (place, one) in described.iter().enumerate() {
        let Some(time) = one.times.get(step).copied().filter(|time| !is_absent(*time)) else { continue };
        let entry = best.entry(one.labels.metric()).or_insert((time, place));
        if time > entry.0 {
            *entry = (time, place);
        }
    }
    best.into_values().map(|(_, place)| place).collect()
}

fn union(base: &Labels, described: &[Described], chosen: &[usize], data: &[Matcher]) -> Result<Labels> {
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    for one in chosen.iter().filter_map(|place| described.get(*place)) {
        for (name, value) in one.labels.iter() {
            let wanted = data.is_empty() || data.iter().any(|matcher| matcher.name() == name);
            let own = name == NAME_LABEL || IDENTIFYING.contains(&name) || base.get(name).is_some();
            if !wanted || own {
                continue;
            }
            if added.insert(name, value).is_some_and(|other| other != value) {
                return Err(EvalError::Invalid(format!("conflicting label: {name}")));
            }
        }
    }
    Ok(Labels::from_pairs(base.iter().chain(added)))
}
