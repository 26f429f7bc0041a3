//! Functions of the samples in a window that slides over a series.

use crate::error::EvalError;
use crate::eval::select::{Ranges, Samples, Windows};
use crate::eval::{ABSENT, Around, Column, Cx, Data, Grid, Result, Series, Vector};
use crate::eval::{edges, extremes, over_time, rate, regression, rolled, statistics};
use crate::expr::{Call, Edges, Expr};
use crate::function::WindowWork;
use crate::guard::Guard;
use crate::labels::Labels;
use std::sync::Arc;

/// One window of a series: at least one sample.
pub(crate) struct Window<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [f64],
    /// Of the first sample and one past the last, in the whole series.
    pub(crate) low: usize,
    pub(crate) high: usize,
    pub(crate) step: usize,
}

/// After so many samples in windows a query looks whether it should end.
const SAMPLES_BETWEEN_CHECKS: usize = 1 << 20;

/// `work` at each step whose window holds samples.
pub(crate) fn slide(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    mut work: impl FnMut(Window<'_>) -> f64,
) -> Result<Vec<f64>> {
    let mut unchecked = 0usize;
    let (times, values) = (&*samples.times, samples.values.as_slice());
    let (mut low, mut high) = (0, 0);
    let mut answers = Vec::with_capacity(windows.steps);
    for step in 0..windows.steps {
        let end = windows.end(step);
        let start = end.saturating_sub(windows.range);
        high += times.get(high..).unwrap_or_default().iter().take_while(|at| **at <= end).count();
        low += times.get(low..high).unwrap_or_default().iter().take_while(|at| **at <= start).count();
        unchecked += high - low;
        if unchecked > SAMPLES_BETWEEN_CHECKS {
            guard.check()?;
            unchecked = 0;
        }
        answers.push(match (times.get(low..high), values.get(low..high)) {
            (Some(times), Some(values)) if !times.is_empty() => work(Window { times, values, low, high, step }),
            _ => ABSENT,
        });
    }
    Ok(answers)
}

/// The scalars that some functions take.
pub(crate) struct Params {
    first: Column,
    second: Column,
}

impl Cx<'_> {
    pub(crate) fn window_call(&self, call: &Call, work: WindowWork, grid: Grid, around: Around<'_>) -> Result<Data> {
        let Some(matrix) = call.args.iter().find(|arg| arg.value_type() == crate::ValueType::Matrix) else {
            return Err(crate::eval::internal("a range vector was expected"));
        };
        let params = self.window_params(call, work, grid)?;
        let ranges = self.ranges(matrix, grid, Around { function: call.function.name, ..around })?;
        let room = self.room(ranges.series.len(), grid)?;
        let Ranges { series, windows, edges, _room } = ranges;
        check_edges(edges, work, call.function.name)?;
        let size = series.iter().map(|one| one.times.len()).sum::<usize>().saturating_add(series.len() * grid.steps);
        // Long windows that overlap are read again at each step.
        let size = size.saturating_mul(2);
        let together = self.each(sampled_together(series), size, |together| {
            let stretches = together.first().and_then(|first| stretches(first, windows, work));
            let one = |samples: Samples| {
                let values = match (edges, &stretches) {
                    (Edges::Plain, Some(stretches)) => {
                        rate::extrapolated(&samples, stretches, work != WindowWork::Delta)
                    }
                    (Edges::Plain, None) => self.run(&samples, windows, work, &params, grid)?,
                    (edges, _) => edges::over(&samples, windows, edges, work, self.options.lookback_ms),
                };
                let mut series = Series { labels: samples.labels.clone(), values, nameless: samples.nameless };
                if let (Edges::Plain, Some(rolled)) = (edges, &samples.rolled) {
                    rolled::correct(&samples, rolled, windows, work, &mut series.values);
                }
                self.guard.check()?;
                Ok(series)
            };
            together.into_iter().map(one).collect::<Result<Vec<Series>>>()
        })?;
        let mut series: Vec<Series> = together.into_iter().flatten().collect();
        series.retain(Series::has_any);
        if matches!(work, WindowWork::Rate | WindowWork::Increase) {
            self.doubt_counters(&series, matrix);
        }
        let vector = Vector { series, room };
        Ok(Data::Vector(if call.function.keeps_name() { vector } else { self.nameless(vector)? }))
    }

    fn window_params(&self, call: &Call, work: WindowWork, grid: Grid) -> Result<Params> {
        let scalar = |index: usize| match call.args.get(index) {
            Some(arg) => self.scalar(arg, grid),
            None => Ok(Column::Same(f64::NAN)),
        };
        let (first, second) = match work {
            WindowWork::Quantile => (scalar(0)?, Column::Same(f64::NAN)),
            WindowWork::PredictLinear => (scalar(1)?, Column::Same(f64::NAN)),
            WindowWork::Smooth => (scalar(1)?, scalar(2)?),
            _ => (Column::Same(f64::NAN), Column::Same(f64::NAN)),
        };
        if let (WindowWork::Quantile, Some(arg)) = (work, call.args.first()) {
            self.warn_of_quantile(&first, arg);
        }
        if work == WindowWork::Smooth {
            check_factor("smoothing", "sf", &first)?;
            check_factor("trend", "tf", &second)?;
        }
        Ok(Params { first, second })
    }

    pub(crate) fn warn_of_quantile(&self, quantile: &Column, arg: &Expr) {
        if let Some(wrong) = quantile.distinct().iter().find(|value| !(0.0..=1.0).contains(*value)) {
            let wrong = crate::format_float(*wrong);
            self.warn(arg.span, &format!("quantile value should be between 0 and 1, got {wrong}"));
        }
    }

    /// Counters have names that say so.
    fn doubt_counters(&self, series: &[Series], matrix: &Expr) {
        let mut doubted = "";
        for name in series.iter().map(|one| Labels::metric(&one.labels)) {
            let counts = ["_total", "_sum", "_count", "_bucket"].iter().any(|ending| name.ends_with(ending));
            if name != doubted && !name.is_empty() && !counts {
                let message = format!(
                    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                    crate::number::quote(name)
                );
                self.inform(matrix.span, &message);
                doubted = name;
            }
        }
    }
}

/// Series that are worked on in one go at most.
const TOGETHER_MAX: usize = 64;

/// Runs of series that share their times.
fn sampled_together(series: Vec<Samples>) -> Vec<Vec<Samples>> {
    let mut runs: Vec<Vec<Samples>> = Vec::new();
    for one in series {
        match runs.last_mut() {
            Some(run)
                if run.len() < TOGETHER_MAX
                    && run.first().is_some_and(|first| Arc::ptr_eq(&first.times, &one.times)) =>
            {
                run.push(one);
            }
            _ => runs.push(vec![one]),
        }
    }
    runs
}

/// For work that stretches changes to the edges of windows.
fn stretches(first: &Samples, windows: Windows, work: WindowWork) -> Option<rate::Stretches> {
    let per_second = match work {
        WindowWork::Rate => true,
        WindowWork::Increase | WindowWork::Delta => false,
        _ => return None,
    };
    Some(rate::Stretches::new(&first.times, windows, per_second))
}

/// Few functions know what to do at the edges.
fn check_edges(edges: Edges, work: WindowWork, function: &str) -> Result<()> {
    let known: &[(&str, WindowWork)] = &[
        ("changes", WindowWork::Changes),
        ("delta", WindowWork::Delta),
        ("increase", WindowWork::Increase),
        ("rate", WindowWork::Rate),
        ("resets", WindowWork::Resets),
    ];
    let counts = |one: &&(&str, WindowWork)| !matches!(one.1, WindowWork::Changes | WindowWork::Resets);
    let known: Vec<_> = known.iter().filter(|one| edges != Edges::Smoothed || counts(one)).collect();
    if edges == Edges::Plain || known.iter().any(|one| one.1 == work) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|one| one.0).collect();
    let (edges, names) = (edges.name(), names.join(", "));
    Err(EvalError::Invalid(format!("{edges} modifier can only be used with: {names} - not with {function}")))
}

fn check_factor(name: &str, short: &str, factor: &Column) -> Result<()> {
    match factor.distinct().iter().find(|value| !(**value > 0.0 && **value < 1.0)) {
        None => Ok(()),
        Some(value) => {
            Err(EvalError::Invalid(format!("invalid {name} factor. Expected: 0 < {short} < 1, got: {value:.6}")))
        }
    }
}

impl Cx<'_> {
    fn run(
        &self,
        samples: &Samples,
        windows: Windows,
        work: WindowWork,
        params: &Params,
        grid: Grid,
    ) -> Result<Vec<f64>> {
        let guard = self.guard;
        match work {
            WindowWork::Rate | WindowWork::Increase | WindowWork::Delta => {
                Err(crate::eval::internal("a rate without stretches"))
            }
            WindowWork::Irate => slide(samples, windows, guard, |window| rate::instant(&window, true)),
            WindowWork::Idelta => slide(samples, windows, guard, |window| rate::instant(&window, false)),
            WindowWork::Changes => {
                over_time::count_pairs(samples, windows, guard, |a, b| a != b && !(a.is_nan() && b.is_nan()))
            }
            WindowWork::Resets => over_time::count_pairs(samples, windows, guard, |a, b| b < a),
            WindowWork::Deriv => slide(samples, windows, guard, |window| regression::slope(&window)),
            WindowWork::PredictLinear => slide(samples, windows, guard, |window| {
                regression::predict(&window, grid.time(window.step), params.first.at(window.step))
            }),
            WindowWork::Smooth => slide(samples, windows, guard, |window| {
                regression::smooth(&window, params.first.at(window.step), params.second.at(window.step))
            }),
            WindowWork::Sum => slide(samples, windows, guard, |window| over_time::sum(window.values)),
            WindowWork::Avg => slide(samples, windows, guard, |window| over_time::mean(window.values)),
            WindowWork::Count => slide(samples, windows, guard, |window| window.values.len() as f64),
            WindowWork::Present => slide(samples, windows, guard, |_| 1.0),
            WindowWork::First => {
                slide(samples, windows, guard, |window| window.values.first().copied().unwrap_or(ABSENT))
            }
            WindowWork::Last => {
                slide(samples, windows, guard, |window| window.values.last().copied().unwrap_or(ABSENT))
            }
            WindowWork::Stdvar => slide(samples, windows, guard, |window| statistics::variance(window.values)),
            WindowWork::Stddev => slide(samples, windows, guard, |window| statistics::variance(window.values).sqrt()),
            WindowWork::Quantile => slide(samples, windows, guard, |window| {
                statistics::quantile(params.first.at(window.step), &mut window.values.to_vec())
            }),
            WindowWork::Mad => slide(samples, windows, guard, |window| statistics::median_deviation(window.values)),
            WindowWork::TimeOfFirst => slide(samples, windows, guard, |window| seconds(window.times.first())),
            WindowWork::TimeOfLast => slide(samples, windows, guard, |window| seconds(window.times.last())),
            WindowWork::Min => extremes::values(samples, windows, guard, |a, b| a < b),
            WindowWork::Max => extremes::values(samples, windows, guard, |a, b| a > b),
            WindowWork::TimeOfMin => extremes::times(samples, windows, guard, |a, b| a < b),
            WindowWork::TimeOfMax => extremes::times(samples, windows, guard, |a, b| a > b),
        }
    }
}

pub(crate) fn seconds(at: Option<&i64>) -> f64 {
    at.map_or(ABSENT, |at| *at as f64 / 1e3)
}
