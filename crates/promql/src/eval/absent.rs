//! `absent` and `absent_over_time`: one series where there is none.

use crate::eval::{ABSENT, Around, Cx, Grid, Result, Series, Vector, is_absent};
use crate::expr::{Expr, ExprKind};
use crate::labels::{Labels, NAME_LABEL};
use crate::matcher::{MatchOp, Matcher};
use std::collections::BTreeMap;

impl Cx<'_> {
    pub(crate) fn absent(&self, arg: &Expr, grid: Grid) -> Result<Vector> {
        let vector = self.vector(arg, grid)?;
        let _room = self.guard.charge(grid.steps)?;
        let mut there = vec![false; grid.steps];
        for series in &vector.series {
            there.iter_mut().zip(&series.values).for_each(|(there, value)| *there |= !is_absent(*value));
        }
        self.where_not(&there, arg, grid)
    }

    pub(crate) fn absent_over_time(&self, arg: &Expr, grid: Grid, around: Around<'_>) -> Result<Vector> {
        let ranges = self.ranges(arg, grid, around)?;
        let _room = self.guard.charge(grid.steps)?;
        let mut there = vec![false; grid.steps];
        for samples in &ranges.series {
            self.guard.check()?;
            crate::eval::window::slide(samples, ranges.windows, self.guard, |window| {
                there.iter_mut().skip(window.step).take(1).for_each(|there| *there = true);
                1.0
            })?;
            if let Some(rolled) = &samples.rolled {
                let mut found = vec![ABSENT; grid.steps];
                let present = crate::function::WindowWork::Present;
                super::rolled::correct(samples, rolled, ranges.windows, present, &mut found);
                there.iter_mut().zip(found).for_each(|(there, found)| *there |= !is_absent(found));
            }
        }
        self.where_not(&there, arg, grid)
    }

    fn where_not(&self, there: &[bool], arg: &Expr, grid: Grid) -> Result<Vector> {
        let room = self.room(1, grid)?;
        let values: Vec<f64> = there.iter().map(|there| if *there { ABSENT } else { 1.0 }).collect();
        let series = Series::new(labels(arg), values);
        Ok(Vector { series: Some(series).into_iter().filter(Series::has_any).collect(), room })
    }
}

/// What the selector says about the labels of what is missing.
fn labels(arg: &Expr) -> Labels {
    let matchers: &[Matcher] = match &arg.bare().kind {
        ExprKind::Selector(selector) => &selector.matchers,
        ExprKind::Range(range) => &range.selector.matchers,
        _ => &[],
    };
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name() != NAME_LABEL) {
        if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
            known.insert(matcher.name(), matcher.value());
            seen.push(matcher.name());
        } else {
            known.remove(matcher.name());
        }
    }
    Labels::from_sorted(known)
}
