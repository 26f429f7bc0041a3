//! Text to expression: operators by precedence, then everything in them checked for type.

mod aggregate;
pub(crate) mod check;
mod duration;
mod matching;
mod selector;
mod text;

use crate::error::ParseError;
use crate::expr::{Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, Matching, Span};
use crate::function::Function;
use crate::lex::lex;
use crate::token::{Keyword, Token, TokenKind};

/// A query may have so many bytes.
pub const QUERY_BYTES_MAX: usize = 256 << 10;
/// Expressions may be so high, counting each operator of a chain; whoever walks an expression may recurse.
pub const DEPTH_MAX: usize = 256;
/// Parentheses, arguments and signs may be nested so deep.
const NESTED_MAX: usize = 100;

/// What the parser lets through.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// Also functions and operators that Prometheus hides behind feature flags.
    pub experimental: bool,
    /// What `step()` is in durations, which is among the experiments: the step of a range query in ms.
    pub step_ms: i64,
    /// What `range()` is in durations: from the first step to the last, in ms.
    pub range_ms: i64,
}

/// Reads a query. The error says where and what, in the words of Prometheus.
///
/// ```
/// assert!(promql::parse("sum by (site) (rate(requests_total[5m]))").is_ok());
/// let error = promql::parse("rate(requests_total)").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"
/// );
/// ```
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, ParseOptions::default())
}

/// Like [`parse`], with options.
pub fn parse_with(text: &str, options: ParseOptions) -> Result<Expr, ParseError> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query has {} bytes; at most {QUERY_BYTES_MAX} are taken", text.len());
        return Err(ParseError::new(text, Span::default(), message));
    }
    let mut parser = Parser { text, tokens: lex(text), at: 0, depth: 0, of_info: false, options };
    if parser.kind() == &TokenKind::End {
        return Err(ParseError::new(text, parser.span(), "no expression found in input".to_owned()));
    }
    let expr = parser.expression(0)?;
    match parser.kind() {
        TokenKind::End => Ok(expr),
        _ => Err(parser.unexpected("", "")),
    }
}

/// Reads a selector alone, such as `up{site="oslo"}`: what the API's `match[]` holds.
pub fn parse_selector(text: &str) -> Result<crate::Selector, ParseError> {
    let expr = parse(text)?;
    match expr.kind {
        ExprKind::Selector(selector) => Ok(selector),
        _ => Err(ParseError::new(text, expr.span, "expected a selector such as up{site=\"oslo\"}".to_owned())),
    }
}

type Result<T, E = ParseError> = std::result::Result<T, E>;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Within `info`, whose second argument is a selector of labels and not of series.
    of_info: bool,
    options: ParseOptions,
}

impl Parser<'_> {
    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).or(self.tokens.last())
    }

    fn kind(&self) -> &TokenKind {
        self.token(0).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn kind_after(&self) -> &TokenKind {
        self.token(1).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn span(&self) -> Span {
        self.token(0).map(|token| token.span).unwrap_or_default()
    }

    fn word(&self) -> &str {
        let span = self.span();
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Where the last word taken ends.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let there = self.kind() == kind;
        self.at += usize::from(there);
        there
    }

    fn take_keyword(&mut self, word: Keyword) -> bool {
        self.take(&TokenKind::Keyword(word))
    }

    fn expect(&mut self, kind: &TokenKind, context: &str, expected: &str) -> Result<()> {
        if self.take(kind) { Ok(()) } else { Err(self.unexpected(context, expected)) }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.text, span, message.into())
    }

    fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        if let TokenKind::Broken(message) = self.kind() {
            return self.error(self.span(), message.clone());
        }
        let mut message = format!("unexpected {}", self.kind().describe(self.word()));
        if !context.is_empty() {
            message = format!("{message} in {context}");
        }
        if !expected.is_empty() {
            message = format!("{message}, expected {expected}");
        }
        self.error(self.span(), message)
    }

    /// Puts an expression together, refusing what is nested too deep.
    fn build(&self, kind: ExprKind, span: Span) -> Result<Expr> {
        let height = 1 + check::children(&kind).map(|child| child.height).max().unwrap_or(0);
        if height > DEPTH_MAX && matches!(kind, ExprKind::Binary(_)) {
            let message = format!(
                "more than {DEPTH_MAX} operators follow one another; put parts of them in parentheses, or ask for a sum over series"
            );
            return Err(self.error(span, message));
        }
        if height > DEPTH_MAX {
            return Err(self.too_deep(span, DEPTH_MAX));
        }
        let expr = Expr { kind, span, height };
        self.check(&expr)?;
        Ok(expr)
    }

    fn too_deep(&self, span: Span, limit: usize) -> ParseError {
        self.error(span, format!("the expression is nested more than {limit} levels deep; split it"))
    }

    /// An expression whose operators bind at least as close as `least`.
    fn expression(&mut self, least: u8) -> Result<Expr> {
        self.depth += 1;
        if self.depth > NESTED_MAX {
            return Err(self.too_deep(self.span(), NESTED_MAX));
        }
        let mut left = self.operand()?;
        while let &TokenKind::Op(op) = self.kind() {
            let precedence = op.precedence();
            if precedence < least {
                break;
            }
            left = self.binary(left, op, precedence)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn binary(&mut self, left: Expr, op: BinaryOp, precedence: u8) -> Result<Expr> {
        self.advance();
        let returns_bool = self.take_keyword(Keyword::Bool);
        let matching = self.matching(op)?;
        let right = self.expression(if op == BinaryOp::Pow { precedence } else { precedence + 1 })?;
        let span = Span { start: left.span.start, end: right.span.end };
        let both = [&left, &right].iter().all(|side| side.value_type() == crate::ValueType::Vector);
        let fills = |matching: &Matching| matching.fill_left.is_some() || matching.fill_right.is_some();
        if !both && matching.as_ref().is_some_and(fills) {
            return Err(self.error(span, "filling in missing series only allowed between instant vectors"));
        }
        if !both && matching.as_ref().is_some_and(|matching| matching.on || !matching.labels.is_empty()) {
            return Err(self.error(span, "vector matching only allowed between instant vectors"));
        }
        let mut matching = if both { Some(matching.unwrap_or_default()) } else { None };
        if let Some(matching) = matching.as_mut().filter(|_| op.is_set()) {
            matching.card = Cardinality::ManyToMany;
        }
        self.build(ExprKind::Binary(Box::new(Binary { op, left, right, returns_bool, matching })), span)
    }

    /// A sign and what it stands before, or a primary expression with what follows it.
    fn operand(&mut self) -> Result<Expr> {
        let start = self.span().start;
        let negative = match self.kind() {
            TokenKind::Op(BinaryOp::Add) => false,
            TokenKind::Op(BinaryOp::Sub) => true,
            _ => {
                let primary = self.primary()?;
                return self.followed(primary);
            }
        };
        self.advance();
        let mut operand = self.expression(BinaryOp::Pow.precedence())?;
        let span = Span { start, end: operand.span.end };
        if let ExprKind::Number(value) = &mut operand.kind {
            *value = if negative { -*value } else { *value };
            operand.span = span;
            return Ok(operand);
        }
        self.build(ExprKind::Unary(negative, Box::new(operand)), span)
    }

    fn primary(&mut self) -> Result<Expr> {
        let span = self.span();
        match self.kind().clone() {
            TokenKind::Number(value) => {
                self.advance();
                self.build(ExprKind::Number(value), span)
            }
            TokenKind::Duration(ms) => {
                self.advance();
                self.build(ExprKind::Number(ms as f64 / 1e3), span)
            }
            TokenKind::Text => {
                let text = self.quoted()?;
                self.build(ExprKind::Text(text), span)
            }
            TokenKind::LeftParen => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect(&TokenKind::RightParen, "", "")?;
                self.build(ExprKind::Paren(Box::new(inner)), Span { start: span.start, end: self.end() })
            }
            TokenKind::LeftBrace => self.selector(None),
            TokenKind::Aggregate(op) if self.begins_aggregate() => self.aggregate(op),
            kind if kind.names_metric() && self.begins_call(&kind) => self.call(),
            kind if kind.names_metric() => {
                let name = self.word().to_owned();
                self.advance();
                self.selector(Some((name, span)))
            }
            _ => Err(self.unexpected("", "")),
        }
    }

    fn begins_aggregate(&self) -> bool {
        matches!(
            self.kind_after(),
            TokenKind::LeftParen | TokenKind::Keyword(Keyword::By) | TokenKind::Keyword(Keyword::Without)
        )
    }

    fn begins_call(&self, kind: &TokenKind) -> bool {
        let named = matches!(kind, TokenKind::Identifier | TokenKind::Keyword(Keyword::Start | Keyword::End));
        named && self.kind_after() == &TokenKind::LeftParen
    }

    fn call(&mut self) -> Result<Expr> {
        let span = self.span();
        let name = self.word().to_owned();
        let Some(function) = Function::find(&name) else {
            return Err(self.error(span, format!("unknown function with name {name:?}")));
        };
        if function.experimental && !self.options.experimental {
            let message = format!("function {name:?} is experimental and not enabled here");
            return Err(self.error(span, message));
        }
        self.advance();
        let outer = std::mem::replace(&mut self.of_info, function.name == "info");
        let args = self.arguments()?;
        self.of_info = outer;
        let span = Span { start: span.start, end: self.end() };
        if function.name == "info" {
            self.check_info(&args)?;
        }
        self.build(ExprKind::Call(Call { function, args }), span)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect(&TokenKind::LeftParen, "", "")?;
        let mut args = Vec::new();
        while self.kind() != &TokenKind::RightParen {
            args.push(self.expression(0)?);
            if self.take(&TokenKind::Comma) {
                if self.kind() == &TokenKind::RightParen {
                    return Err(self.error(self.span(), "trailing commas not allowed in function call args"));
                }
            } else if self.kind() != &TokenKind::RightParen {
                return Err(self.unexpected("", ""));
            }
        }
        self.advance();
        Ok(args)
    }
}

#[cfg(test)]
mod tests;
