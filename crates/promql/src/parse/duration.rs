//! Durations of ranges, steps and offsets; with arithmetic among the experiments, computed as the query is read.

use super::{NESTED_MAX, Parser, Result};
use crate::expr::{AggregateOp, BinaryOp, Span};
use crate::token::TokenKind;

/// The longest duration in a query: a thousand years, in ms.
const DURATION_MAX: f64 = 1_000.0 * 365.0 * 86_400_000.0;

impl Parser<'_> {
    /// Between brackets, in ms.
    pub(super) fn positive_duration(&mut self, context: &str) -> Result<i64> {
        let span = self.span();
        let ms = if self.options.experimental { self.computed(0, context)? } else { self.plain(context)? };
        let ms = self.bounded(ms, span)?;
        if ms <= 0 {
            return Err(self.error(span, "duration must be greater than 0"));
        }
        Ok(ms)
    }

    /// Behind `offset`, in ms; arithmetic needs parentheses there.
    pub(super) fn signed_duration(&mut self, context: &str) -> Result<i64> {
        let span = self.span();
        let ms = if self.options.experimental { self.operand_ms(context)? } else { self.plain(context)? };
        self.bounded(ms, span)
    }

    fn bounded(&self, ms: f64, span: Span) -> Result<i64> {
        if !ms.is_finite() || ms.abs() > DURATION_MAX {
            return Err(self.error(span, "duration out of range; at most 1000 years are taken"));
        }
        Ok(ms as i64)
    }

    /// A duration, or a number of seconds, with or without a sign.
    fn plain(&mut self, context: &str) -> Result<f64> {
        let sign = self.sign();
        let ms = match self.kind() {
            TokenKind::Number(seconds) => (seconds * 1e3).trunc(),
            TokenKind::Duration(ms) => *ms as f64,
            _ => return Err(self.unexpected(context, "number or duration")),
        };
        self.advance();
        Ok(sign * ms)
    }

    pub(super) fn sign(&mut self) -> f64 {
        if self.take(&TokenKind::Op(BinaryOp::Sub)) {
            return -1.0;
        }
        self.take(&TokenKind::Op(BinaryOp::Add));
        1.0
    }

    /// Arithmetic; numbers are seconds.
    fn computed(&mut self, least: u8, context: &str) -> Result<f64> {
        self.depth += 1;
        if self.depth > NESTED_MAX {
            return Err(self.too_deep(self.span(), NESTED_MAX));
        }
        let mut left = self.operand_ms(context)?;
        while let &TokenKind::Op(op) = self.kind() {
            let precedence = op.precedence();
            let known = matches!(
                op,
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow
            );
            if precedence < least || !known {
                break;
            }
            let span = self.span();
            self.advance();
            let right = self.computed(if op == BinaryOp::Pow { precedence } else { precedence + 1 }, context)?;
            if right == 0.0 && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
                let name = if op == BinaryOp::Div { "division" } else { "modulo" };
                return Err(self.error(span, format!("{name} by zero")));
            }
            left = crate::eval::arithmetic(op, left / 1e3, right / 1e3) * 1e3;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand_ms(&mut self, context: &str) -> Result<f64> {
        let (step_ms, range_ms) = (self.options.step_ms as f64, self.options.range_ms as f64);
        match self.kind() {
            TokenKind::Op(BinaryOp::Add | BinaryOp::Sub) => {
                let sign = self.sign();
                self.depth += 1;
                if self.depth > NESTED_MAX {
                    return Err(self.too_deep(self.span(), NESTED_MAX));
                }
                let operand = self.operand_ms(context)?;
                self.depth -= 1;
                Ok(sign * operand)
            }
            TokenKind::LeftParen => {
                self.advance();
                let inner = self.computed(0, context)?;
                self.expect(&TokenKind::RightParen, context, "\")\"")?;
                Ok(inner)
            }
            TokenKind::Identifier if self.word() == "step" => self.of_query(step_ms, context),
            TokenKind::Identifier if self.word() == "range" => self.of_query(range_ms, context),
            TokenKind::Aggregate(op @ (AggregateOp::Min | AggregateOp::Max)) => {
                let largest = *op == AggregateOp::Max;
                self.advance();
                self.expect(&TokenKind::LeftParen, context, "\"(\"")?;
                let first = self.computed(0, context)?;
                self.expect(&TokenKind::Comma, context, "\",\"")?;
                let second = self.computed(0, context)?;
                self.expect(&TokenKind::RightParen, context, "\")\"")?;
                Ok(if largest { first.max(second) } else { first.min(second) })
            }
            _ => self.plain(context),
        }
    }

    /// `step()` or `range()`.
    fn of_query(&mut self, ms: f64, context: &str) -> Result<f64> {
        self.advance();
        self.expect(&TokenKind::LeftParen, context, "\"(\"")?;
        self.expect(&TokenKind::RightParen, context, "\")\"")?;
        Ok(ms)
    }
}
