//! `and`, `or` and `unless`.

use crate::eval::group::{Choice, Numbers};
use crate::eval::{ABSENT, Cx, Grid, Result, Series, Vector, is_absent};
use crate::expr::{BinaryOp, Matching};

impl Cx<'_> {
    pub(crate) fn set(
        &self,
        op: BinaryOp,
        mut left: Vector,
        mut right: Vector,
        matching: &Matching,
        grid: Grid,
    ) -> Result<Vector> {
        let choice = Choice::new(&matching.labels, matching.on);
        let (filtered, masking) = if op == BinaryOp::Or { (&mut right, &left) } else { (&mut left, &right) };
        let mut numbers = Numbers::default();
        let mut masks: Vec<Vec<bool>> = Vec::new();
        let mut room = self.guard.charge(0)?;
        for series in &masking.series {
            self.guard.check()?;
            let number = numbers.number(&choice, &series.labels);
            if masks.len() <= number {
                room.grow(grid.steps.saturating_add(160))?;
                masks.resize_with(number + 1, || vec![false; grid.steps]);
            }
            let mask = masks.get_mut(number).map(Vec::as_mut_slice).unwrap_or_default();
            mask.iter_mut().zip(&series.values).for_each(|(there, value)| *there |= !is_absent(*value));
        }
        let wanted = op == BinaryOp::And;
        for series in &mut filtered.series {
            match numbers.find(&choice, &series.labels).and_then(|number| masks.get(number)) {
                Some(mask) => {
                    let values = series.values.iter_mut().zip(mask).filter(|(_, there)| **there != wanted);
                    values.for_each(|(value, _)| *value = ABSENT);
                }
                None if wanted => series.values.clear(),
                None => {}
            }
        }
        filtered.series.retain(Series::has_any);
        if op != BinaryOp::Or {
            return Ok(left);
        }
        left.series.append(&mut right.series);
        left.room.absorb(right.room);
        left.merged()
    }
}
