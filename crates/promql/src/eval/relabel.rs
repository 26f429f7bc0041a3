//! `label_replace` and `label_join`.

use crate::error::EvalError;
use crate::eval::call::arg;
use crate::eval::{Cx, Grid, Result, Vector};
use crate::expr::{Call, ExprKind};
use crate::labels::NAME_LABEL;

/// A label made by a function may have so many bytes: nested calls could double it each time.
const VALUE_BYTES_MAX: usize = 64 << 10;

impl Cx<'_> {
    pub(crate) fn label_replace(&self, mut vector: Vector, call: &Call, grid: Grid) -> Result<Vector> {
        let text = |index: usize| self.string(arg(call, index)?, grid);
        let (target, replacement, source, pattern) = (text(1)?, text(2)?, text(3)?, text(4)?);
        let regex = crate::matcher::whole(&pattern)
            .map_err(|_| invalid(&format!("invalid regular expression in label_replace(): {pattern}")))?;
        self.check_label(call, 1, &target, "invalid destination label name in label_replace()")?;
        for series in &mut vector.series {
            self.guard.check()?;
            if let Some(found) = regex.captures(series.labels.get(&source).unwrap_or_default()) {
                let mut value = String::new();
                found.expand(&replacement, &mut value);
                series.labels = series.labels.with(&target, checked(&value)?);
            }
            vector.room.grow(series.labels.bytes())?;
            series.nameless &= target != NAME_LABEL;
        }
        vector.merged()
    }

    pub(crate) fn label_join(&self, mut vector: Vector, call: &Call, grid: Grid) -> Result<Vector> {
        let text = |index: usize| self.string(arg(call, index)?, grid);
        let (target, separator) = (text(1)?, text(2)?);
        let sources = (3..call.args.len()).map(text).collect::<Result<Vec<_>>>()?;
        for (index, source) in sources.iter().enumerate() {
            self.check_label(call, index + 3, source, "invalid source label name in label_join()")?;
        }
        self.check_label(call, 1, &target, "invalid destination label name in label_join()")?;
        for series in &mut vector.series {
            self.guard.check()?;
            let values: Vec<&str> = sources.iter().map(|name| series.labels.get(name).unwrap_or_default()).collect();
            series.labels = series.labels.with(&target, checked(&values.join(&separator))?);
            vector.room.grow(series.labels.bytes())?;
            series.nameless &= target != NAME_LABEL;
        }
        vector.merged()
    }

    fn check_label(&self, call: &Call, index: usize, name: &str, message: &str) -> Result<()> {
        let utf8 = !matches!(&arg(call, index)?.bare().kind, ExprKind::Text(text) if text.raw.is_some());
        if utf8 && !name.is_empty() { Ok(()) } else { Err(invalid(&format!("{message}: {name}"))) }
    }
}

fn checked(value: &str) -> Result<&str> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(invalid(&format!(
            "a label would get a value of {} bytes; at most {VALUE_BYTES_MAX} are taken",
            value.len()
        )));
    }
    Ok(value)
}

fn invalid(message: &str) -> EvalError {
    EvalError::Invalid(message.to_owned())
}
