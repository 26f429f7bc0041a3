//! From a query to its answer.

use crate::answer::{Answer, Points, Sample, Stats, Value};
use crate::error::EvalError;
use crate::eval::{Cx, Data, Grid, is_absent};
use crate::expr::{Expr, ValueType};
use crate::guard::{Guard, MemoryPool};
use crate::labels::Labels;
use crate::notes::Notes;
use crate::parse::{ParseOptions, parse_with};
use crate::source::Source;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Times are within this many ms of 1970, so that adding durations cannot overflow.
const TIME_MAX: i64 = i64::MAX / 4;

/// Higher expressions are evaluated on a stack of their own, for the caller's may be small.
const SHALLOW: usize = 32;
const LARGE_STACK_BYTES: usize = 32 << 20;

/// When a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once, at this time in ms.
    Instant(i64),
    /// At `start_ms`, each `step_ms` after it, up to and at `end_ms`.
    Range {
        /// The first step.
        start_ms: i64,
        /// No step is later.
        end_ms: i64,
        /// From one step to the next.
        step_ms: i64,
    },
}

/// Settings and limits of an evaluation.
#[derive(Clone, Debug)]
pub struct Options {
    /// A sample counts as the latest for so long, in ms.
    pub lookback_ms: i64,
    /// Step of subqueries that name none, in ms.
    pub subquery_step_ms: i64,
    /// The evaluation ends by then.
    pub deadline: Option<Instant>,
    /// Memory for samples, columns and labels, in bytes.
    pub memory_bytes_max: usize,
    /// Steps of a range query.
    pub steps_max: usize,
    /// Memory that other evaluations take from too.
    pub memory_pool: Option<Arc<MemoryPool>>,
    /// Raised to stop the evaluation.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Threads that may work at once; zero means as many as the machine has.
    pub threads: usize,
    /// Also what Prometheus hides behind feature flags.
    pub experimental: bool,
    /// Metric names that functions and operators take away are taken away at the end of the evaluation, as Prometheus
    /// does it with `promql-delayed-name-removal`; the public test suite takes this for granted.
    pub delayed_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback_ms: 300_000,
            subquery_step_ms: 60_000,
            deadline: None,
            memory_bytes_max: 1 << 30,
            steps_max: 11_000,
            memory_pool: None,
            cancel: None,
            threads: 0,
            experimental: false,
            delayed_names: false,
        }
    }
}

/// Reads and evaluates a query.
///
/// # Errors
/// [`EvalError::Parse`] if it cannot be read, otherwise as [`evaluate`].
pub fn query(text: &str, source: &dyn Source, when: When, options: &Options) -> Result<Answer, EvalError> {
    let (step_ms, range_ms) = match when {
        When::Instant(_) => (0, 0),
        When::Range { start_ms, end_ms, step_ms } => (step_ms, end_ms.saturating_sub(start_ms)),
    };
    let expr = parse_with(text, ParseOptions { experimental: options.experimental, step_ms, range_ms })?;
    evaluate(&expr, text, source, when, options)
}

/// Evaluates an expression that was read from `text`; places in warnings are looked up there.
///
/// # Errors
/// In the words of Prometheus for what cannot be computed; by name for each limit.
pub fn evaluate(
    expr: &Expr,
    text: &str,
    source: &dyn Source,
    when: When,
    options: &Options,
) -> Result<Answer, EvalError> {
    let grid = grid(when, options)?;
    let pool = options.memory_pool.clone();
    let guard = Guard::within(options.cancel.clone(), options.deadline, options.memory_bytes_max, pool);
    guard.check()?;
    let threads = match options.threads {
        0 => machine_threads(),
        threads => threads,
    };
    let notes = Mutex::new(Notes::default());
    let is_range = matches!(when, When::Range { .. });
    let cx = Cx { source, text, guard: &guard, notes: &notes, options, query: grid, is_range, threads };
    let value = if expr.height > SHALLOW { on_large_stack(|| value(&cx, expr, grid)) } else { value(&cx, expr, grid) }?;
    let notes = notes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stats = Stats {
        samples: guard.samples.load(Ordering::Relaxed),
        series: guard.series.load(Ordering::Relaxed),
        bytes_peak: guard.peak(),
        notes: notes.source,
    };
    Ok(Answer { value, warnings: notes.warnings, infos: notes.infos, stats })
}

/// How many threads the machine has; asked once, for the answer takes the system several files to find.
fn machine_threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, EvalError> + Send) -> Result<T, EvalError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(LARGE_STACK_BYTES).spawn_scoped(scope, work);
        let ended = thread.map_err(|error| EvalError::Source(format!("no thread could be started: {error}")))?.join();
        ended.unwrap_or_else(|_| Err(crate::eval::internal("a thread ended early")))
    })
}

fn grid(when: When, options: &Options) -> Result<Grid, EvalError> {
    let bounded = |ms: i64| (-TIME_MAX..=TIME_MAX).contains(&ms);
    let wrong = |message: &str| Err(EvalError::Invalid(message.to_owned()));
    match when {
        When::Instant(at) if bounded(at) => Ok(Grid { start: at, step: 0, steps: 1 }),
        When::Range { start_ms, end_ms, .. } if !bounded(start_ms) || !bounded(end_ms) => wrong("time out of range"),
        When::Range { step_ms, .. } if step_ms <= 0 => {
            wrong("zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        When::Range { start_ms, end_ms, .. } if end_ms < start_ms => {
            wrong("end timestamp must not be before start time")
        }
        When::Range { start_ms, end_ms, step_ms } => {
            let steps = usize::try_from((end_ms - start_ms) / step_ms).unwrap_or(usize::MAX).saturating_add(1);
            if steps > options.steps_max {
                return Err(EvalError::Steps(options.steps_max));
            }
            Ok(Grid { start: start_ms, step: step_ms, steps })
        }
        When::Instant(_) => wrong("time out of range"),
    }
}

fn value(cx: &Cx<'_>, expr: &Expr, grid: Grid) -> Result<Value, EvalError> {
    let kind = expr.value_type();
    if cx.is_range && matches!(kind, ValueType::Text | ValueType::Matrix) {
        return Err(EvalError::Kind(format!(
            "invalid expression type {:?} for range query, must be Scalar or instant Vector",
            kind.name()
        )));
    }
    if kind == ValueType::Matrix {
        return Ok(Value::Matrix(cx.raw_points(expr, grid)?));
    }
    let data = match cx.eval(expr, grid)? {
        Data::Vector(vector) => Data::Vector(vector.cleaned()?),
        data => data,
    };
    match data {
        Data::Text(text) => Ok(Value::Text(grid.start, text)),
        Data::Scalar(column) if cx.is_range => {
            let points = (0..grid.steps).map(|step| (grid.time(step), column.at(step))).collect();
            Ok(Value::Matrix(vec![Points { labels: Labels::empty(), points }]))
        }
        Data::Scalar(column) => Ok(Value::Scalar(grid.start, column.at(0))),
        Data::Vector(vector) if cx.is_range => {
            let mut all = Vec::with_capacity(vector.series.len());
            let _room = cx.guard.charge(vector.series.len().saturating_mul(grid.steps).saturating_mul(16))?;
            for series in vector.series {
                cx.guard.check()?;
                let values = series.values.iter().enumerate().filter(|(_, value)| !is_absent(**value));
                let points: Vec<_> = values.map(|(step, value)| (grid.time(step), *value)).collect();
                if !points.is_empty() {
                    all.push(Points { labels: series.labels, points });
                }
            }
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(Value::Matrix(all))
        }
        Data::Vector(vector) => {
            let one = |series: crate::eval::Series| {
                let value = series.values.first().copied().filter(|value| !is_absent(*value))?;
                Some(Sample { labels: series.labels, at_ms: grid.start, value })
            };
            Ok(Value::Vector(vector.series.into_iter().filter_map(one).collect()))
        }
    }
}
