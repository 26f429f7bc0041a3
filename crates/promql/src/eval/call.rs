//! Functions that are not of windows.

use crate::eval::{Around, Column, Cx, Data, Grid, Result, Series, Vector, internal, is_absent, math};
use crate::expr::{Call, Expr, ExprKind, Span};
use crate::function::{Special, Work};
use crate::labels::Labels;

impl Cx<'_> {
    pub(crate) fn call(&self, call: &Call, grid: Grid, span: Span, around: Around<'_>) -> Result<Data> {
        let around = Around { function: call.function.name, grouping: around.grouping };
        match call.function.work {
            Work::Math(work) => {
                let vector = self.vector_within(arg(call, 0)?, grid, around)?;
                Ok(Data::Vector(self.nameless(vector.map(|_, value| work(value)))?))
            }
            Work::Date(part) => {
                let vector = match call.args.first() {
                    Some(arg) => self.vector_within(arg, grid, around)?,
                    None => self.one_series(self.time_column(grid)?, grid)?,
                };
                Ok(Data::Vector(self.nameless(vector.map(|_, value| crate::eval::dates::part(value, part)))?))
            }
            Work::Window(work) => self.window_call(call, work, grid, around),
            Work::Special(special) => self.special(call, special, grid, span, around),
        }
    }

    fn special(&self, call: &Call, special: Special, grid: Grid, span: Span, around: Around<'_>) -> Result<Data> {
        let seconds = |ms: i64| Ok(Data::Scalar(Column::Same(ms as f64 / 1e3)));
        match special {
            Special::Pi => Ok(Data::Scalar(Column::Same(std::f64::consts::PI))),
            Special::Time => self.time_column(grid).map(Data::Scalar),
            Special::QueryStart => seconds(self.query.start),
            Special::QueryEnd => seconds(self.query.end()),
            Special::QueryRange => seconds(self.query.end().saturating_sub(self.query.start)),
            Special::QueryStep => seconds(self.query.step),
            Special::Scalar => self.only_value(arg(call, 0)?, grid),
            Special::Vector => {
                let column = self.scalar(arg(call, 0)?, grid)?;
                self.one_series(column, grid).map(Data::Vector)
            }
            special => self.of_vector(call, special, grid, span, around).map(Data::Vector),
        }
    }

    fn of_vector(&self, call: &Call, special: Special, grid: Grid, span: Span, around: Around<'_>) -> Result<Vector> {
        match special {
            Special::Absent => return self.absent(arg(call, 0)?, grid),
            Special::AbsentOverTime => return self.absent_over_time(arg(call, 0)?, grid, around),
            Special::Timestamp => return self.timestamp(arg(call, 0)?, grid, around),
            Special::HistogramQuantile => return self.histogram_quantile(call, grid),
            Special::HistogramQuantiles => return self.histogram_quantiles(call, grid),
            Special::HistogramFraction => return self.histogram_fraction(call, grid),
            Special::Info => return self.info(call, grid),
            _ => {}
        }
        let vector = self.vector_within(arg(call, 0)?, grid, around)?;
        let scalar = |index: usize| arg(call, index).and_then(|arg| self.scalar(arg, grid));
        match special {
            Special::Clamp => {
                let (least, most) = (scalar(1)?, scalar(2)?);
                self.nameless(math::clamp(vector, &least, &most))
            }
            Special::ClampMin => {
                let least = scalar(1)?;
                self.nameless(vector.map(|step, value| math::larger(value, least.at(step))))
            }
            Special::ClampMax => {
                let most = scalar(1)?;
                self.nameless(vector.map(|step, value| math::smaller(value, most.at(step))))
            }
            Special::Round => {
                let nearest = if call.args.len() > 1 { scalar(1)? } else { Column::Same(1.0) };
                self.nameless(vector.map(|step, value| math::round(value, nearest.at(step))))
            }
            Special::LabelReplace => self.label_replace(vector, call, grid),
            Special::LabelJoin => self.label_join(vector, call, grid),
            Special::OfNative => Ok(Vector { series: Vec::new(), room: vector.room }),
            _ => self.sorted(vector, special, call, grid, span),
        }
    }

    fn timestamp(&self, arg: &Expr, grid: Grid, around: Around<'_>) -> Result<Vector> {
        let vector = match &arg.bare().kind {
            ExprKind::Selector(selector) => self.latest(selector, grid, around, true)?,
            _ => self.vector(arg, grid)?.map(|step, _| grid.time(step) as f64 / 1e3),
        };
        self.nameless(vector)
    }

    /// A scalar as a series without labels.
    fn one_series(&self, column: Column, grid: Grid) -> Result<Vector> {
        let room = self.room(1, grid)?;
        let values = match column {
            Column::Same(value) => vec![value; grid.steps],
            Column::Each(values) => values,
        };
        Ok(Vector { series: vec![Series::new(Labels::empty(), values)], room })
    }

    /// The value of a vector's only series; NaN where there is none or more than one.
    fn only_value(&self, arg: &Expr, grid: Grid) -> Result<Data> {
        let vector = self.vector(arg, grid)?;
        let _room = self.guard.charge(grid.steps.saturating_mul(24))?;
        let mut found = vec![(0u32, f64::NAN); grid.steps];
        for series in &vector.series {
            for ((count, value), given) in found.iter_mut().zip(&series.values).filter(|(_, given)| !is_absent(**given))
            {
                *count = count.saturating_add(1);
                *value = *given;
            }
        }
        let only = |(count, value): (u32, f64)| if count == 1 { value } else { f64::NAN };
        Ok(Data::Scalar(Column::Each(found.into_iter().map(only).collect())))
    }

    pub(crate) fn unary(&self, negative: bool, inner: &Expr, grid: Grid) -> Result<Data> {
        match self.eval(inner, grid)? {
            data if !negative => Ok(data),
            Data::Scalar(column) => Ok(Data::Scalar(column.map(|value| -value))),
            Data::Vector(vector) => Ok(Data::Vector(self.nameless(vector.map(|_, value| -value))?)),
            Data::Text(_) => Err(internal("a sign before a string")),
        }
    }
}

pub(crate) fn arg(call: &Call, index: usize) -> Result<&Expr> {
    call.args.get(index).ok_or_else(|| internal("an argument is missing"))
}
