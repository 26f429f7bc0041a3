//! Aggregations: a group of series becomes one.

use crate::eval::group::{Choice, grouped, members};
use crate::eval::kahan::{Mean, Sum};
use crate::eval::{ABSENT, Around, Column, Cx, Grid, Result, Vector, is_absent, statistics};
use crate::expr::{Aggregate, AggregateOp};

/// What is kept of a group at a step.
trait Fold: Copy {
    fn first(value: f64) -> Self;
    fn add(&mut self, value: f64);
    fn result(&self) -> f64;
}

impl Cx<'_> {
    pub(crate) fn aggregate(&self, aggregate: &Aggregate, grid: Grid) -> Result<Vector> {
        let around = Around { function: aggregate.op.name(), grouping: Some(&aggregate.grouping) };
        match aggregate.op {
            AggregateOp::CountValues => return self.count_values(aggregate, grid),
            AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::LimitRatio => {
                return self.ranked(aggregate, grid);
            }
            AggregateOp::Quantile => {
                let Some(param) = &aggregate.param else { return Err(crate::eval::internal("no quantile")) };
                let quantile = self.scalar(param, grid)?;
                self.warn_of_quantile(&quantile, param);
                let vector = self.vector_within(&aggregate.expr, grid, around)?;
                return self.quantiles(vector, &Choice::of(&aggregate.grouping), &quantile, grid);
            }
            _ => {}
        }
        let vector = self.vector_within(&aggregate.expr, grid, around)?;
        let choice = Choice::of(&aggregate.grouping);
        match aggregate.op {
            AggregateOp::Sum => self.fold::<Sum>(vector, &choice, grid),
            AggregateOp::Avg => self.fold::<Mean>(vector, &choice, grid),
            AggregateOp::Min => self.fold::<Least>(vector, &choice, grid),
            AggregateOp::Max => self.fold::<Most>(vector, &choice, grid),
            AggregateOp::Count => self.fold::<Count>(vector, &choice, grid),
            AggregateOp::Stdvar => self.fold::<Spread<false>>(vector, &choice, grid),
            AggregateOp::Stddev => self.fold::<Spread<true>>(vector, &choice, grid),
            _ => self.fold::<One>(vector, &choice, grid),
        }
    }

    fn fold<F: Fold>(&self, vector: Vector, choice: &Choice<'_>, grid: Grid) -> Result<Vector> {
        let (of, labels) = grouped(&vector.series, choice);
        let cells = labels.len().saturating_mul(grid.steps);
        let _cells = self.guard.charge(cells.saturating_mul(size_of::<Option<F>>()))?;
        let mut columns: Vec<Vec<Option<F>>> = labels.iter().map(|_| vec![None; grid.steps]).collect();
        for (series, group) in vector.series.iter().zip(&of) {
            self.guard.check()?;
            let Some(column) = columns.get_mut(*group) else { continue };
            for (cell, value) in column.iter_mut().zip(&series.values).filter(|(_, value)| !is_absent(**value)) {
                match cell {
                    None => *cell = Some(F::first(*value)),
                    Some(cell) => cell.add(*value),
                }
            }
        }
        drop(vector);
        let room = self.room(labels.len(), grid)?;
        let results =
            |cells: Vec<Option<F>>| cells.iter().map(|cell| cell.map_or(ABSENT, |cell| cell.result())).collect();
        let series = labels.into_iter().zip(columns).map(|(labels, cells)| labels.series(results(cells)));
        Ok(Vector { series: series.collect(), room })
    }

    fn quantiles(&self, vector: Vector, choice: &Choice<'_>, quantile: &Column, grid: Grid) -> Result<Vector> {
        let (of, labels) = grouped(&vector.series, choice);
        let Vector { series, room: _room } = vector;
        let room = self.room(labels.len(), grid)?;
        let mut result = Vec::with_capacity(labels.len());
        for (members, labels) in members(series, &of, labels.len()).into_iter().zip(labels) {
            let mut buffer = Vec::with_capacity(members.len());
            let mut values = Vec::with_capacity(grid.steps);
            for step in 0..grid.steps {
                self.guard.check()?;
                buffer.clear();
                buffer
                    .extend(members.iter().filter_map(|one| one.values.get(step)).filter(|value| !is_absent(**value)));
                let empty = buffer.is_empty();
                values.push(if empty { ABSENT } else { statistics::quantile(quantile.at(step), &mut buffer) });
            }
            result.push(labels.series(values));
        }
        Ok(Vector { series: result, room })
    }
}

impl Fold for Sum {
    fn first(value: f64) -> Self {
        Self::of(value)
    }

    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }

    fn result(&self) -> f64 {
        self.total()
    }
}

impl Fold for Mean {
    fn first(value: f64) -> Self {
        let mut mean = Self::default();
        mean.add(value);
        mean
    }

    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }

    fn result(&self) -> f64 {
        self.mean()
    }
}

#[derive(Clone, Copy)]
struct Least(f64);

impl Fold for Least {
    fn first(value: f64) -> Self {
        Self(value)
    }

    fn add(&mut self, value: f64) {
        if value < self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn result(&self) -> f64 {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Most(f64);

impl Fold for Most {
    fn first(value: f64) -> Self {
        Self(value)
    }

    fn add(&mut self, value: f64) {
        if value > self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn result(&self) -> f64 {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Count(f64);

impl Fold for Count {
    fn first(_: f64) -> Self {
        Self(1.0)
    }

    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }

    fn result(&self) -> f64 {
        self.0
    }
}

#[derive(Clone, Copy)]
struct One;

impl Fold for One {
    fn first(_: f64) -> Self {
        Self
    }

    fn add(&mut self, _: f64) {}

    fn result(&self) -> f64 {
        1.0
    }
}

/// Population variance by Welford's method; its root if `ROOT`.
#[derive(Clone, Copy)]
struct Spread<const ROOT: bool> {
    count: f64,
    mean: f64,
    squares: f64,
}

impl<const ROOT: bool> Fold for Spread<ROOT> {
    fn first(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: if value.is_finite() { 0.0 } else { f64::NAN } }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn result(&self) -> f64 {
        let variance = self.squares / self.count;
        if ROOT { variance.sqrt() } else { variance }
    }
}
