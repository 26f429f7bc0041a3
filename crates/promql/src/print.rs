//! Expressions as text: one form for each, which reads back as the same expression.

use crate::expr::{
    Aggregate, At, Binary, BinaryOp, Cardinality, Edges, Expr, ExprKind, Matching, Selector, Text, When,
};
use crate::labels::{NAME_LABEL, is_plain_name, quoted_name};
use crate::number::{format_duration, format_float, quote, quote_bytes};
use std::fmt::{self, Display, Formatter};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => f.write_str(&format_float(*value)),
            ExprKind::Text(text) => text.fmt(f),
            ExprKind::Selector(selector) => selector.fmt(f),
            ExprKind::Range(range) => {
                range.selector.write_series(f)?;
                write!(f, "[{}]", format_duration(range.range_ms))?;
                range.selector.write_modifiers(f)
            }
            ExprKind::Subquery(subquery) => {
                let step = subquery.step_ms.map(format_duration).unwrap_or_default();
                write!(f, "{}[{}:{step}]{}", subquery.expr, format_duration(subquery.range_ms), subquery.when)
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                join(f, &call.args)?;
                f.write_str(")")
            }
            ExprKind::Aggregate(aggregate) => aggregate.fmt(f),
            ExprKind::Binary(binary) => binary.fmt(f),
            ExprKind::Unary(negative, inner) => write!(f, "{}{inner}", if *negative { "-" } else { "+" }),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.raw {
            None => f.write_str(&quote(&self.value)),
            Some(raw) => f.write_str(&quote_bytes(raw)),
        }
    }
}

impl Selector {
    fn write_series(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = self.name.as_deref().filter(|name| is_plain_name(name, true) && may_begin(name));
        f.write_str(plain.unwrap_or_default())?;
        let hidden = |matcher: &&crate::Matcher| self.name.is_some() && matcher.name() == NAME_LABEL;
        let mut parts: Vec<String> = Vec::new();
        if let (Some(name), None) = (&self.name, plain) {
            parts.push(quote(name));
        }
        parts.extend(self.matchers.iter().filter(|one| !hidden(one)).map(ToString::to_string));
        if parts.is_empty() && plain.is_some() { Ok(()) } else { write!(f, "{{{}}}", parts.join(",")) }
    }
}

impl Selector {
    fn write_modifiers(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.edges != Edges::Plain {
            write!(f, " {}", self.edges.name())?;
        }
        self.when.fmt(f)
    }
}

/// False for names that would be read as something else.
fn may_begin(name: &str) -> bool {
    crate::token::TokenKind::of_word(name).is_none_or(|kind| kind.names_metric())
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_series(f)?;
        self.write_modifiers(f)
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            None => {}
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Time(ms)) => {
                let sign = if ms < 0 { "-" } else { "" };
                write!(f, " @ {sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)?;
            }
        }
        match self.offset_ms {
            0 => Ok(()),
            ms => write!(f, " offset {}", format_duration(ms)),
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if self.grouping.without {
            write!(f, " without ({}) ", names(&self.grouping.labels))?;
        } else if !self.grouping.labels.is_empty() {
            write!(f, " by ({}) ", names(&self.grouping.labels))?;
        }
        f.write_str("(")?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A sign would take what is left of `^` for itself.
        match self.left.kind {
            ExprKind::Number(f64::INFINITY) if self.op == BinaryOp::Pow => f.write_str("Inf")?,
            _ => self.left.fmt(f)?,
        }
        write!(f, " {}", self.op.name())?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        if let Some(matching) = &self.matching {
            matching.fmt(f)?;
        }
        write!(f, " {}", self.right)
    }
}

impl Display for Matching {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let grouped = matches!(self.card, Cardinality::ManyToOne | Cardinality::OneToMany);
        if self.on || !self.labels.is_empty() || grouped {
            write!(f, " {} ({})", if self.on { "on" } else { "ignoring" }, names(&self.labels))?;
        }
        if grouped {
            let side = if self.card == Cardinality::ManyToOne { "left" } else { "right" };
            write!(f, " group_{side} ({})", names(&self.include))?;
        }
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
                write!(f, " fill ({})", format_float(left))
            }
            (left, right) => {
                for (side, value) in [("left", left), ("right", right)] {
                    if let Some(value) = value {
                        write!(f, " fill_{side} ({})", format_float(value))?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn names(labels: &[String]) -> String {
    labels.iter().map(|label| quoted_name(label)).collect::<Vec<_>>().join(", ")
}

fn join(f: &mut Formatter<'_>, args: &[Expr]) -> fmt::Result {
    for (index, arg) in args.iter().enumerate() {
        write!(f, "{}{arg}", if index > 0 { ", " } else { "" })?;
    }
    Ok(())
}
