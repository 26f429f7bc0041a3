//! Questions that reach beyond what is kept here: the steps whose windows we hold are answered here, those before by a
//! second engine. Rules never come here: they stay on what is in the house.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kernel::{Actor, Kernel, Result};
use promql::{Answer, At, EvalError, Expr, Labels, Points, Sample, Stats, Value, When, format_duration};
use serde::Deserialize;

use super::{Remote, Remotes, request};

/// Largest answer of a second engine, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Longest wait for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// The word that keeps a question in the house.
pub(crate) const HERE: &str = "local";

/// Who answers a question.
pub(crate) enum Plan {
    /// We do.
    Here,
    /// We do, and say why nobody else did.
    HereWith(String),
    /// A second engine.
    There(Box<Remote>),
    /// A second engine up to a step, we from another on.
    Both(Box<Remote>, When, When),
}

/// How far back a question reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Depth {
    /// What its selectors read before each step, in ms.
    back_ms: i64,
    /// The earliest time that is named by `@`.
    fixed_ms: Option<i64>,
    /// It asks for the begin or the end of the question, so that it cannot be split.
    is_whole: bool,
}

/// Decides who answers; `wish` is an endpoint's name or nothing.
///
/// # Errors
/// There is no engine of the wished name.
pub(crate) fn plan(
    kernel: &Kernel,
    expr: &Expr,
    when: When,
    lookback_ms: i64,
    (oldest_ms, wish): (Option<i64>, &str),
    may_see_everything: bool,
) -> Result<Plan> {
    let depth = depth(expr, lookback_ms);
    let start_ms = match when {
        When::Instant(at) => at,
        When::Range { start_ms, .. } => start_ms,
    };
    let oldest_ms = oldest_ms.unwrap_or(i64::MAX);
    let earliest = start_ms.saturating_sub(depth.back_ms).min(depth.fixed_ms.unwrap_or(i64::MAX));
    if wish.is_empty() && earliest >= oldest_ms {
        return Ok(Plan::Here);
    }
    let actor = Actor::service("monitor", &["monitor.*"]);
    let all: Remotes = kernel.read_as(&actor, |cx| cx.setting())?;
    let mut engines = all.endpoints.into_iter().filter(|one| !one.read_url.is_empty());
    let Some(remote) = engines.find(|one| wish.is_empty() || one.name == wish) else {
        return match wish {
            "" => Ok(Plan::Here),
            wish => Err(kernel::Error::invalid(
                "engine",
                format!(
                    "There is no engine \"{wish}\" to ask. The setting monitor.remote names those that have a read_url."
                ),
            )),
        };
    };
    if !may_see_everything {
        let why = "only who may see everything is answered by it";
        return Ok(Plan::HereWith(format!("the engine {} was not asked: {why}", remote.name)));
    }
    let remote = Box::new(remote);
    if !wish.is_empty() {
        return Ok(Plan::There(remote));
    }
    let is_fixed_there = depth.fixed_ms.is_some_and(|fixed| fixed < oldest_ms);
    match when {
        When::Range { start_ms, end_ms, step_ms } if !depth.is_whole && !is_fixed_there && step_ms > 0 => {
            Ok(split(remote, (start_ms, end_ms, step_ms), oldest_ms.saturating_add(depth.back_ms)))
        }
        _ => Ok(Plan::There(remote)),
    }
}

/// The first step from `ours_ms` on is the first that we answer.
fn split(remote: Box<Remote>, (start_ms, end_ms, step_ms): (i64, i64, i64), ours_ms: i64) -> Plan {
    if ours_ms > end_ms {
        return Plan::There(remote);
    }
    let steps = ours_ms.saturating_sub(start_ms).saturating_add(step_ms - 1).div_euclid(step_ms).max(0);
    let first_ms = start_ms.saturating_add(steps.saturating_mul(step_ms));
    if first_ms > end_ms {
        return Plan::There(remote);
    }
    let theirs = When::Range { start_ms, end_ms: first_ms - step_ms, step_ms };
    Plan::Both(remote, theirs, When::Range { start_ms: first_ms, end_ms, step_ms })
}

fn depth(expr: &Expr, lookback_ms: i64) -> Depth {
    let mut depth = Depth { back_ms: 0, fixed_ms: None, is_whole: false };
    for one in expr.selectors() {
        let window = one.range_ms.unwrap_or(lookback_ms).saturating_add(one.subqueries_ms);
        let back = window.saturating_add(one.selector.when.offset_ms);
        match one.selector.when.at {
            None => depth.back_ms = depth.back_ms.max(back),
            Some(At::Time(at)) => {
                let first = at.saturating_sub(back);
                depth.fixed_ms = Some(depth.fixed_ms.map_or(first, |fixed| fixed.min(first)));
            }
            Some(At::Start | At::End) => {
                depth.back_ms = depth.back_ms.max(back);
                depth.is_whole = true;
            }
        }
    }
    let text = expr.to_string();
    depth.is_whole |= ["start()", "end()", "range()"].iter().any(|word| text.contains(word));
    depth
}

/// Asks a second engine.
///
/// # Errors
/// Why there is no answer, in words.
pub(crate) fn ask(
    kernel: &Kernel,
    remote: &Remote,
    text: &str,
    when: When,
    deadline: Option<Instant>,
) -> std::result::Result<Answer, String> {
    let left = deadline.map_or(PATIENCE, |end| end.saturating_duration_since(Instant::now()).min(PATIENCE));
    if left.is_zero() {
        return Err("there was no time left to ask it".to_owned());
    }
    let seconds = |ms: i64| format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000));
    let (path, times) = match when {
        When::Instant(at) => ("query", format!("time={}", seconds(at))),
        When::Range { start_ms, end_ms, step_ms } => {
            let step = format_duration(step_ms);
            ("query_range", format!("start={}&end={}&step={step}", seconds(start_ms), seconds(end_ms)))
        }
    };
    let url = format!("{}/api/v1/{path}", remote.read_url.trim_end_matches('/'));
    let body = format!("query={}&{times}", kernel::address::percent(text));
    let headers = vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())];
    let answer = request::post(kernel, remote, &url, headers, body.as_bytes(), (left, ANSWER_BYTES_MAX))
        .map_err(|error| error.message)?;
    if !answer.is_whole {
        return Err(format!("its answer is larger than {} MiB", ANSWER_BYTES_MAX >> 20));
    }
    let reply: std::result::Result<Reply, _> = serde_json::from_slice(&answer.body);
    match reply {
        Ok(Reply { data: Some(data), warnings, .. }) if answer.status == 200 => {
            let stats = Stats { notes: vec![format!("the engine {}", remote.name)], ..Stats::default() };
            Ok(Answer { value: value(data, when)?, warnings, infos: Vec::new(), stats })
        }
        Ok(Reply { error: Some(error), .. }) => Err(format!("it answered: {}", request::said(error.as_bytes()))),
        _ => Err(format!("it answered {}: {}", answer.status, request::said(&answer.body))),
    }
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    result: Found,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Found {
    Series(Vec<Row>),
    One((f64, String)),
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

fn value(data: Data, when: When) -> std::result::Result<Value, String> {
    let rows = match data.result {
        Found::One((at, number)) => {
            let (at, number) = point(&(at, number))?;
            return Ok(Value::Scalar(at, number));
        }
        Found::Series(rows) => rows,
    };
    let labels = |row: &Row| Labels::from_pairs(row.metric.iter());
    let is_matrix = matches!(when, When::Range { .. }) || rows.iter().any(|row| !row.values.is_empty());
    if is_matrix {
        let one = |row: &Row| {
            let points = row.values.iter().map(point).collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Points { labels: labels(row), points })
        };
        return rows.iter().map(one).collect::<std::result::Result<_, _>>().map(Value::Matrix);
    }
    let one = |row: &Row| {
        let (at_ms, value) = point(row.value.as_ref().ok_or("a series of its answer has no value")?)?;
        Ok(Sample { labels: labels(row), at_ms, value })
    };
    rows.iter().map(one).collect::<std::result::Result<_, String>>().map(Value::Vector)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
fn point((at, number): &(f64, String)) -> std::result::Result<(i64, f64), String> {
    let value = number.parse().map_err(|_| format!("a number of its answer is {number:?}"))?;
    Ok(((at * 1_000.0).round() as i64, value))
}

/// Puts the steps of both together: theirs come first.
pub(crate) fn joined(theirs: Answer, ours: Answer) -> Answer {
    let (Value::Matrix(first), Value::Matrix(then)) = (theirs.value, ours.value) else {
        return Answer {
            value: Value::Matrix(Vec::new()),
            warnings: Vec::new(),
            infos: Vec::new(),
            stats: Stats::default(),
        };
    };
    let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = first.into_iter().map(|one| (one.labels, one.points)).collect();
    for one in then {
        all.entry(one.labels).or_default().extend(one.points);
    }
    let mut stats = ours.stats;
    stats.notes.splice(0..0, theirs.stats.notes);
    Answer {
        value: Value::Matrix(all.into_iter().map(|(labels, points)| Points { labels, points }).collect()),
        warnings: theirs.warnings.into_iter().chain(ours.warnings).collect(),
        infos: ours.infos,
        stats,
    }
}

/// What is told when the second engine has no answer: ours is all there is.
pub(crate) fn missing(remote: &Remote, why: &str, oldest_ms: Option<i64>) -> String {
    let since =
        oldest_ms.map(|ms| kernel::Time(ms.saturating_mul(1_000)).timestamp().strftime("%F %H:%M UTC").to_string());
    let since = since.unwrap_or_else(|| "now".to_owned());
    format!("the engine {} gave no answer ({why}); what is older than {since} is missing", remote.name)
}

/// The same as an error of a question that only it could answer.
pub(crate) fn unanswered(remote: &Remote, why: &str) -> EvalError {
    EvalError::Source(format!("the engine {} gave no answer: {why}", remote.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Box<Remote> {
        Box::new(serde_json::from_value(serde_json::json!({"name": "old", "read_url": "http://x"})).unwrap())
    }

    #[test]
    fn steps_are_split_where_our_windows_begin() {
        let check = |ours_ms: i64| match split(remote(), (0, 100, 10), ours_ms) {
            Plan::Both(_, When::Range { end_ms, .. }, When::Range { start_ms, .. }) => Some((end_ms, start_ms)),
            _ => None,
        };
        assert_eq!(
            [check(31), check(40), check(100), check(101)],
            [Some((30, 40)), Some((30, 40)), Some((90, 100)), None]
        );
    }

    #[test]
    fn a_question_says_how_far_back_it_reaches() {
        let of = |text: &str| depth(&promql::parse(text).unwrap(), 300_000);
        assert_eq!(of("up"), Depth { back_ms: 300_000, fixed_ms: None, is_whole: false });
        assert_eq!(of("rate(m[1h] offset 1d) + up").back_ms, 90_000_000);
        assert_eq!(of("m[5m] @ 1000").fixed_ms, Some(700_000));
        assert!(of("m @ start()").is_whole);
        assert_eq!(of("max_over_time(rate(m[5m])[1d:1m])").back_ms, 86_700_000);
    }

    #[test]
    fn answers_of_prometheus_are_read_and_joined() {
        let read = |json: &str, when| serde_json::from_str::<Reply>(json).map(|reply| value(reply.data.unwrap(), when));
        let range = When::Range { start_ms: 0, end_ms: 1, step_ms: 1 };
        let json = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"NaN"],[2,"+Inf"]]}]}}"#;
        let Value::Matrix(all) = read(json, range).unwrap().unwrap() else { panic!("a matrix") };
        assert_eq!((all[0].points[0].0, all[0].points[1]), (1_500, (2_000, f64::INFINITY)));
        let json = r#"{"data":{"resultType":"scalar","result":[1,"2"]}}"#;
        assert_eq!(read(json, When::Instant(0)).unwrap(), Ok(Value::Scalar(1_000, 2.0)));
        let json = r#"{"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#;
        assert!(read(json, When::Instant(0)).unwrap().is_err());
        let answer = |points: Vec<(i64, f64)>| Answer {
            value: Value::Matrix(vec![Points { labels: Labels::from_pairs([("a", "b")]), points }]),
            warnings: Vec::new(),
            infos: Vec::new(),
            stats: Stats::default(),
        };
        let Value::Matrix(both) = joined(answer(vec![(1, 1.0)]), answer(vec![(2, 2.0)])).value else {
            panic!("a matrix")
        };
        assert_eq!(both[0].points, [(1, 1.0), (2, 2.0)]);
    }
}
