//! Aggregations that choose series or count values.

use crate::error::EvalError;
use crate::eval::group::{Choice, grouped, members};
use crate::eval::sort::nan_last;
use crate::eval::{ABSENT, Around, Column, Cx, Grid, Result, Series, Vector, internal, is_absent};
use crate::expr::{Aggregate, AggregateOp, Expr, ExprKind};
use crate::labels::Labels;
use crate::number::{format_float, format_plain, quote, quote_bytes};
use std::collections::BTreeMap;

impl Cx<'_> {
    /// `topk`, `bottomk`, `limitk` and `limit_ratio`.
    pub(crate) fn ranked(&self, aggregate: &Aggregate, grid: Grid) -> Result<Vector> {
        let Some(param) = &aggregate.param else { return Err(internal("no parameter")) };
        let op = aggregate.op;
        let limit = self.scalar(param, grid)?;
        let limit = if op == AggregateOp::LimitRatio { self.ratio(limit, param)? } else { check_count(limit)? };
        let around = Around { function: op.name(), grouping: Some(&aggregate.grouping) };
        let vector = self.vector_within(&aggregate.expr, grid, around)?;
        let (of, labels) = grouped(&vector.series, &Choice::of(&aggregate.grouping));
        let Vector { series, room } = vector;
        let mut result = Vec::with_capacity(series.len());
        for group in members(series, &of, labels.len()) {
            result.extend(self.choose(group, op, &limit, grid)?);
        }
        Ok(Vector { series: result, room })
    }

    /// The series of a group, with values only where they are chosen; the best first if there is one step.
    fn choose(&self, mut group: Vec<Series>, op: AggregateOp, limit: &Column, grid: Grid) -> Result<Vec<Series>> {
        if op == AggregateOp::LimitRatio {
            for series in &mut group {
                let place = spread(&series.labels);
                let kept = |ratio: f64| if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio };
                for (step, value) in series.values.iter_mut().enumerate() {
                    *value = if kept(limit.at(step)) { *value } else { ABSENT };
                }
            }
            group.retain(Series::has_any);
            return Ok(group);
        }
        let mut ranks: Vec<(f64, usize)> = Vec::with_capacity(group.len());
        for step in 0..grid.steps {
            self.guard.check()?;
            let count = limit.at(step);
            let count = if count < 1.0 { 0 } else { (count as usize).min(group.len()) };
            ranks.clear();
            let values = group.iter().enumerate().filter_map(|(at, one)| Some((one.values.get(step).copied()?, at)));
            ranks.extend(values.filter(|(value, _)| !is_absent(*value)));
            rank(&mut ranks, op, count);
            for (_, at) in ranks.get(count.min(ranks.len())..).unwrap_or_default() {
                let value = group.get_mut(*at).and_then(|series| series.values.get_mut(step));
                value.into_iter().for_each(|value| *value = ABSENT);
            }
        }
        if grid.steps == 1 {
            let mut places = vec![usize::MAX; group.len()];
            for (place, (_, at)) in ranks.iter().enumerate() {
                places.iter_mut().skip(*at).take(1).for_each(|one| *one = place);
            }
            let mut placed: Vec<(usize, Series)> = places.into_iter().zip(group).collect();
            placed.sort_by_key(|(place, _)| *place);
            group = placed.into_iter().map(|(_, series)| series).collect();
        }
        group.retain(Series::has_any);
        Ok(group)
    }

    /// The ratios within -1 and 1; a warning if some are not.
    fn ratio(&self, ratio: Column, param: &Expr) -> Result<Column> {
        if ratio.distinct().iter().any(|value| value.is_nan()) {
            return Err(EvalError::Invalid("Ratio value is NaN".to_owned()));
        }
        if let Some(wrong) = ratio.distinct().iter().find(|value| value.abs() > 1.0) {
            let capped = format_float(wrong.clamp(-1.0, 1.0));
            let wrong = format_float(*wrong);
            self.warn(param.span, &format!("ratio value should be between -1 and 1, got {wrong}, capping to {capped}"));
        }
        Ok(ratio.map(|value| value.clamp(-1.0, 1.0)))
    }

    pub(crate) fn count_values(&self, aggregate: &Aggregate, grid: Grid) -> Result<Vector> {
        let Some(param) = &aggregate.param else { return Err(internal("no label")) };
        let label = self.string(param, grid)?;
        let raw = match &param.bare().kind {
            ExprKind::Text(text) => text.raw.as_deref(),
            _ => None,
        };
        if raw.is_some() || label.is_empty() {
            let name = raw.map_or_else(|| quote(&label), quote_bytes);
            return Err(EvalError::Invalid(format!("invalid label name {name}")));
        }
        let around = Around { function: aggregate.op.name(), grouping: Some(&aggregate.grouping) };
        let vector = self.vector_within(&aggregate.expr, grid, around)?;
        let (of, labels) = grouped(&vector.series, &Choice::of(&aggregate.grouping));
        let mut room = self.guard.charge(0)?;
        // By the value's bits, all NaN being one.
        let mut counts: BTreeMap<(usize, u64), Vec<f64>> = BTreeMap::new();
        for (series, group) in vector.series.iter().zip(&of) {
            self.guard.check()?;
            for (step, value) in series.values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
                let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
                let column = counts.entry((*group, bits)).or_default();
                if column.is_empty() {
                    room.grow(grid.steps.saturating_mul(8).saturating_add(320))?;
                    column.resize(grid.steps, ABSENT);
                }
                column.iter_mut().skip(step).take(1).for_each(|count| {
                    *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
                });
            }
        }
        let hidden = aggregate.grouping.without && aggregate.grouping.labels.contains(&label);
        let series = counts.into_iter().map(|((group, bits), values)| {
            let (group, nameless) =
                labels.get(group).map_or((Labels::empty(), false), |group| (group.labels.clone(), group.nameless));
            let value = if hidden { String::new() } else { format_plain(f64::from_bits(bits)) };
            Series { labels: group.with(&label, &value), values, nameless }
        });
        Vector { series: series.collect(), room }.summed()
    }
}

impl Vector {
    /// Puts counts with the same labels together: an overwritten label may have told groups apart.
    fn summed(self) -> Result<Self> {
        let mut all: BTreeMap<(Labels, bool), Vec<f64>> = BTreeMap::new();
        for series in self.series {
            let key = (series.labels, series.nameless);
            match all.get_mut(&key) {
                None => drop(all.insert(key, series.values)),
                Some(into) => {
                    for (into, from) in into.iter_mut().zip(series.values).filter(|(_, from)| !is_absent(*from)) {
                        *into = if is_absent(*into) { from } else { *into + from };
                    }
                }
            }
        }
        let series = all.into_iter().map(|((labels, nameless), values)| Series { labels, values, nameless });
        let series = series.collect();
        Ok(Self { series, room: self.room })
    }
}

/// Puts the chosen ones first, the best of them at the front.
fn rank(ranks: &mut [(f64, usize)], op: AggregateOp, count: usize) {
    if op == AggregateOp::LimitK {
        return;
    }
    let down = op == AggregateOp::TopK;
    let order = |a: &(f64, usize), b: &(f64, usize)| nan_last(a.0, b.0, down).then(a.1.cmp(&b.1));
    if let Some(last) = count.checked_sub(1).filter(|last| *last < ranks.len()) {
        ranks.select_nth_unstable_by(last, order);
    }
    ranks.get_mut(..count.min(ranks.len())).unwrap_or_default().sort_unstable_by(order);
}

fn check_count(limit: Column) -> Result<Column> {
    let wrong = |message: String| Err(EvalError::Invalid(message));
    for value in limit.distinct() {
        if value.is_nan() {
            return wrong("Parameter value is NaN".to_owned());
        }
        if *value >= i64::MAX as f64 {
            return wrong(format!("Scalar value {} overflows int64", format_float(*value)));
        }
        if *value <= i64::MIN as f64 {
            return wrong(format!("Scalar value {} underflows int64", format_float(*value)));
        }
    }
    Ok(limit)
}

/// A number from zero to one that depends on the labels alone (FNV-1a, mixed).
fn spread(labels: &Labels) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in labels.iter().flat_map(|(name, value)| name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (hash ^ (hash >> 33)) as f64 / u64::MAX as f64
}
