//! Asking the series in PromQL.

use kernel::{
    Access, Asked, Effect, Error, Handle, Kernel, Operation, PrepareCx, Reach, Result, Route, Said, Time, get,
};
use promql::{Answer, EvalError, Expr, Options, ParseOptions, Value, When, format_value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;

use super::ask;
use super::json::{self, Failure};
use super::reader::Reader;
use crate::limits::{
    ANSWER_POINT_BYTES, QUERY_MEMORY_SHARED_BYTES, QUERY_POINTS_MAX, QUERY_POINTS_PEOPLE_MAX, QUERY_TIME_PEOPLE,
};
use crate::live::{Monitor, lock};
use crate::remote::second::{self, Plan};

/// Ask the metrics a question in PromQL, for one moment or, with a step, for a span of time.
///
/// The same language and the same answers as Prometheus. Only series of assets that you may see are counted.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryMetrics {
    /// The question, for example sum by (asset) (rate(node_cpu_seconds_total[5m])).
    pub query: String,
    /// The moment, or the end of the span; now if left out.
    #[serde(default)]
    pub to: Option<Time>,
    /// The beginning of the span; an hour before its end if left out.
    #[serde(default)]
    pub from: Option<Time>,
    /// From one value to the next, for example 30s or 5m. Without it the question is asked for one moment.
    #[serde(default)]
    pub step: Option<String>,
    /// Who answers: the name of an engine of the setting monitor.remote, or local for what is kept here alone. Left out,
    /// an engine is asked for what is older than anything here.
    #[serde(default)]
    pub engine: Option<String>,
    #[serde(skip)]
    answer: Mutex<Option<QueryAnswer>>,
}

/// What the metrics say.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QueryAnswer {
    /// scalar, string, vector or matrix.
    pub kind: String,
    /// The series, in order; one without labels for a scalar or a string.
    pub series: Vec<QuerySeries>,
    /// What may be wrong with the answer.
    pub warnings: Vec<String>,
    /// What may be wrong with the question.
    pub infos: Vec<String>,
    /// Samples that were read.
    pub samples: usize,
    /// What answered.
    pub answered_by: Vec<String>,
}

/// One series of an answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QuerySeries {
    /// Its labels, the metric's name as __name__.
    pub labels: BTreeMap<String, String>,
    /// Milliseconds since 1970 and the value as text: NaN and infinities are values too.
    pub points: Vec<(i64, String)>,
}

impl Operation for QueryMetrics {
    const NAME: &'static str = "monitor.metrics.query";
    const ROUTE: Route = get("/monitor/metrics/query");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    const FIELD_BYTES_MAX: usize = promql::QUERY_BYTES_MAX;
    type Output = QueryAnswer;

    /// Evaluated here: it reads no database, and no reader of it should wait for a chart.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let when = self.when(cx.now)?;
        let reach = cx.actor.reach(Self::NAME, cx.now).unwrap_or_default();
        let engine = self.engine.as_deref().unwrap_or_default();
        let answer = answer(cx.kernel, &reach, (&self.query, engine), when, &ask::limits(QUERY_TIME_PEOPLE))?;
        let answer = answer.map_err(in_words)?;
        if points(&answer) > QUERY_POINTS_PEOPLE_MAX {
            return Err(Error::over_limit(format!(
                "The answer has more than {QUERY_POINTS_PEOPLE_MAX} points. Ask for fewer series or a larger step."
            )));
        }
        *lock(&self.answer) = Some(answer.into());
        Ok(())
    }

    fn run(&self, cx: &mut kernel::Cx) -> Result<QueryAnswer> {
        cx.reach(Self::NAME)?;
        lock(&self.answer).take().ok_or_else(|| Error::internal("query-not-prepared", &self.query))
    }
}

impl QueryMetrics {
    fn when(&self, now: Time) -> Result<When> {
        let end_ms = self.to.unwrap_or(now).millis();
        let Some(step) = &self.step else {
            return match self.from {
                Some(_) => Err(Error::invalid("step", "A span of time needs a step, for example 30s.")),
                None => Ok(When::Instant(end_ms)),
            };
        };
        let step_ms = promql::parse_duration(step).filter(|ms| *ms > 0);
        let step_ms = step_ms.ok_or_else(|| Error::invalid("step", "Use a length of time such as 30s, 5m or 1h."))?;
        let start_ms = self.from.map_or_else(|| end_ms.saturating_sub(3_600_000), Time::millis);
        if end_ms < start_ms {
            return Err(Error::invalid("to", "The end must be after the beginning."));
        }
        Ok(When::Range { start_ms, end_ms, step_ms })
    }
}

pub(crate) fn in_words(error: EvalError) -> Error {
    match &error {
        EvalError::Parse(_) | EvalError::Kind(_) | EvalError::Invalid(_) => Error::invalid("query", error.to_string()),
        EvalError::Steps(_) => Error::invalid("step", error.to_string()),
        EvalError::Deadline | EvalError::Memory(_) => Error::over_limit(error.to_string()),
        EvalError::Busy(_) | EvalError::Cancelled | EvalError::Source(_) => Error::unavailable(error.to_string()),
    }
}

/// Asks the series of the house, within what the asker may see: nobody else, whatever is older.
pub(crate) fn evaluate(
    kernel: &Kernel,
    reach: &Reach,
    text: &str,
    when: When,
    options: &Options,
) -> Result<std::result::Result<Answer, EvalError>> {
    let expr = match read(text, when, options) {
        Ok(expr) => expr,
        Err(error) => return Ok(Err(error)),
    };
    here(kernel, reach, (&expr, text), when, options)
}

fn read(text: &str, when: When, options: &Options) -> std::result::Result<Expr, EvalError> {
    let (step_ms, range_ms) = match when {
        When::Instant(_) => (0, 0),
        When::Range { start_ms, end_ms, step_ms } => (step_ms, end_ms.saturating_sub(start_ms)),
    };
    Ok(promql::parse_with(text, ParseOptions { experimental: options.experimental, step_ms, range_ms })?)
}

fn here(
    kernel: &Kernel,
    reach: &Reach,
    (expr, text): (&Expr, &str),
    when: When,
    options: &Options,
) -> Result<std::result::Result<Answer, EvalError>> {
    let monitor = kernel.get::<Monitor>()?;
    let Some(_turn) = monitor.questions.take(options.deadline) else {
        let late = Err(EvalError::Deadline);
        monitor.questions.note(&late);
        return Ok(late);
    };
    let options = Options { memory_pool: Some(monitor.questions.memory.clone()), ..options.clone() };
    let outcome = promql::evaluate(expr, text, &Reader::new(kernel, &monitor, reach), when, &options);
    monitor.questions.note(&outcome);
    Ok(outcome)
}

/// Asks the series of the house, and a second engine for what is older than anything here, or as wished: the name of an
/// engine, `local`, or nothing.
pub(crate) fn answer(
    kernel: &Kernel,
    reach: &Reach,
    (text, wish): (&str, &str),
    when: When,
    options: &Options,
) -> Result<std::result::Result<Answer, EvalError>> {
    if wish == second::HERE {
        return evaluate(kernel, reach, text, when, options);
    }
    let expr = match read(text, when, options) {
        Ok(expr) => expr,
        Err(error) => return Ok(Err(error)),
    };
    let oldest_ms = kernel.get::<Monitor>()?.series.oldest_ms();
    let here = |when: When| here(kernel, reach, (&expr, text), when, options);
    let with = |answer: Result<std::result::Result<Answer, EvalError>>, warning: String| {
        let mut answer = answer?;
        answer.iter_mut().for_each(|answer| answer.warnings.push(warning.clone()));
        Ok(answer)
    };
    let plan = second::plan(kernel, &expr, when, options.lookback_ms, (oldest_ms, wish), reach.everything)?;
    match plan {
        Plan::Here => here(when),
        Plan::HereWith(warning) => with(here(when), warning),
        Plan::There(remote) => match second::ask(kernel, &remote, text, when, options.deadline) {
            Ok(theirs) => Ok(Ok(told(theirs, &format!("answered by the engine {}", remote.name)))),
            Err(why) if !wish.is_empty() => Ok(Err(second::unanswered(&remote, &why))),
            Err(why) => with(here(when), second::missing(&remote, &why, oldest_ms)),
        },
        Plan::Both(remote, first, then) => match second::ask(kernel, &remote, text, first, options.deadline) {
            Err(why) => with(here(when), second::missing(&remote, &why, oldest_ms)),
            Ok(theirs) => Ok(here(then)?.map(|ours| {
                let until = if let When::Range { start_ms, .. } = then { start_ms } else { 0 };
                let until = Time(until.saturating_mul(1_000)).timestamp().strftime("%F %H:%M UTC");
                told(second::joined(theirs, ours), &format!("answered by the engine {} before {until}", remote.name))
            })),
        },
    }
}

fn told(mut answer: Answer, info: &str) -> Answer {
    answer.infos.insert(0, info.to_owned());
    answer
}

/// Numbers in an answer.
fn points(answer: &Answer) -> usize {
    match &answer.value {
        Value::Scalar(..) | Value::Text(..) => 1,
        Value::Vector(all) => all.len(),
        Value::Matrix(all) => all.iter().map(|one| one.points.len()).sum(),
    }
}

impl From<Answer> for QueryAnswer {
    fn from(answer: Answer) -> Self {
        let labels = |labels: &promql::Labels| labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let bare = |at: i64, value: String| vec![QuerySeries { labels: BTreeMap::new(), points: vec![(at, value)] }];
        let (kind, series) = match answer.value {
            Value::Scalar(at, value) => ("scalar", bare(at, format_value(value))),
            Value::Text(at, said) => ("string", bare(at, said)),
            Value::Vector(all) => {
                let one = |one: promql::Sample| QuerySeries {
                    labels: labels(&one.labels),
                    points: vec![(one.at_ms, format_value(one.value))],
                };
                ("vector", all.into_iter().map(one).collect())
            }
            Value::Matrix(all) => {
                let one = |one: promql::Points| QuerySeries {
                    labels: labels(&one.labels),
                    points: one.points.into_iter().map(|(at, value)| (at, format_value(value))).collect(),
                };
                ("matrix", all.into_iter().map(one).collect())
            }
        };
        Self {
            kind: kind.to_owned(),
            series,
            warnings: answer.warnings,
            infos: answer.infos,
            samples: answer.stats.samples,
            answered_by: answer.stats.notes,
        }
    }
}

/// `/prometheus/api/v1/query`
pub(super) fn instant(kernel: &Handle, asked: &Asked) -> Said {
    said(kernel, asked, false)
}

/// `/prometheus/api/v1/query_range`
pub(super) fn range(kernel: &Handle, asked: &Asked) -> Said {
    said(kernel, asked, true)
}

fn said(kernel: &Handle, asked: &Asked, is_range: bool) -> Said {
    answered(kernel, asked, is_range).unwrap_or_else(|failure| failure.said())
}

fn answered(kernel: &Handle, asked: &Asked, is_range: bool) -> std::result::Result<Said, Failure> {
    let when = ask::when(asked, kernel.now(), is_range)?;
    let options = ask::options(asked)?;
    let limit = ask::count(asked, "limit")?;
    let text = asked.field("query").unwrap_or_default();
    let engine = asked.field("engine").unwrap_or_default();
    let answer = answer(kernel, &asked.reach, (text, engine), when, &options).map_err(|error| match error.kind {
        kernel::ErrorKind::Invalid => Failure::parameter("engine", error.message),
        _ => Failure::internal(error.message),
    })??;
    let memory = &kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?.questions.memory;
    let share = memory.take(points(&answer).saturating_mul(ANSWER_POINT_BYTES));
    let Some(_share) = share else { return Err(EvalError::Busy(QUERY_MEMORY_SHARED_BYTES).into()) };
    if points(&answer) > QUERY_POINTS_MAX {
        return Err(Failure::execution(format!(
            "the answer has more than {QUERY_POINTS_MAX} points: ask for fewer series, a shorter range or a larger step"
        )));
    }
    Ok(json::answer(&answer, limit))
}

/// `/prometheus/api/v1/parse_query`
pub(super) fn parse(_: &Handle, asked: &Asked) -> Said {
    match promql::parse(asked.field("query").unwrap_or_default()) {
        Ok(expr) => super::status::answered(&super::ast::tree(&expr)),
        Err(error) => Failure::parameter("query", error).said(),
    }
}

/// `/prometheus/api/v1/format_query`
pub(super) fn format(_: &Handle, asked: &Asked) -> Said {
    match promql::parse(asked.field("query").unwrap_or_default()) {
        Ok(expr) => json::success(&[], &[], |out| json::text(out, &expr.to_string())),
        Err(error) => Failure::parameter("query", error).said(),
    }
}
