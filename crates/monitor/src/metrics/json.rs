//! Answers in the form of Prometheus' HTTP API, written straight to bytes: a chart can be a million numbers.

use std::io::Write as _;

use kernel::Said;
use promql::{Answer, EvalError, Labels, Value, format_value};

/// A request that has no answer: the status and type that Prometheus gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    status: u16,
    kind: &'static str,
    pub(super) message: String,
}

impl Failure {
    /// A parameter is wrong.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self { status: 400, kind: "bad_data", message: format!("invalid parameter \"{name}\": {why}") }
    }

    /// The answer would be too large.
    pub(super) fn execution(message: impl Into<String>) -> Self {
        Self { status: 422, kind: "execution", message: message.into() }
    }

    /// Something of ours failed.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, kind: "internal", message: message.into() }
    }

    /// The grant does not reach that far.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::of(403, "forbidden", message)
    }

    /// There is no such address.
    pub(super) fn unknown(message: impl Into<String>) -> Self {
        Self::of(404, "not_found", message)
    }

    /// Any other.
    pub(super) fn of(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    pub(super) fn said(&self) -> Said {
        let mut out = format!("{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":", self.kind).into_bytes();
        text(&mut out, &self.message);
        out.push(b'}');
        Said::json(self.status, out)
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        let message = error.to_string();
        match error {
            EvalError::Parse(_) | EvalError::Kind(_) => Self::parameter("query", message),
            EvalError::Steps(_) => Self { status: 400, kind: "bad_data", message },
            EvalError::Deadline => Self { status: 503, kind: "timeout", message },
            EvalError::Busy(_) => Self { status: 503, kind: "execution", message },
            EvalError::Cancelled => Self { status: 503, kind: "canceled", message },
            EvalError::Invalid(_) | EvalError::Memory(_) | EvalError::Source(_) => Self::execution(message),
        }
    }
}

/// A success, whose data `write` appends as JSON.
pub(super) fn success(warnings: &[String], infos: &[String], write: impl FnOnce(&mut Vec<u8>)) -> Said {
    let mut out = b"{\"status\":\"success\",\"data\":".to_vec();
    write(&mut out);
    for (name, notes) in [("warnings", warnings), ("infos", infos)] {
        if !notes.is_empty() {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            list(&mut out, notes, |out, note| text(out, note));
        }
    }
    out.push(b'}');
    Said::json(200, out)
}

/// The answer to a query; `limit` is the most series of it.
pub(super) fn answer(answer: &Answer, limit: usize) -> Said {
    let mut warnings = answer.warnings.clone();
    let cut = match &answer.value {
        Value::Vector(all) => all.len() > limit,
        Value::Matrix(all) => all.len() > limit,
        Value::Scalar(..) | Value::Text(..) => false,
    };
    if cut {
        warnings.push("results truncated due to limit".to_owned());
    }
    success(&warnings, &answer.infos, |out| value(out, &answer.value, limit))
}

fn value(out: &mut Vec<u8>, value: &Value, limit: usize) {
    let kept = |count: usize| count.min(limit);
    match value {
        Value::Scalar(at, number) => {
            out.extend_from_slice(b"{\"resultType\":\"scalar\",\"result\":");
            point(out, *at, *number);
        }
        Value::Text(at, said) => {
            out.extend_from_slice(b"{\"resultType\":\"string\",\"result\":[");
            seconds(out, *at);
            out.push(b',');
            text(out, said);
            out.push(b']');
        }
        Value::Vector(all) => {
            out.extend_from_slice(b"{\"resultType\":\"vector\",\"result\":");
            list(out, all.get(..kept(all.len())).unwrap_or_default(), |out, one| {
                out.extend_from_slice(b"{\"metric\":");
                labels(out, &one.labels);
                out.extend_from_slice(b",\"value\":");
                point(out, one.at_ms, one.value);
                out.push(b'}');
            });
        }
        Value::Matrix(all) => {
            out.extend_from_slice(b"{\"resultType\":\"matrix\",\"result\":");
            list(out, all.get(..kept(all.len())).unwrap_or_default(), |out, one| {
                out.extend_from_slice(b"{\"metric\":");
                labels(out, &one.labels);
                out.extend_from_slice(b",\"values\":");
                list(out, &one.points, |out, (at, number)| point(out, *at, *number));
                out.push(b'}');
            });
        }
    }
    out.push(b'}');
}

/// A list.
pub(super) fn list<T>(out: &mut Vec<u8>, items: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(b']');
}

/// An object of labels.
pub(super) fn labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(out, name);
        out.push(b':');
        text(out, value);
    }
    out.push(b'}');
}

fn point(out: &mut Vec<u8>, at_ms: i64, value: f64) {
    out.push(b'[');
    seconds(out, at_ms);
    out.extend_from_slice(b",\"");
    number(out, value);
    out.extend_from_slice(b"\"]");
}

/// A value as [`format_value`] writes it. Most are whole or of ordinary size, and there can be millions.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is whole and small")]
fn number(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if value == value.trunc() && size < 1e15 && (value != 0.0 || value.is_sign_positive()) {
        if value < 0.0 {
            out.push(b'-');
        }
        whole(out, size as u64);
    } else if (1e-5..1e15).contains(&size) {
        // Writing to memory cannot fail; a float of this size is written without an exponent.
        let _ = serde_json::to_writer(out, &value);
    } else {
        out.extend_from_slice(format_value(value).as_bytes());
    }
}

/// Milliseconds as seconds with as many digits as it takes.
fn seconds(out: &mut Vec<u8>, at_ms: i64) {
    let (seconds, rest) = (at_ms.unsigned_abs() / 1_000, at_ms.unsigned_abs() % 1_000);
    if at_ms < 0 {
        out.push(b'-');
    }
    whole(out, seconds);
    if rest > 0 {
        // Writing to memory cannot fail.
        let _ = write!(out, ".{rest:03}");
    }
}

/// A whole number.
fn whole(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let (mut left, mut count) = (number, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
        (left, count) = (left / 10, count + 1);
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - count..).unwrap_or_default());
}

/// A text in quotes, escaped.
pub(super) fn text(out: &mut Vec<u8>, said: &str) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, said);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_form_that_grafana_reads() {
        let value = Value::Matrix(vec![promql::Points {
            labels: Labels::from_pairs([("__name__", "up"), ("site", "a\"b")]),
            points: vec![(1_435_781_430_781, 1.0), (1_435_781_445_000, f64::NAN), (-1, f64::INFINITY)],
        }]);
        let stats = promql::Stats::default();
        let said = answer(&Answer { value, warnings: vec!["w".into()], infos: Vec::new(), stats }, usize::MAX);
        assert_eq!(
            String::from_utf8(said.body).unwrap(),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","site":"a\"b"},"values":[[1435781430.781,"1"],[1435781445,"NaN"],[-0.001,"+Inf"]]}]},"warnings":["w"]}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn numbers_are_written_as_everywhere_else(bits: u64, whole in -1_000_000_i64..1_000_000, scale in -12_i32..20) {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let near = whole as f64 * 10_f64.powi(scale);
            for value in [f64::from_bits(bits), near, near / 3.0, 0.0, -0.0, 1e15, -1e15, 1e-5, f64::NAN, f64::INFINITY] {
                let mut out = Vec::new();
                number(&mut out, value);
                let (written, expected) = (String::from_utf8(out).unwrap(), format_value(value));
                // Of two texts that are equally short and equally near either may be chosen.
                let same = || written.len() == expected.len() && written.parse::<f64>().ok() == expected.parse().ok();
                proptest::prop_assert!(written == expected || same(), "{} and not {}", written, expected);
            }
        }
    }

    #[test]
    fn a_failure_says_what_prometheus_would_say() {
        let said = Failure::parameter("time", "cannot parse \"x\" to a valid timestamp").said();
        assert_eq!(said.status, 400);
        assert_eq!(
            String::from_utf8(said.body).unwrap(),
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"time\": cannot parse \"x\" to a valid timestamp"}"#
        );
    }
}
