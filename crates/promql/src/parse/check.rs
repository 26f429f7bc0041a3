//! Are the parts of an expression of the types it needs?

use super::{Parser, Result};
use crate::expr::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, Span, ValueType};

/// The expressions right below.
pub(crate) fn children(kind: &ExprKind) -> impl Iterator<Item = &Expr> {
    let (first, second, many): (Option<&Expr>, Option<&Expr>, &[Expr]) = match kind {
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Selector(_) | ExprKind::Range(_) => (None, None, &[]),
        ExprKind::Subquery(subquery) => (Some(&subquery.expr), None, &[]),
        ExprKind::Call(call) => (None, None, &call.args),
        ExprKind::Aggregate(aggregate) => (aggregate.param.as_ref(), Some(&aggregate.expr), &[]),
        ExprKind::Binary(binary) => (Some(&binary.left), Some(&binary.right), &[]),
        ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => (Some(inner.as_ref()), None, &[]),
    };
    first.into_iter().chain(second).chain(many)
}

impl Parser<'_> {
    pub(super) fn check(&self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Call(call) => {
                call.function.check_count(call.args.len()).map_err(|message| self.error(expr.span, message))?;
                for (index, arg) in call.args.iter().enumerate() {
                    if let Some(wanted) = call.function.arg(index) {
                        self.expect_type(arg, wanted, &format!("call to function {:?}", call.function.name))?;
                    }
                }
                Ok(())
            }
            ExprKind::Aggregate(aggregate) => self.check_aggregate(aggregate),
            ExprKind::Binary(binary) => self.check_binary(binary, expr.span),
            ExprKind::Unary(_, inner) => match inner.value_type() {
                ValueType::Scalar | ValueType::Vector => Ok(()),
                other => {
                    let name = other.name();
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {name:?}"
                    );
                    Err(self.error(expr.span, message))
                }
            },
            ExprKind::Subquery(subquery) => self.check_subquery(subquery),
            _ => Ok(()),
        }
    }

    fn expect_type(&self, expr: &Expr, wanted: ValueType, context: &str) -> Result<()> {
        let given = expr.value_type();
        if given == wanted {
            return Ok(());
        }
        let message = format!("expected type {} in {context}, got {}", wanted.name(), given.name());
        Err(self.error(expr.span, message))
    }

    fn check_aggregate(&self, aggregate: &Aggregate) -> Result<()> {
        self.expect_type(&aggregate.expr, ValueType::Vector, "aggregation expression")?;
        let Some(param) = &aggregate.param else { return Ok(()) };
        let wanted = if aggregate.op == AggregateOp::CountValues { ValueType::Text } else { ValueType::Scalar };
        self.expect_type(param, wanted, "aggregation parameter")
    }

    fn check_binary(&self, binary: &Binary, span: Span) -> Result<()> {
        let Binary { op, left, right, returns_bool, .. } = binary;
        let scalar = |side: &Expr| side.value_type() == ValueType::Scalar;
        if *returns_bool && !op.is_comparison() {
            return Err(self.error(span, "bool modifier can only be used on comparison operators"));
        }
        if op.is_comparison() && !returns_bool && scalar(left) && scalar(right) {
            return Err(self.error(span, "comparisons between scalars must use BOOL modifier"));
        }
        for side in [left, right] {
            if !matches!(side.value_type(), ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(side.span, message));
            }
        }
        if op.is_set() && (scalar(left) || scalar(right)) {
            let message = format!("set operator {:?} not allowed in binary scalar expression", BinaryOp::name(*op));
            return Err(self.error(span, message));
        }
        Ok(())
    }
}
