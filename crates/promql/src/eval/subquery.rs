//! Subqueries: an expression evaluated at steps of its own becomes samples.

use crate::eval::select::{Ranges, Samples};
use crate::eval::{Cx, Grid, Result, Series, is_absent};
use crate::expr::{Edges, Subquery};
use std::sync::Arc;

impl Cx<'_> {
    pub(crate) fn subquery(&self, subquery: &Subquery, grid: Grid) -> Result<Ranges> {
        let windows = self.windows(subquery.when, subquery.range_ms, grid);
        let step = subquery.step_ms.unwrap_or(self.options.subquery_step_ms).max(1);
        // Steps are multiples of their width, whenever the query is asked; the first lies after the first window begins.
        let start = windows.before().div_euclid(step).saturating_add(1).saturating_mul(step);
        let end = windows.last_end();
        let steps = if start > end { 0 } else { usize::try_from((end - start) / step).unwrap_or(usize::MAX) + 1 };
        let inner = Grid { start, step, steps };
        let mut room = self.guard.charge(steps.saturating_mul(8))?;
        if steps == 0 {
            return Ok(Ranges { series: Vec::new(), windows, edges: Edges::Plain, _room: room });
        }
        let vector = self.vector(&subquery.expr, inner)?;
        room.grow(vector.series.len().saturating_mul(steps).saturating_mul(16))?;
        let times: Arc<[i64]> = (0..steps).map(|step| inner.time(step)).collect();
        let series = vector.series.into_iter().map(|series| samples(series, &times)).collect();
        Ok(Ranges { series, windows, edges: Edges::Plain, _room: room })
    }
}

/// The values that are there; series that have all share one column of times.
fn samples(series: Series, times: &Arc<[i64]>) -> Samples {
    let Series { labels, values, nameless } = series;
    if !values.iter().any(|value| is_absent(*value)) {
        return Samples { labels, times: Arc::clone(times), values, nameless, rolled: None };
    }
    let kept = times.iter().copied().zip(values).filter(|(_, value)| !is_absent(*value));
    let (times, values): (Vec<i64>, Vec<f64>) = kept.unzip();
    Samples { labels, times: times.into(), values, nameless, rolled: None }
}
