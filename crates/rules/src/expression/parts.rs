//! What an expression is made of: the parts whose series are there whether or not its condition holds, each with the
//! labels by which it belongs to a series of the answer.

use std::collections::BTreeSet;

use promql::{AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, Matching, ValueType};

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part as an expression of its own, without the conditions.
    pub text: String,
    on: On,
}

/// By which labels a series of a part and one of the answer belong together, where both have them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum On {
    Except(BTreeSet<String>),
    Only(BTreeSet<String>),
}

impl Part {
    /// True if a series of the part and one of the answer must agree on this label.
    pub(crate) fn ties(&self, label: &str) -> bool {
        match &self.on {
            On::Except(names) => !names.contains(label),
            On::Only(names) => names.contains(label),
        }
    }
}

/// The parts of an expression, from left to right. There is none where nothing is compared and nothing is put together:
/// then it is the series itself that is the condition. What asks for absence is no part.
///
/// ```
/// let parts = |text: &str| -> Vec<String> {
///     rules::parts_of(&promql::parse(text).unwrap()).into_iter().map(|part| part.text).collect()
/// };
/// assert_eq!(parts("rate(errors[5m]) > 0.1"), ["rate(errors[5m])"]);
/// assert_eq!(parts("count by (job) (up == 0) > 2 and on (job) wanted == 1"), ["count by (job) (up)", "wanted"]);
/// assert!(parts("absent(up)").is_empty() && parts("failed").is_empty());
/// ```
pub fn parts_of(expr: &Expr) -> Vec<Part> {
    if !decides(expr) {
        return Vec::new();
    }
    let mut all: Vec<Part> = Vec::new();
    for (expr, on) in split(expr) {
        let part = Part { text: expr.to_string(), on };
        if !all.contains(&part) {
            all.push(part);
        }
    }
    all
}

/// True if something in it keeps some series and leaves others out.
fn decides(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Binary(binary) => filters(binary) || binary.op.is_set(),
        _ => false,
    };
    own || expr.children().any(decides)
}

/// A comparison that leaves out what it is not true of.
fn filters(binary: &Binary) -> bool {
    binary.op.is_comparison() && !binary.returns_bool
}

type Split = Vec<(Expr, On)>;

fn all_labels() -> On {
    On::Except(BTreeSet::new())
}

/// Parts of which anything at all must be there.
fn loose(expr: &Expr) -> impl Iterator<Item = (Expr, On)> {
    split(expr).into_iter().map(|(expr, _)| (expr, On::Only(BTreeSet::new())))
}

fn split(expr: &Expr) -> Split {
    let put = |kind: ExprKind| {
        let mut whole = expr.clone();
        whole.kind = kind;
        whole
    };
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) => Vec::new(),
        ExprKind::Selector(_) | ExprKind::Range(_) => vec![(expr.clone(), all_labels())],
        ExprKind::Paren(inner) => each(inner, |one| put(ExprKind::Paren(Box::new(one)))),
        ExprKind::Unary(negative, inner) => each(inner, |one| put(ExprKind::Unary(*negative, Box::new(one)))),
        ExprKind::Subquery(subquery) => each(&subquery.expr, |one| {
            let mut subquery = subquery.clone();
            subquery.expr = one;
            put(ExprKind::Subquery(subquery))
        }),
        ExprKind::Call(call) => of_call(call, &put),
        ExprKind::Aggregate(aggregate) => {
            let picks = matches!(
                aggregate.op,
                AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::LimitRatio
            );
            let around = |one: Expr| {
                let mut whole = aggregate.clone();
                whole.expr = one;
                if whole.op == AggregateOp::CountValues {
                    (whole.op, whole.param) = (AggregateOp::Group, None);
                }
                put(ExprKind::Aggregate(whole))
            };
            let mut all = if picks { split(&aggregate.expr) } else { each(&aggregate.expr, around) };
            all.extend(aggregate.param.iter().flat_map(loose));
            all
        }
        ExprKind::Binary(binary) => of_binary(binary, &put),
    }
}

/// The parts of an expression, each within what stands around it.
fn each(inner: &Expr, around: impl Fn(Expr) -> Expr) -> Split {
    split(inner).into_iter().map(|(one, on)| (around(one), on)).collect()
}

fn of_call(call: &Call, put: &dyn Fn(ExprKind) -> Expr) -> Split {
    // What these answer is there because something else is not.
    if matches!(call.function.name, "absent" | "absent_over_time") {
        return Vec::new();
    }
    let mut all = Split::new();
    let mut described = false;
    for (place, arg) in call.args.iter().enumerate() {
        if call.function.returns == ValueType::Scalar || arg.value_type() == ValueType::Scalar {
            all.extend(loose(arg));
            continue;
        }
        // Of several vectors the first is what the answer is about.
        if described || arg.value_type() == ValueType::Text {
            continue;
        }
        described = true;
        all.extend(each(arg, |one| {
            let mut call = call.clone();
            if let Some(arg) = call.args.get_mut(place) {
                *arg = one;
            }
            put(ExprKind::Call(call))
        }));
    }
    all
}

fn of_binary(binary: &Binary, put: &dyn Fn(ExprKind) -> Expr) -> Split {
    let is_vector = |expr: &Expr| expr.value_type() == ValueType::Vector;
    match (is_vector(&binary.left), is_vector(&binary.right)) {
        (true, true) => of_vectors(binary),
        (false, false) => loose(&binary.left).chain(loose(&binary.right)).collect(),
        (left, _) => {
            let (vector, number) = if left { (&binary.left, &binary.right) } else { (&binary.right, &binary.left) };
            let around = |one: Expr| {
                if filters(binary) {
                    return one;
                }
                let mut whole = binary.clone();
                *(if left { &mut whole.left } else { &mut whole.right }) = one;
                put(ExprKind::Binary(Box::new(whole)))
            };
            each(vector, around).into_iter().chain(loose(number)).collect()
        }
    }
}

/// Two vectors: each side is a part, tied by the labels that find the other.
fn of_vectors(binary: &Binary) -> Split {
    let plain = Matching::default();
    let matching = binary.matching.as_ref().unwrap_or(&plain);
    let names: BTreeSet<String> = matching.labels.iter().cloned().collect();
    let found = if matching.on { On::Only(names) } else { On::Except(names) };
    // The side with many keeps its labels, but for those that come from the other.
    let many = On::Except(matching.include.iter().cloned().collect());
    let (left, right) = match (binary.op, matching.card) {
        (BinaryOp::Or, _) => (all_labels(), all_labels()),
        (BinaryOp::And | BinaryOp::Unless, _) => (all_labels(), found),
        (_, Cardinality::ManyToOne) => (many, found),
        (_, Cardinality::OneToMany) => (found, many),
        _ => (found.clone(), found),
    };
    let tied = |expr: &Expr, on: On| split(expr).into_iter().map(move |(one, own)| (one, both(own, &on)));
    tied(&binary.left, left).chain(tied(&binary.right, right)).collect()
}

fn both(own: On, outer: &On) -> On {
    match (own, outer) {
        (On::Only(a), On::Only(b)) => On::Only(a.intersection(b).cloned().collect()),
        (On::Only(a), On::Except(b)) => On::Only(a.difference(b).cloned().collect()),
        (On::Except(a), On::Only(b)) => On::Only(b.difference(&a).cloned().collect()),
        (On::Except(a), On::Except(b)) => On::Except(a.union(b).cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let on = |part: &Part| match &part.on {
            On::Except(names) if names.is_empty() => String::new(),
            On::Except(names) => format!(" ignoring {}", Vec::from_iter(names.iter().cloned()).join(",")),
            On::Only(names) => format!(" on {}", Vec::from_iter(names.iter().cloned()).join(",")),
        };
        let parts = parts_of(&crate::parse_expression(text).unwrap());
        parts.iter().map(|part| format!("{}{}", part.text, on(part))).collect()
    }

    #[test]
    fn every_selector_is_in_a_part_and_no_part_decides_anything() {
        for (text, expected) in [
            ("up == 0", &["up"][..]),
            ("90 < load", &["load"]),
            ("(load > 90)", &["(load)"]),
            ("rate(a[5m]) / rate(b[5m]) > 0.1", &["rate(a[5m])", "rate(b[5m])"]),
            ("a > on (x) group_left (y) b", &["a ignoring y", "b on x"]),
            ("a > ignoring (x) b", &["a ignoring x", "b ignoring x"]),
            ("a > 5 and on (site) b == 1", &["a", "b on site"]),
            ("a > 5 or b > 6", &["a", "b"]),
            ("a > 5 unless on (host) mute == 1", &["a", "mute on host"]),
            ("a and b", &["a", "b"]),
            ("count by (job) (up == 0) > 2", &["count by (job) (up)"]),
            ("sum by (x) (a and on (y) b) > 1", &["sum by (x) (a)", "sum by (x) (b) on y"]),
            ("topk(3, a) > 5", &["a"]),
            ("count_values by (x) (\"v\", a) > 5", &["group by (x) (a)"]),
            ("max_over_time((a > 5)[10m:1m]) > 7", &["max_over_time((a)[10m:1m])"]),
            (
                "label_replace(a > 5, \"x\", \"$1\", \"y\", \"(.*)\")",
                &["label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")"],
            ),
            ("a > scalar(b)", &["a", "b on "]),
            ("a > bool 5", &[]),
            ("(a > bool 5) == 1", &["(a > bool 5)"]),
            ("-a > 5", &["-a"]),
            ("a * 2 > 5", &["a * 2"]),
            (
                "histogram_quantile(0.9, sum by (le) (rate(b[5m]))) > 1",
                &["histogram_quantile(0.9, sum by (le) (rate(b[5m])))"],
            ),
            ("absent(up == 1)", &[]),
            ("a > 5 or absent(b)", &["a"]),
            ("vector(1)", &[]),
            ("failed_units", &[]),
            ("a - b", &[]),
            ("a > 5 and a > 6", &["a"]),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }
}
