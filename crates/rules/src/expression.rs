//! Expressions of rules: read as the house evaluates them, and taken apart.

use promql::{BinaryOp, Expr, ExprKind, ParseError, ParseOptions, ValueType};

mod parts;

pub use parts::{Part, parts_of};

/// Reads an expression; what Prometheus has behind feature flags is known too.
///
/// # Errors
/// Where it is wrong, and why.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    promql::parse_with(text, ParseOptions { experimental: true, ..ParseOptions::default() })
}

/// What an expression compares with a number, to be drawn beside it: looked for through parentheses, `and` and `unless`.
///
/// ```
/// let base = |text: &str| rules::base_of(&promql::parse(text).unwrap()).map(ToString::to_string);
/// assert_eq!(base("rate(errors[5m]) > 0.1").as_deref(), Some("rate(errors[5m])"));
/// assert_eq!(base("absent(up)"), None);
/// ```
pub fn base_of(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Paren(inner) => base_of(inner),
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::And | BinaryOp::Unless => base_of(&binary.left),
            op if op.is_comparison() && !binary.returns_bool => {
                let number = binary.right.value_type() == ValueType::Scalar;
                (number && binary.left.value_type() == ValueType::Vector).then_some(&binary.left)
            }
            _ => None,
        },
        _ => None,
    }
}
