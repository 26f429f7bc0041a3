//! Aggregations and lists of labels.

use super::{Parser, Result};
use crate::expr::{Aggregate, AggregateOp, Expr, ExprKind, Grouping, Span};
use crate::token::{Keyword, TokenKind};

impl Parser<'_> {
    /// `sum by (a) (b)` or `sum (b) by (a)`.
    pub(super) fn aggregate(&mut self, op: AggregateOp) -> Result<Expr> {
        let start = self.span();
        if op.is_experimental() && !self.options.experimental {
            let message = format!("{}() is experimental and not enabled here", op.name());
            return Err(self.error(start, message));
        }
        self.advance();
        let before = self.grouping()?;
        let mut args = self.arguments()?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or_default(),
        };
        let span = Span { start: start.start, end: self.end() };
        if args.is_empty() {
            return Err(self.error(span, "no arguments for aggregate expression provided"));
        }
        let needed = 1 + usize::from(op.takes_param());
        if args.len() != needed {
            let given = args.len();
            let message =
                format!("wrong number of arguments for aggregate expression provided, expected {needed}, got {given}");
            return Err(self.error(span, message));
        }
        let Some(expr) = args.pop() else { return Err(self.unexpected("aggregation", "")) };
        let param = args.pop();
        self.build(ExprKind::Aggregate(Box::new(Aggregate { op, expr, param, grouping })), span)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>> {
        let without = match self.kind() {
            TokenKind::Keyword(Keyword::By) => false,
            TokenKind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(Grouping { without, labels: self.label_list()? }))
    }

    /// `(a, "b.c", )`.
    pub(super) fn label_list(&mut self) -> Result<Vec<String>> {
        self.expect(&TokenKind::LeftParen, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        while !self.take(&TokenKind::RightParen) {
            match self.kind() {
                TokenKind::Text => labels.push(self.quoted_utf8()?),
                kind if kind.names_label() => {
                    labels.push(self.word().to_owned());
                    self.advance();
                }
                // `inf` and `nan` are numbers elsewhere.
                TokenKind::Number(_) if self.word().starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    labels.push(self.word().to_owned());
                    self.advance();
                }
                _ => return Err(self.unexpected("grouping opts", "label")),
            }
            if !self.take(&TokenKind::Comma) && self.kind() != &TokenKind::RightParen {
                return Err(self.unexpected("grouping opts", "\",\" or \")\""));
            }
        }
        Ok(labels)
    }
}
