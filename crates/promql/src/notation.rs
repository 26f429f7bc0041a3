//! The short form in which test scripts and rule tests write series: `up{site="oslo"} 1 _ 0+10x3 stale`.
//!
//! Points: a number; `_` no sample; `_x3` three times none; `stale` a staleness marker; `5x3` 5 four times; `0+10x3` and
//! `10-2x3` a start and three steps; `{{..}}` a native histogram, which is handed on as text.

use crate::expr::ExprKind;
use crate::labels::Labels;
use crate::matcher::MatchOp;
use crate::number::parse_float;

/// A line may stand for so many points.
const POINTS_MAX: usize = 1_000_000;

/// One point of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// No sample.
    Gap,
    /// A sample.
    Value(f64),
    /// A staleness marker.
    Stale,
    /// A native histogram, as written.
    Histogram(String),
}

/// Reads labels and points.
///
/// # Errors
/// In words, naming the part that cannot be read.
///
/// ```
/// use promql::notation::{Point, parse_series};
/// let (labels, points) = parse_series(r#"up{site="oslo"} 1 _ 0+10x1"#).unwrap();
/// assert_eq!(labels.to_string(), r#"{__name__="up", site="oslo"}"#);
/// assert_eq!(points, [Point::Value(1.0), Point::Gap, Point::Value(0.0), Point::Value(10.0)]);
/// ```
pub fn parse_series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let (labels, points) = split(line.trim());
    Ok((parse_labels(labels)?, parse_points(points)?))
}

/// Reads labels as they are written in a query: `up{site="oslo"}`, `{a="b"}`, `{}`.
///
/// # Errors
/// In words.
pub fn parse_labels(text: &str) -> Result<Labels, String> {
    let text = text.trim();
    if text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|inside| inside.trim().is_empty()) {
        return Ok(Labels::empty());
    }
    let expr = crate::parse(text).map_err(|error| format!("series {text:?}: {error}"))?;
    let ExprKind::Selector(selector) = expr.kind else { return Err(format!("{text:?} is no series")) };
    if let Some(wrong) = selector.matchers.iter().find(|matcher| matcher.op() != MatchOp::Equal) {
        return Err(format!("series {text:?}: label {:?} must have a value, not a condition", wrong.name()));
    }
    Ok(Labels::from_pairs(selector.matchers.iter().map(|matcher| (matcher.name(), matcher.value()))))
}

/// Reads points.
///
/// # Errors
/// In words, naming the point.
pub fn parse_points(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, tail) = next_word(rest);
        one(word, &mut points).ok_or_else(|| format!("{word:?} is no point; write 1, _, stale, 5x3 or 0+10x3"))?;
        if points.len() > POINTS_MAX {
            return Err(format!("a line stands for more than {POINTS_MAX} points"));
        }
        rest = tail.trim_start();
    }
    Ok(points)
}

/// Where the labels end and the points begin.
fn split(line: &str) -> (&str, &str) {
    let mut quote = None;
    let (mut escaped, mut braces) = (false, false);
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(q), '\\') if q != '`' => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => braces = true,
            (None, '}') => return line.split_at_checked(index + 1).unwrap_or((line, "")),
            (None, ' ' | '\t') if !braces && !line.get(index..).unwrap_or_default().trim_start().starts_with("{") => {
                return line.split_at_checked(index).unwrap_or((line, ""));
            }
            _ => {}
        }
        if c == '{' && quote.is_none() && index > 0 && line.get(..index).is_some_and(|name| name.ends_with([' ', '\t']))
        {
            // `name {{..}}`: the braces are a point.
            if line.get(index..).is_some_and(|rest| rest.starts_with("{{")) {
                return line.split_at_checked(index).unwrap_or((line, ""));
            }
        }
    }
    (line, "")
}

/// A word ends at a space outside of `{{..}}`.
fn next_word(text: &str) -> (&str, &str) {
    let mut depth = 0usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ' ' | '\t' if depth == 0 => return text.split_at_checked(index).unwrap_or((text, "")),
            _ => {}
        }
    }
    (text, "")
}

fn one(word: &str, points: &mut Vec<Point>) -> Option<()> {
    let (body, times) = match word.rsplit_once('x') {
        Some((body, times)) if !body.is_empty() && !body.ends_with("0") => (body, Some(times)),
        Some((body, times)) if !body.is_empty() && body.trim_start_matches(['+', '-']) != "0" => (body, Some(times)),
        Some(("0", times)) => ("0", Some(times)),
        _ => (word, None),
    };
    let times: Option<usize> = times.and_then(|times| times.parse().ok());
    let (body, times) = if times.is_none() { (word, None) } else { (body, times) };
    if times.is_some_and(|times| times > POINTS_MAX) {
        return None;
    }
    let many = times.map_or(1, |times| times + 1);
    if body == "_" {
        points.extend(std::iter::repeat_n(Point::Gap, times.unwrap_or(1)));
    } else if body == "stale" {
        points.extend(std::iter::repeat_n(Point::Stale, many));
    } else if body.starts_with("{{") {
        points.extend(std::iter::repeat_n(Point::Histogram(body.to_owned()), many));
    } else if let Some(value) = parse_float(body) {
        points.extend(std::iter::repeat_n(Point::Value(value), many));
    } else {
        let (mut value, step) = start_and_step(body)?;
        for _ in 0..times? + 1 {
            points.push(Point::Value(value));
            value += step;
        }
    }
    Some(())
}

/// `10-2`: where a sign is that is neither the first character nor of an exponent.
fn start_and_step(body: &str) -> Option<(f64, f64)> {
    let mut before = 'e';
    for (index, c) in body.char_indices() {
        if matches!(c, '+' | '-') && !matches!(before, 'e' | 'E') {
            let (start, step) = body.split_at_checked(index)?;
            return Some((parse_float(start)?, parse_float(step)?));
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use Point::{Gap, Stale, Value};

    #[test]
    fn points_are_written_out() {
        let check = |text: &str, expected: &[Point]| assert_eq!(parse_points(text).as_deref(), Ok(expected), "{text}");
        check("1 _ 2", &[Value(1.0), Gap, Value(2.0)]);
        check("_x2 stale", &[Gap, Gap, Stale]);
        check("5x2", &[Value(5.0), Value(5.0), Value(5.0)]);
        check("0x1", &[Value(0.0), Value(0.0)]);
        check("10-2x2", &[Value(10.0), Value(8.0), Value(6.0)]);
        check("-1+0.5x1", &[Value(-1.0), Value(-0.5)]);
        check("1e3+1e-1x1", &[Value(1000.0), Value(1000.1)]);
        check("-Inf", &[Value(f64::NEG_INFINITY)]);
        check("9.9e+307", &[Value(9.9e307)]);
        check(
            "{{schema:0 sum:1}}x1",
            &[Point::Histogram("{{schema:0 sum:1}}".into()), Point::Histogram("{{schema:0 sum:1}}".into())],
        );
    }

    #[test]
    fn what_is_no_point_is_named() {
        for text in ["abc", "1+x3", "1+2", "x3", "1x-1", "1x99999999"] {
            assert!(parse_points(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_end_where_points_begin() {
        let check = |line: &str, labels: &str, points: usize| {
            let (got, all) = parse_series(line).unwrap();
            assert_eq!((got.to_string().as_str(), all.len()), (labels, points), "{line}");
        };
        check("up 1 2", r#"{__name__="up"}"#, 2);
        check("up{} 1", r#"{__name__="up"}"#, 1);
        check("{} 1", "{}", 1);
        check(r#"up {a="}"} 1"#, r#"{__name__="up", a="}"}"#, 1);
        check(r#"{"a.b", "c d"="x"} 0+1x9"#, r#"{__name__="a.b", "c d"="x"}"#, 10);
        check("h {{schema:0}} 1", r#"{__name__="h"}"#, 2);
        assert!(parse_series("up{a=~\"b\"} 1").is_err());
    }
}
