//! Functions of classic histograms: series with a label `le` are the buckets of one.

use crate::eval::bucket::{self, Bucket};
use crate::eval::call::arg;
use crate::eval::group::{Choice, Numbers};
use crate::eval::{ABSENT, Column, Cx, Grid, Result, Series, Vector, is_absent};
use crate::expr::{Call, Span};
use crate::guard::Charge;
use crate::labels::{Labels, NAME_LABEL};
use crate::number::{format_float, parse_float, quote};

const BOUND_LABEL: &str = "le";

const FORCED: &str = "input to histogram_quantile needed to be fixed for monotonicity (see \
                      https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

/// One histogram: its buckets as columns, sorted by bound.
struct Histogram {
    labels: Labels,
    buckets: Vec<(f64, Vec<f64>)>,
}

impl Histogram {
    fn at(&self, step: usize, buckets: &mut Vec<Bucket>) {
        buckets.clear();
        for (bound, counts) in &self.buckets {
            if let Some(count) = counts.get(step).filter(|count| !is_absent(**count)) {
                buckets.push(Bucket { bound: *bound, count: *count });
            }
        }
    }

    /// One number per step that has buckets.
    fn column(&self, grid: Grid, work: impl Fn(usize, &mut Vec<Bucket>) -> f64) -> Vec<f64> {
        let mut buckets = Vec::with_capacity(self.buckets.len());
        (0..grid.steps)
            .map(|step| {
                self.at(step, &mut buckets);
                if buckets.is_empty() { ABSENT } else { work(step, &mut buckets) }
            })
            .collect()
    }
}

impl Cx<'_> {
    pub(crate) fn histogram_quantile(&self, call: &Call, grid: Grid) -> Result<Vector> {
        let quantile = self.scalar(arg(call, 0)?, grid)?;
        self.warn_of_quantile(&quantile, arg(call, 0)?);
        let vector = self.vector(arg(call, 1)?, grid)?;
        let span = arg(call, 1)?.span;
        let (histograms, _held) = self.histograms(vector, span)?;
        let room = self.room(histograms.len(), grid)?;
        let series = self.quantile_of(&histograms, &quantile, grid, span)?;
        self.nameless(Vector { series, room })?.merged()
    }

    pub(crate) fn histogram_quantiles(&self, call: &Call, grid: Grid) -> Result<Vector> {
        let vector = self.vector(arg(call, 0)?, grid)?;
        let label = self.string(arg(call, 1)?, grid)?;
        let span = arg(call, 0)?.span;
        let (histograms, _held) = self.histograms(vector, span)?;
        let room = self.room(histograms.len().saturating_mul(call.args.len()), grid)?;
        let mut all = Vec::new();
        for index in 2..call.args.len() {
            let quantile = self.scalar(arg(call, index)?, grid)?;
            self.warn_of_quantile(&quantile, arg(call, index)?);
            let name = format_float(quantile.at(0));
            for mut series in self.quantile_of(&histograms, &quantile, grid, span)? {
                series.labels = series.labels.with(&label, &name);
                all.push(series);
            }
        }
        self.nameless(Vector { series: all, room })?.merged()
    }

    pub(crate) fn histogram_fraction(&self, call: &Call, grid: Grid) -> Result<Vector> {
        let (lower, upper) = (self.scalar(arg(call, 0)?, grid)?, self.scalar(arg(call, 1)?, grid)?);
        let vector = self.vector(arg(call, 2)?, grid)?;
        let (histograms, _held) = self.histograms(vector, arg(call, 2)?.span)?;
        let room = self.room(histograms.len(), grid)?;
        let mut all = Vec::with_capacity(histograms.len());
        for one in &histograms {
            self.guard.check()?;
            let share = |step, buckets: &mut Vec<Bucket>| bucket::fraction(lower.at(step), upper.at(step), buckets);
            all.push(Series::new(one.labels.clone(), one.column(grid, share)));
        }
        self.nameless(Vector { series: all, room })?.merged()
    }

    fn quantile_of(&self, all: &[Histogram], quantile: &Column, grid: Grid, span: Span) -> Result<Vec<Series>> {
        let mut found = Vec::with_capacity(all.len());
        for one in all {
            self.guard.check()?;
            let forced = std::cell::Cell::new(false);
            let values = one.column(grid, |step, buckets| {
                let (value, raised) = bucket::quantile(quantile.at(step), buckets);
                forced.set(forced.get() || raised);
                value
            });
            if forced.get() {
                self.inform(span, &format!("{FORCED}{}", of_metric(&one.labels)));
            }
            found.push(Series::new(one.labels.clone(), values));
        }
        Ok(found)
    }

    /// Puts buckets together; those without a sound bound are left out with a warning.
    fn histograms(&self, vector: Vector, span: Span) -> Result<(Vec<Histogram>, Charge)> {
        let names = [BOUND_LABEL.to_owned()];
        let choice = Choice::new(&names, false).with_metric_name();
        let mut numbers = Numbers::default();
        let mut all: Vec<Histogram> = Vec::new();
        let Vector { series, room } = vector;
        for series in series {
            self.guard.check()?;
            let bound = series.labels.get(BOUND_LABEL).unwrap_or_default();
            let Some(value) = parse_float(bound).filter(|bound| !bound.is_nan()) else {
                let metric = of_metric(&series.labels);
                let bound = quote(bound);
                let message = format!("bucket label \"le\" is missing or has a malformed value of {bound}{metric}");
                self.warn(span, &message);
                continue;
            };
            let number = numbers.number(&choice, &series.labels);
            if all.len() <= number {
                let labels = series.labels.filtered(|name| name != BOUND_LABEL);
                all.push(Histogram { labels, buckets: Vec::new() });
            }
            if let Some(histogram) = all.get_mut(number) {
                histogram.buckets.push((value, series.values));
            }
        }
        all.iter_mut().for_each(|one| one.buckets.sort_by(|a, b| a.0.total_cmp(&b.0)));
        Ok((all, room))
    }
}

fn of_metric(labels: &Labels) -> String {
    labels.get(NAME_LABEL).map(|name| format!(" for metric name {}", quote(name))).unwrap_or_default()
}
