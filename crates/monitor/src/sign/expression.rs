//! What an alert of a rule says of its thing, read from the rule's expression as somebody would who knows the exporters:
//! which metrics it compares, and in which direction. Where two readings are possible there is none. Pure.

use causes::What;
use promql::{AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, MatchOp, NAME_LABEL, Selector};

use super::metrics::{self, When};

/// What alerts of a rule are taken as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) what: What,
    /// From what, behind "as it".
    pub(crate) from: String,
}

/// What an expression says; nothing when it says nothing that is known, or more than one thing.
pub(crate) fn taken(text: &str) -> Option<Taken> {
    match read(&promql::parse(text).ok()?) {
        Said::One(taken) => Some(taken),
        Said::Nothing | Said::Unclear => None,
    }
}

/// What a part of an expression says.
#[derive(Clone, Debug)]
enum Said {
    Nothing,
    One(Taken),
    /// Something, but it is not clear what.
    Unclear,
}

impl Said {
    /// Both hold: what says nothing adds nothing.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::One(one), Self::One(other)) if one.what == other.what => Self::One(one),
            _ => Self::Unclear,
        }
    }

    /// One of them holds: they must say the same.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Self::Nothing,
            (Self::One(one), Self::One(other)) if one.what == other.what => Self::One(one),
            _ => Self::Unclear,
        }
    }
}

/// What the conditions in an expression say.
fn read(expr: &Expr) -> Said {
    match &expr.bare().kind {
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::And => read(&binary.left).and(read(&binary.right)),
            BinaryOp::Or => read(&binary.left).or(read(&binary.right)),
            BinaryOp::Unless => read(&binary.left),
            op if op.is_comparison() => compared(binary),
            _ => read(&binary.left).and(read(&binary.right)),
        },
        ExprKind::Call(call) if call.function.name.starts_with("absent") => absent(call),
        ExprKind::Call(call) => call.args.iter().map(read).fold(Said::Nothing, Said::and),
        ExprKind::Aggregate(aggregate) => read(&aggregate.expr),
        ExprKind::Subquery(subquery) => read(&subquery.expr),
        ExprKind::Unary(_, inner) => read(inner),
        _ => Said::Nothing,
    }
}

/// What is absent sends no data; that no target answers (`absent(up == 1)`) says the same as that each does not.
fn absent(call: &Call) -> Said {
    let Some(arg) = call.args.first().map(Expr::bare) else { return Said::Nothing };
    let selectors = arg.selectors();
    let Some(name) = selectors.first().and_then(|one| name(one.selector)) else { return Said::Nothing };
    let answers = matches!(&arg.kind, ExprKind::Binary(binary) if binary.op == BinaryOp::Equal);
    let what = if answers && name == "up" { What::Down } else { What::NoData };
    Said::One(Taken { what, from: format!("asks whether {name} is absent") })
}

/// A comparison with a number, or of two things with each other.
fn compared(binary: &Binary) -> Said {
    let (side, mut parts, op, with) = match (number(&binary.left), number(&binary.right)) {
        (Some(_), Some(_)) => return Said::Nothing,
        (None, Some(right)) => (&binary.left, parts(&binary.left), binary.op, Some(right)),
        (Some(left), None) => (&binary.right, parts(&binary.right), flipped(binary.op), Some(left)),
        (None, None) => {
            let mut both = parts(&binary.left);
            both.iter_mut().for_each(|part| part.plain = false);
            both.extend(parts(&binary.right).into_iter().map(|part| Part { high: !part.high, plain: false, ..part }));
            (&binary.left, both, binary.op, None)
        }
    };
    match read(side) {
        Said::Nothing => {}
        // `count(up == 0) > 2`: the more of them, the worse.
        said if matches!(op, BinaryOp::Greater | BinaryOp::GreaterEqual | BinaryOp::NotEqual) => return said,
        _ => return Said::Unclear,
    }
    parts.retain(|part| !part.selector.name.as_deref().is_some_and(|name| name.ends_with("_info")));
    parts.iter().map(|part| part.says(op, with)).fold(Said::Nothing, Said::and)
}

fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        other => other,
    }
}

fn holds(op: BinaryOp, value: f64, number: f64) -> bool {
    match op {
        BinaryOp::Equal => value == number,
        BinaryOp::NotEqual => value != number,
        BinaryOp::Greater => value > number,
        BinaryOp::GreaterEqual => value >= number,
        BinaryOp::Less => value < number,
        BinaryOp::LessEqual => value <= number,
        _ => false,
    }
}

/// The number that an expression is, if it is one.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.bare().kind {
        ExprKind::Number(value) => Some(*value),
        ExprKind::Unary(negative, inner) => number(inner).map(|value| if *negative { -value } else { value }),
        ExprKind::Binary(binary) => {
            let (left, right) = (number(&binary.left)?, number(&binary.right)?);
            match binary.op {
                BinaryOp::Add => Some(left + right),
                BinaryOp::Sub => Some(left - right),
                BinaryOp::Mul => Some(left * right),
                BinaryOp::Div => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A metric that goes into what is compared.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    selector: &'a Selector,
    /// The more of it, the more of what is compared.
    high: bool,
    /// What is compared has its values: nothing was counted or added to them.
    plain: bool,
    /// Above a line: it is a share of something.
    ratio: bool,
    /// How much it grows.
    rate: bool,
    /// A quantile of a histogram.
    quantile: bool,
}

/// The metrics that go into a value.
fn parts(expr: &Expr) -> Vec<Part<'_>> {
    let part = |selector| vec![Part { selector, high: true, plain: true, ratio: false, rate: false, quantile: false }];
    match &expr.bare().kind {
        ExprKind::Selector(selector) => part(selector),
        ExprKind::Range(range) => part(&range.selector),
        ExprKind::Subquery(subquery) => parts(&subquery.expr),
        ExprKind::Unary(negative, inner) => turned(inner, *negative),
        ExprKind::Call(call) => of_call(call),
        ExprKind::Aggregate(aggregate) => match aggregate.op {
            AggregateOp::Count
            | AggregateOp::CountValues
            | AggregateOp::Group
            | AggregateOp::Stddev
            | AggregateOp::Stdvar => Vec::new(),
            _ => parts(&aggregate.expr),
        },
        ExprKind::Binary(binary) => of_binary(binary),
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Paren(_) => Vec::new(),
    }
}

fn turned(expr: &Expr, turned: bool) -> Vec<Part<'_>> {
    parts(expr)
        .into_iter()
        .map(|part| Part { high: part.high != turned, plain: part.plain && !turned, ..part })
        .collect()
}

fn each<'a>(all: Vec<Part<'a>>, change: impl Fn(Part<'a>) -> Part<'a>) -> Vec<Part<'a>> {
    all.into_iter().map(change).collect()
}

fn of_call(call: &Call) -> Vec<Part<'_>> {
    let arg = |place: usize| call.args.get(place).map(parts).unwrap_or_default();
    let with = |all, rate: bool, quantile: bool| each(all, |part| Part { plain: false, rate, quantile, ..part });
    match call.function.name {
        "min_over_time" | "max_over_time" | "avg_over_time" | "last_over_time" | "label_replace" | "label_join"
        | "sort" | "sort_desc" | "abs" | "round" | "ceil" | "floor" | "sum_over_time" => arg(0),
        "rate" | "irate" | "increase" => with(arg(0), true, false),
        "quantile_over_time" => with(arg(1), false, false),
        "predict_linear" | "scalar" | "clamp" | "clamp_min" | "clamp_max" | "delta" => with(arg(0), false, false),
        "histogram_quantile" => with(arg(1), true, true),
        // How often something changes, how old it is, and the like is not what it says.
        _ => Vec::new(),
    }
}

fn of_binary(binary: &Binary) -> Vec<Part<'_>> {
    let plain = |all| each(all, |part| Part { plain: false, ..part });
    let (left, right) = (|| parts(&binary.left), |turns: bool| turned(&binary.right, turns));
    match binary.op {
        // `x * on (instance) group_left (nodename) node_uname_info` is x with more labels.
        BinaryOp::Mul if is_info(&binary.right) => left(),
        BinaryOp::Mul if is_info(&binary.left) => right(false),
        BinaryOp::Add | BinaryOp::Mul => plain([left(), right(false)].concat()),
        BinaryOp::Sub => plain([left(), right(true)].concat()),
        BinaryOp::Div if number(&binary.right).is_some() => plain(left()),
        BinaryOp::Div => {
            let mut all: Vec<_> = left().into_iter().map(|part| Part { ratio: true, ..part }).collect();
            all.extend(right(true));
            plain(all)
        }
        BinaryOp::Or => [left(), right(false)].concat(),
        BinaryOp::And | BinaryOp::Unless => left(),
        op if op.is_comparison() && !binary.returns_bool => match number(&binary.left) {
            Some(_) => right(false),
            None => left(),
        },
        _ => Vec::new(),
    }
}

fn is_info(expr: &Expr) -> bool {
    let selectors = expr.selectors();
    let named = |one: &promql::SelectorUse<'_>| name(one.selector).is_some_and(|name| name.ends_with("_info"));
    !selectors.is_empty() && selectors.iter().all(named)
}

/// The name of what a selector chooses, where it has one.
fn name(selector: &Selector) -> Option<&str> {
    let equal = || selector.matchers.iter().find(|one| one.name() == NAME_LABEL && one.op() == MatchOp::Equal);
    selector.name.as_deref().or_else(|| equal().map(|one| one.value()))
}

impl Part<'_> {
    /// What it says when what it goes into is compared so.
    fn says(&self, op: BinaryOp, number: Option<f64>) -> Said {
        let name = name(self.selector).unwrap_or_default();
        let fits = |when: When| self.fits(when, op, number);
        let found = metrics::named(name, self.selector, fits).or_else(|| self.by_shape(name, &fits));
        found.map_or(Said::Nothing, |what| Said::One(Taken { what, from: format!("compares {name}") }))
    }

    fn fits(&self, when: When, op: BinaryOp, number: Option<f64>) -> bool {
        let bad = |value: f64| self.plain && self.high && number.is_some_and(|number| holds(op, value, number));
        let up = match op {
            BinaryOp::Greater | BinaryOp::GreaterEqual => Some(true),
            BinaryOp::Less | BinaryOp::LessEqual => Some(false),
            BinaryOp::NotEqual if number == Some(0.0) => Some(true),
            BinaryOp::Equal if number == Some(0.0) => Some(false),
            _ => None,
        };
        match when {
            When::Zero => bad(0.0) && !bad(1.0),
            When::One => bad(1.0) && !bad(0.0),
            When::Not(value) => self.plain && self.high && number.is_some() && !bad(value),
            When::High => up == Some(self.high),
            When::Low => up == Some(!self.high),
            When::Any => true,
        }
    }

    /// What names and labels of this form say whatever the program: `pg_up`, `code=~"5.."`, quantiles of a duration.
    fn by_shape(&self, name: &str, fits: &impl Fn(When) -> bool) -> Option<What> {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if fits(When::High) && (self.rate || self.ratio) && self.selector.matchers.iter().any(is_failure) {
            return Some(What::Errors);
        }
        if metrics::is_silent(name) {
            return None;
        }
        if name.ends_with("_up") && fits(When::Zero) {
            return Some(What::Down);
        }
        let quantile = self.quantile || self.selector.matchers.iter().any(|one| one.name() == "quantile");
        let mean = self.ratio && self.rate && name.ends_with("_sum");
        let time = has(&["duration", "latency", "response_time", "_seconds", "_milliseconds"]);
        if (quantile || mean) && time && fits(When::High) {
            return Some(What::Slow);
        }
        let wrong = has(&["error"]) && (self.rate || self.ratio) || has(&["fail"]) && self.ratio && self.rate;
        (wrong && fits(When::High)).then_some(What::Errors)
    }
}

/// A condition that asks for answers with errors: codes of HTTP from 500, or of gRPC.
fn is_failure(one: &promql::Matcher) -> bool {
    let name = one.name();
    let code = name.contains("code") || name.contains("status");
    let failed = ["500", "503", "5xx", "5", "Internal", "Unavailable"].iter().any(|value| one.accepts(value));
    let fine = ["200", "2xx", "2", "OK"].iter().any(|value| one.accepts(value));
    code && failed && !fine
}

#[cfg(test)]
mod tests;
