//! Operators between the series of two vectors that find each other by labels.

use crate::error::EvalError;
use crate::eval::binary::{arithmetic, compare};
use crate::eval::group::{Choice, Numbers};
use crate::eval::{ABSENT, Cx, Grid, Result, Series, Vector, is_absent};
use crate::expr::{Binary, Cardinality, Matching};
use crate::guard::Charge;
use crate::labels::{Labels, is_metadata};
use std::collections::HashMap;

/// The series of both sides that have the matching labels in common.
#[derive(Default)]
struct Group {
    many: Vec<Series>,
    one: Vec<Series>,
}

impl Cx<'_> {
    pub(crate) fn matched(
        &self,
        binary: &Binary,
        left: Vector,
        right: Vector,
        matching: &Matching,
        grid: Grid,
    ) -> Result<Vector> {
        let swapped = matching.card == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let choice = Choice::new(&matching.labels, matching.on);
        let (fill_many, fill_one) =
            if swapped { (matching.fill_right, matching.fill_left) } else { (matching.fill_left, matching.fill_right) };
        let fills = fill_many.is_some() || fill_one.is_some();
        let both = if fills { vec![true; grid.steps] } else { both_there(&many, &one, grid) };
        let (mut groups, mut rooms) = gather(many, one, &choice, fills);
        self.check_one(&groups, &both, matching, &choice)?;
        if fills {
            rooms.0.absorb(self.room(groups.len().saturating_mul(2), grid)?);
            groups.iter_mut().for_each(|group| group.fill(fill_many, fill_one, &choice, grid));
        }
        let pairs: usize = groups.iter().map(|group| group.many.len().saturating_mul(group.one.len())).sum();
        let room = self.room(pairs, grid)?;
        let size = pairs.saturating_mul(grid.steps);
        let delayed = self.options.delayed_names;
        let matcher = Matcher { binary, matching, swapped, steps: grid.steps, delayed };
        let found = self.each(groups, size, |group| {
            let series = matcher.combine(&group)?;
            // Labels that were copied along may be long.
            let room = self.guard.charge(series.iter().map(|one| one.labels.bytes()).sum())?;
            Ok((series, room))
        })?;
        let mut result = Vector { series: Vec::with_capacity(pairs), room };
        for (mut series, room) in found {
            result.series.append(&mut series);
            result.room.absorb(room);
        }
        result.merged()
    }

    /// Fails if two series of the "one" side have the same matching labels at one step.
    fn check_one(&self, groups: &[Group], both: &[bool], matching: &Matching, choice: &Choice<'_>) -> Result<()> {
        for group in groups.iter().filter(|group| group.one.len() > 1) {
            self.guard.check()?;
            for (step, _) in both.iter().enumerate().filter(|(_, both)| **both) {
                let mut there = group.one.iter().filter(|one| one.values.get(step).is_some_and(|v| !is_absent(*v)));
                let (Some(first), Some(second)) = (there.next(), there.next()) else { continue };
                let side = if matching.card == Cardinality::OneToMany { "left" } else { "right" };
                let (low, high) =
                    (first.labels.clone().min(second.labels.clone()), first.labels.clone().max(second.labels.clone()));
                return Err(EvalError::Invalid(format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{low}, \
                     {high}];many-to-many matching not allowed: matching labels must be unique on one side",
                    choice.labels(&first.labels)
                )));
            }
        }
        Ok(())
    }
}

/// The steps at which both sides have any value: elsewhere Prometheus does not look for mistakes.
fn both_there(many: &Vector, one: &Vector, grid: Grid) -> Vec<bool> {
    let there = |vector: &Vector| {
        let mut there = vec![false; grid.steps];
        for series in &vector.series {
            there.iter_mut().zip(&series.values).for_each(|(there, value)| *there |= !is_absent(*value));
        }
        there
    };
    there(many).into_iter().zip(there(one)).map(|(many, one)| many && one).collect()
}

/// Groups with series on either side; the memory of both vectors stays taken.
fn gather(many: Vector, one: Vector, choice: &Choice<'_>, lonely: bool) -> (Vec<Group>, (Charge, Charge)) {
    let mut numbers = Numbers::default();
    let mut groups: Vec<Group> = Vec::new();
    for series in one.series {
        let number = numbers.number(choice, &series.labels);
        if groups.len() <= number {
            groups.resize_with(number + 1, Group::default);
        }
        if let Some(group) = groups.get_mut(number) {
            group.one.push(series);
        }
    }
    for series in many.series {
        let number = match numbers.find(choice, &series.labels) {
            None if lonely => numbers.number(choice, &series.labels),
            None => continue,
            Some(number) => number,
        };
        if groups.len() <= number {
            groups.resize_with(number + 1, Group::default);
        }
        if let Some(group) = groups.get_mut(number) {
            group.many.push(series);
        }
    }
    (groups, (many.room, one.room))
}

impl Group {
    /// Adds a series to each side that stands for what is missing there where the other side has something.
    fn fill(&mut self, many: Option<f64>, one: Option<f64>, choice: &Choice<'_>, grid: Grid) {
        let Some(any) = self.many.first().or(self.one.first()) else { return };
        let labels = choice.labels(&any.labels);
        let there = |side: &[Series], step: usize| {
            side.iter().any(|series| series.values.get(step).is_some_and(|value| !is_absent(*value)))
        };
        let missing = |side: &[Series], other: &[Series], value: Option<f64>| {
            let value = value?;
            let at = |step| if there(other, step) && !there(side, step) { value } else { ABSENT };
            Some(Series::new(labels.clone(), (0..grid.steps).map(at).collect()))
        };
        let filled_many = missing(&self.many, &self.one, many);
        let filled_one = missing(&self.one, &self.many, one);
        self.many.extend(filled_many);
        self.one.extend(filled_one);
    }
}

struct Matcher<'a> {
    binary: &'a Binary,
    matching: &'a Matching,
    swapped: bool,
    steps: usize,
    delayed: bool,
}

impl Matcher<'_> {
    fn combine(&self, group: &Group) -> Result<Vec<Series>> {
        let one_to_one = self.matching.card == Cardinality::OneToOne;
        let mut results = Vec::new();
        // Where a result was made already, whether or not a comparison let it through.
        let mut taken: HashMap<Option<Labels>, Vec<bool>> = HashMap::new();
        for many in &group.many {
            for one in &group.one {
                let labels = self.labels(&many.labels, &one.labels);
                if group.many.len() > 1 {
                    let key = if one_to_one { None } else { Some(labels.clone()) };
                    let taken = taken.entry(key).or_insert_with(|| vec![false; self.steps]);
                    self.take(taken, many, one, one_to_one)?;
                }
                let nameless = many.nameless || self.binary.returns_bool;
                let series = Series { labels, values: self.values(many, one), nameless };
                if series.has_any() {
                    results.push(series);
                }
            }
        }
        Ok(results)
    }

    fn take(&self, taken: &mut [bool], many: &Series, one: &Series, one_to_one: bool) -> Result<()> {
        for (taken, (many, one)) in taken.iter_mut().zip(many.values.iter().zip(&one.values)) {
            if is_absent(*many) || is_absent(*one) {
                continue;
            }
            if *taken {
                let message = if one_to_one {
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                } else {
                    "multiple matches for labels: grouping labels must ensure unique matches"
                };
                return Err(EvalError::Invalid(message.to_owned()));
            }
            *taken = true;
        }
        Ok(())
    }

    fn values(&self, many: &Series, one: &Series) -> Vec<f64> {
        let op = self.binary.op;
        let pair = |(many, one): (&f64, &f64)| {
            if is_absent(*many) || is_absent(*one) {
                return ABSENT;
            }
            let (left, right) = if self.swapped { (*one, *many) } else { (*many, *one) };
            match compare(op, left, right) {
                None => arithmetic(op, left, right),
                Some(yes) if self.binary.returns_bool => f64::from(u8::from(yes)),
                Some(true) => left,
                Some(false) => ABSENT,
            }
        };
        many.values.iter().zip(&one.values).map(pair).collect()
    }

    /// The labels of a result.
    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let Matching { on, labels, card, include, .. } = self.matching;
        let nameless = (self.binary.returns_bool && !self.delayed) || !self.binary.op.is_comparison();
        let named = |name: &str| !(nameless && is_metadata(name));
        let result = match card {
            Cardinality::OneToOne => many.filtered(|name| named(name) && labels.iter().any(|one| one == name) == *on),
            _ => many.filtered(named),
        };
        include.iter().fold(result, |result, name| result.with(name, one.get(name).unwrap_or_default()))
    }
}
