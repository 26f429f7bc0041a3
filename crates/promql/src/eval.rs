//! Evaluation, column by column: every piece works on all steps of a query at once.

mod absent;
mod aggregate;
mod binary;
mod bucket;
mod call;
mod column;
pub(crate) mod dates;
mod edges;
mod extremes;
mod group;
mod histogram;
mod info;
mod kahan;
mod matching;
pub(crate) mod math;
mod over_time;
mod rank;
mod rate;
mod regression;
mod relabel;
mod rolled;
mod select;
mod setop;
mod sort;
mod statistics;
mod subquery;
mod window;

pub(crate) use binary::arithmetic;
pub use column::STALE_BITS;
pub(crate) use column::{ABSENT, Column, Data, Grid, Series, Vector, is_absent};

use crate::engine::Options;
use crate::error::EvalError;
use crate::expr::{Expr, ExprKind, Grouping, Span};
use crate::guard::{Charge, Guard};
use crate::notes::Notes;
use crate::source::Source;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) type Result<T, E = EvalError> = std::result::Result<T, E>;

/// Items that are not worth a thread of their own.
const THREAD_WORK_MIN: usize = 20_000;

/// What every piece of an evaluation knows.
pub(crate) struct Cx<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) text: &'a str,
    pub(crate) guard: &'a Arc<Guard>,
    pub(crate) notes: &'a Mutex<Notes>,
    pub(crate) options: &'a Options,
    /// The steps of the query, which `@ start()` and `@ end()` mean even in subqueries.
    pub(crate) query: Grid,
    pub(crate) is_range: bool,
    pub(crate) threads: usize,
}

/// What is right around an expression, for hints to the source.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    pub(crate) function: &'a str,
    pub(crate) grouping: Option<&'a Grouping>,
}

impl Cx<'_> {
    /// Evaluates an expression that is no range vector at all steps.
    pub(crate) fn eval(&self, expr: &Expr, grid: Grid) -> Result<Data> {
        self.eval_within(expr, grid, Around::default())
    }

    pub(crate) fn eval_within(&self, expr: &Expr, grid: Grid, around: Around<'_>) -> Result<Data> {
        self.guard.check()?;
        if grid.steps > 1 && !matches!(expr.kind, ExprKind::Number(_) | ExprKind::Text(_)) && expr.is_invariant() {
            let once = self.eval_within(expr, Grid { steps: 1, ..grid }, around)?;
            return self.repeat(once, grid);
        }
        match &expr.kind {
            ExprKind::Number(value) => Ok(Data::Scalar(Column::Same(*value))),
            ExprKind::Text(text) => Ok(Data::Text(text.value.clone())),
            ExprKind::Paren(inner) => self.eval_within(inner, grid, around),
            ExprKind::Selector(selector) => self.latest(selector, grid, around, false).map(Data::Vector),
            ExprKind::Call(call) => self.call(call, grid, expr.span, around),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, grid).map(Data::Vector),
            ExprKind::Binary(binary) => self.binary(binary, grid),
            ExprKind::Unary(negative, inner) => self.unary(*negative, inner, grid),
            ExprKind::Range(_) | ExprKind::Subquery(_) => Err(internal("a range vector where none may be")),
        }
    }

    /// The one value of an expression that is the same at all steps, at all of them.
    fn repeat(&self, once: Data, grid: Grid) -> Result<Data> {
        let vector = match once {
            Data::Vector(vector) => vector,
            Data::Scalar(column) => return Ok(Data::Scalar(Column::Same(column.at(0)))),
            Data::Text(text) => return Ok(Data::Text(text)),
        };
        let room = self.room(vector.series.len(), grid)?;
        let wide = |series: Series| {
            let value = series.values.first().copied().unwrap_or(ABSENT);
            Series { values: vec![value; grid.steps], ..series }
        };
        Ok(Data::Vector(Vector { series: vector.series.into_iter().map(wide).collect(), room }))
    }

    pub(crate) fn vector(&self, expr: &Expr, grid: Grid) -> Result<Vector> {
        self.vector_within(expr, grid, Around::default())
    }

    pub(crate) fn vector_within(&self, expr: &Expr, grid: Grid, around: Around<'_>) -> Result<Vector> {
        match self.eval_within(expr, grid, around)? {
            Data::Vector(vector) => Ok(vector),
            _ => Err(internal("a vector was expected")),
        }
    }

    pub(crate) fn scalar(&self, expr: &Expr, grid: Grid) -> Result<Column> {
        match self.eval(expr, grid)? {
            Data::Scalar(column) => Ok(column),
            _ => Err(internal("a scalar was expected")),
        }
    }

    pub(crate) fn string(&self, expr: &Expr, grid: Grid) -> Result<String> {
        match self.eval(expr, grid)? {
            Data::Text(text) => Ok(text),
            _ => Err(internal("a string was expected")),
        }
    }

    /// Takes the metric's name away, now or at the end as the options say.
    pub(crate) fn nameless(&self, mut vector: Vector) -> Result<Vector> {
        if !self.options.delayed_names {
            return vector.without_names();
        }
        vector.series.iter_mut().for_each(|series| series.nameless = true);
        Ok(vector)
    }

    /// Memory for so many series of columns.
    pub(crate) fn room(&self, series: usize, grid: Grid) -> Result<Charge> {
        self.guard.charge(series.saturating_mul(grid.steps.saturating_mul(8).saturating_add(160)))
    }

    pub(crate) fn warn(&self, span: Span, message: &str) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).warn(self.text, span, message);
    }

    pub(crate) fn inform(&self, span: Span, message: &str) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).inform(self.text, span, message);
    }

    /// `work` on each item, on several threads if `size` (numbers to touch) is worth it; the order stays.
    pub(crate) fn each<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        size: usize,
        work: impl Fn(T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let checked = |item: T| {
            self.guard.check()?;
            work(item)
        };
        let threads = self.threads.min(size / THREAD_WORK_MIN).min(items.len());
        if threads < 2 {
            return items.into_iter().map(checked).collect();
        }
        let share = items.len().div_ceil(threads);
        let mut shares: Vec<Vec<T>> = Vec::with_capacity(threads);
        let mut items = items.into_iter();
        loop {
            let part: Vec<T> = items.by_ref().take(share).collect();
            if part.is_empty() {
                break;
            }
            shares.push(part);
        }
        let checked = &checked;
        let done: Result<Vec<Vec<R>>> = std::thread::scope(|scope| {
            let running: Vec<_> = shares
                .into_iter()
                .map(|part| scope.spawn(move || part.into_iter().map(checked).collect::<Result<Vec<R>>>()))
                .collect();
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| Err(internal("a thread ended early"))))
                .collect()
        });
        Ok(done?.into_iter().flatten().collect())
    }
}

pub(crate) fn internal(message: &str) -> EvalError {
    EvalError::Invalid(format!("internal error: {message}"))
}
