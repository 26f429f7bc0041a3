//! Selectors, and what follows an expression: ranges, subqueries, `offset`, `@`.

use super::{Parser, Result};
use crate::error::ParseError;
use crate::expr::{At, BinaryOp, Edges, Expr, ExprKind, RangeSelector, Selector, Span, Subquery, ValueType, When};
use crate::labels::NAME_LABEL;
use crate::matcher::{MatchOp, Matcher};
use crate::token::{Keyword, TokenKind};

impl Parser<'_> {
    /// A selector; its name, if any, has been taken already.
    pub(super) fn selector(&mut self, name: Option<(String, Span)>) -> Result<Expr> {
        let start = name.as_ref().map_or(self.span().start, |(_, span)| span.start);
        let mut name = name.map(|(name, _)| name);
        let mut matchers = Vec::new();
        if self.take(&TokenKind::LeftBrace) {
            while !self.take(&TokenKind::RightBrace) {
                self.matcher(&mut name, &mut matchers)?;
                if !self.take(&TokenKind::Comma) && self.kind() != &TokenKind::RightBrace {
                    return Err(self.unexpected("label matching", "\",\" or \"}\""));
                }
            }
        }
        let span = Span { start, end: self.end() };
        if let Some(name) = &name {
            if let Some(other) = matchers.iter().find(|matcher| matcher.name() == NAME_LABEL) {
                let message = format!("metric name must not be set twice: {name:?} or {:?}", other.value());
                return Err(self.error(span, message));
            }
            matchers.push(Matcher::equal(NAME_LABEL, name));
        }
        if !self.of_info {
            self.check_selective(&matchers, span)?;
        }
        self.build(ExprKind::Selector(Selector { name, matchers, edges: Edges::Plain, when: When::default() }), span)
    }

    /// `label="value"`, or a metric's name in quotes.
    fn matcher(&mut self, name: &mut Option<String>, matchers: &mut Vec<Matcher>) -> Result<()> {
        let span = self.span();
        let label = match self.kind() {
            TokenKind::Identifier => {
                let label = self.word().to_owned();
                self.advance();
                label
            }
            TokenKind::Text => {
                let label = self.quoted_utf8()?;
                if matches!(self.kind(), TokenKind::Comma | TokenKind::RightBrace) {
                    if let Some(other) = name.replace(label.clone()) {
                        let message = format!("metric name must not be set twice: {other:?} or {label:?}");
                        return Err(self.error(span, message));
                    }
                    return Ok(());
                }
                label
            }
            _ => return Err(self.unexpected("label matching", "identifier or \"}\"")),
        };
        let op = match self.kind() {
            TokenKind::Assign => MatchOp::Equal,
            TokenKind::Op(BinaryOp::NotEqual) => MatchOp::NotEqual,
            TokenKind::RegexEqual => MatchOp::Regex,
            TokenKind::RegexNot => MatchOp::NotRegex,
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        self.advance();
        if self.kind() != &TokenKind::Text {
            return Err(self.unexpected("label matching", "string"));
        }
        let value = self.quoted_utf8()?;
        matchers.push(Matcher::new(&label, op, &value).map_err(|message| self.error(span, message))?);
        Ok(())
    }

    /// What follows a primary expression.
    pub(super) fn followed(&mut self, mut expr: Expr) -> Result<Expr> {
        loop {
            expr = match self.kind() {
                TokenKind::LeftBracket => self.range(expr)?,
                TokenKind::Keyword(Keyword::Offset) => self.offset(expr)?,
                TokenKind::At => self.fixed(expr)?,
                TokenKind::Identifier if self.options.experimental && self.word() == "anchored" => {
                    self.edged(expr, Edges::Anchored)?
                }
                TokenKind::Identifier if self.options.experimental && self.word() == "smoothed" => {
                    self.edged(expr, Edges::Smoothed)?
                }
                _ => return Ok(expr),
            };
        }
    }

    fn range(&mut self, expr: Expr) -> Result<Expr> {
        let bracket = self.span();
        self.advance();
        let range_ms = self.positive_duration("subquery or range selector")?;
        if self.take(&TokenKind::Colon) {
            let open = self.kind() == &TokenKind::RightBracket;
            let step_ms = if open { None } else { Some(self.positive_duration("subquery selector")?) };
            self.expect(&TokenKind::RightBracket, "subquery selector", "\"]\"")?;
            let span = Span { start: expr.span.start, end: self.end() };
            let when = When::default();
            return self.build(ExprKind::Subquery(Box::new(Subquery { expr, range_ms, step_ms, when })), span);
        }
        self.expect(&TokenKind::RightBracket, "subquery or range selector", "\":\" or \"]\"")?;
        let span = Span { start: expr.span.start, end: self.end() };
        let ExprKind::Selector(selector) = expr.kind else {
            return Err(self.error(bracket, "ranges only allowed for vector selectors"));
        };
        match selector.when {
            When { offset_ms: 0, at: None } => {}
            When { at: None, .. } => return Err(self.error(bracket, "no offset modifiers allowed before range")),
            _ => return Err(self.error(bracket, "no @ modifiers allowed before range")),
        }
        self.build(ExprKind::Range(RangeSelector { selector, range_ms }), span)
    }

    fn edged(&mut self, mut expr: Expr, edges: Edges) -> Result<Expr> {
        let (span, name) = (self.span(), edges.name());
        self.advance();
        let selector = match &mut expr.kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            ExprKind::Subquery(_) => {
                return Err(self.error(span, format!("{name} modifier is not supported for subqueries")));
            }
            _ => return Err(self.error(span, format!("{name} modifier must be preceded by a selector"))),
        };
        if selector.edges != Edges::Plain {
            return Err(self.error(span, "anchored and smoothed modifiers cannot be used together"));
        }
        selector.edges = edges;
        expr.span.end = self.end();
        Ok(expr)
    }

    fn offset(&mut self, mut expr: Expr) -> Result<Expr> {
        self.advance();
        let offset_ms = self.signed_duration("offset")?;
        let (text, span) = (self.text, expr.span);
        let Some(when) = when_of(&mut expr) else {
            return Err(ParseError::new(
                text,
                span,
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                    .to_owned(),
            ));
        };
        if when.offset_ms != 0 {
            return Err(ParseError::new(text, span, "offset may not be set multiple times".to_owned()));
        }
        when.offset_ms = offset_ms;
        expr.span.end = self.end();
        Ok(expr)
    }

    fn fixed(&mut self, mut expr: Expr) -> Result<Expr> {
        self.advance();
        let at = self.fixed_time()?;
        let (text, span) = (self.text, expr.span);
        let Some(when) = when_of(&mut expr) else {
            return Err(ParseError::new(
                text,
                span,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                    .to_owned(),
            ));
        };
        if when.at.is_some() {
            return Err(ParseError::new(text, span, "@ <timestamp> may not be set multiple times".to_owned()));
        }
        when.at = Some(at);
        expr.span.end = self.end();
        Ok(expr)
    }

    /// Seconds with a sign, `start()` or `end()`.
    fn fixed_time(&mut self) -> Result<At> {
        for (word, at) in [(Keyword::Start, At::Start), (Keyword::End, At::End)] {
            if self.take_keyword(word) {
                self.expect(&TokenKind::LeftParen, "@", "\"(\"")?;
                self.expect(&TokenKind::RightParen, "@", "\")\"")?;
                return Ok(at);
            }
        }
        let span = self.span();
        let sign = self.sign();
        let seconds = match self.kind() {
            TokenKind::Number(value) => *value,
            TokenKind::Duration(ms) => *ms as f64 / 1e3,
            _ => return Err(self.unexpected("@", "timestamp")),
        };
        self.advance();
        let ms = (sign * seconds * 1e3).round();
        if !ms.is_finite() || ms.abs() >= i64::MAX as f64 / 2.0 {
            let message = format!("timestamp out of bounds for @ modifier: {}", crate::format_float(sign * seconds));
            return Err(self.error(span, message));
        }
        Ok(At::Time(ms as i64))
    }
}

/// The place for `offset` and `@`, if the expression has one.
fn when_of(expr: &mut Expr) -> Option<&mut When> {
    match &mut expr.kind {
        ExprKind::Selector(selector) => Some(&mut selector.when),
        ExprKind::Range(range) => Some(&mut range.selector.when),
        ExprKind::Subquery(subquery) => Some(&mut subquery.when),
        _ => None,
    }
}

impl Parser<'_> {
    fn check_selective(&self, matchers: &[Matcher], span: Span) -> Result<()> {
        if matchers.iter().all(|matcher| matcher.accepts("")) {
            return Err(self.error(span, "vector selector must contain at least one non-empty matcher"));
        }
        Ok(())
    }

    /// The second argument of `info` is braces; the first is as everywhere.
    pub(super) fn check_info(&self, args: &[Expr]) -> Result<()> {
        if let Some(base) = args.first() {
            base.selectors().iter().try_for_each(|one| self.check_selective(&one.selector.matchers, base.span))?;
        }
        match args.get(1).map(|arg| (&arg.kind, arg.span)) {
            None => Ok(()),
            Some((ExprKind::Selector(selector), _)) if selector.name.is_none() => Ok(()),
            Some((_, span)) => Err(self.error(span, "expected label selectors only")),
        }
    }

    pub(super) fn check_subquery(&self, subquery: &Subquery) -> Result<()> {
        let given = subquery.expr.value_type();
        if given == ValueType::Vector {
            return Ok(());
        }
        let message = format!("subquery is only allowed on instant vector, got {} instead", given.name());
        Err(self.error(subquery.expr.span, message))
    }
}
