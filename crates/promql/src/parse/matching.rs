//! What stands between an operator and its right side.

use super::{Parser, Result};
use crate::expr::{BinaryOp, Cardinality, Matching};
use crate::token::{Keyword, TokenKind};

impl Parser<'_> {
    /// `on (..) group_left (..)` and the like.
    pub(super) fn matching(&mut self, op: BinaryOp) -> Result<Option<Matching>> {
        let matching = self.on_or_ignoring(op)?;
        let mut filled = matching.clone().unwrap_or_default();
        if !self.fills(op, &mut filled)? {
            return Ok(matching);
        }
        Ok(Some(filled))
    }

    fn on_or_ignoring(&mut self, op: BinaryOp) -> Result<Option<Matching>> {
        let on = match self.kind() {
            TokenKind::Keyword(Keyword::On) => true,
            TokenKind::Keyword(Keyword::Ignoring) => false,
            _ => return Ok(None),
        };
        self.advance();
        let mut matching = Matching { on, labels: self.label_list()?, ..Matching::default() };
        let start = self.span();
        matching.card = match self.kind() {
            TokenKind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            TokenKind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(Some(matching)),
        };
        self.advance();
        if op.is_set() {
            return Err(self.error(start, format!("no grouping allowed for {:?} operation", op.name())));
        }
        if self.kind() == &TokenKind::LeftParen {
            matching.include = self.label_list()?;
        }
        if let Some(twice) = matching.include.iter().find(|label| on && matching.labels.contains(label)) {
            return Err(self.error(start, format!("label {twice:?} must not occur in ON and GROUP clause at once")));
        }
        Ok(Some(matching))
    }

    /// `fill (0)`, or `fill_left (0)` and `fill_right (0)`; false if there is nothing of the kind.
    fn fills(&mut self, op: BinaryOp, matching: &mut Matching) -> Result<bool> {
        let mut any = false;
        while self.options.experimental
            && self.kind() == &TokenKind::Identifier
            && self.kind_after() == &TokenKind::LeftParen
            && matches!(self.word(), "fill" | "fill_left" | "fill_right")
        {
            let (span, word) = (self.span(), self.word().to_owned());
            if op.is_set() {
                return Err(self.error(span, "filling in missing series not allowed for set operators"));
            }
            self.advance();
            self.advance();
            let sign = self.sign();
            let &TokenKind::Number(value) = self.kind() else { return Err(self.unexpected("fill", "number")) };
            self.advance();
            self.expect(&TokenKind::RightParen, "fill", "\")\"")?;
            for (side, place) in [("fill_right", &mut matching.fill_left), ("fill_left", &mut matching.fill_right)] {
                if word != side && place.replace(sign * value).is_some() {
                    return Err(self.error(span, "missing series may not be filled in twice"));
                }
            }
            any = true;
        }
        Ok(any)
    }
}
