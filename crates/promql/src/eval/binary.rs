//! Operators between two values, columns, or a column and a number.

use crate::eval::{ABSENT, Column, Cx, Data, Grid, Result, Series, Vector, internal};
use crate::expr::{Binary, BinaryOp, Matching};

impl Cx<'_> {
    pub(crate) fn binary(&self, binary: &Binary, grid: Grid) -> Result<Data> {
        let Binary { op, returns_bool, .. } = *binary;
        let left = self.eval(&binary.left, grid)?;
        let right = self.eval(&binary.right, grid)?;
        match (left, right) {
            (Data::Scalar(left), Data::Scalar(right)) => {
                let _room = self.guard.charge(grid.steps.saturating_mul(8))?;
                Ok(Data::Scalar(scalars(op, left, right, grid)))
            }
            (Data::Vector(vector), Data::Scalar(scalar)) => {
                let keep = |step, value| with_scalar(op, value, scalar.at(step), value, returns_bool);
                self.named(vector.map(keep), op, returns_bool)
            }
            (Data::Scalar(scalar), Data::Vector(vector)) => {
                let keep = |step, value| with_scalar(op, scalar.at(step), value, value, returns_bool);
                self.named(vector.map(keep), op, returns_bool)
            }
            (Data::Vector(left), Data::Vector(right)) => {
                let plain = Matching::default();
                let matching = binary.matching.as_ref().unwrap_or(&plain);
                if op.is_set() {
                    return self.set(op, left, right, matching, grid).map(Data::Vector);
                }
                self.matched(binary, left, right, matching, grid).map(Data::Vector)
            }
            _ => Err(internal("an operator beside a string")),
        }
    }

    /// Comparisons that filter keep the metric's name, everything else loses it.
    fn named(&self, mut vector: Vector, op: BinaryOp, returns_bool: bool) -> Result<Data> {
        if op.is_comparison() && !returns_bool {
            vector.series.retain(Series::has_any);
            return Ok(Data::Vector(vector));
        }
        Ok(Data::Vector(self.nameless(vector)?))
    }
}

fn scalars(op: BinaryOp, left: Column, right: Column, grid: Grid) -> Column {
    let apply = |left, right| with_scalar(op, left, right, left, true);
    if let (Column::Same(left), Column::Same(right)) = (&left, &right) {
        return Column::Same(apply(*left, *right));
    }
    Column::Each((0..grid.steps).map(|step| apply(left.at(step), right.at(step))).collect())
}

fn with_scalar(op: BinaryOp, left: f64, right: f64, value: f64, returns_bool: bool) -> f64 {
    match compare(op, left, right) {
        None => arithmetic(op, left, right),
        Some(yes) if returns_bool => f64::from(u8::from(yes)),
        Some(true) => value,
        Some(false) => ABSENT,
    }
}

/// The answer of a comparison; none for other operators.
pub(crate) fn compare(op: BinaryOp, left: f64, right: f64) -> Option<bool> {
    Some(match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterEqual => left >= right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        _ => return None,
    })
}

pub(crate) fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::NAN,
    }
}
