//! Running a script.

use crate::answer::{Sample, Value};
use crate::engine::{Options, When};
use crate::labels::{Labels, NAME_LABEL};
use crate::memory::MemorySource;
use crate::notation::Point;
use crate::parse::{ParseOptions, parse_with};
use crate::script::compare::{check, check_value};
use crate::script::read::has_histograms;
use crate::script::{Command, Eval, Expected, Script};
use std::collections::BTreeMap;

const ALL: ParseOptions = ParseOptions { experimental: true, step_ms: 60_000, range_ms: 60_000 };

/// A series with its samples: time in ms and value; staleness markers are values with [`crate::STALE_BITS`].
pub type Sampled = (Labels, Vec<(i64, f64)>);

/// Something that takes samples and answers queries.
pub trait Driver {
    /// Forgets all samples.
    ///
    /// # Errors
    /// In words; the script ends.
    fn clear(&mut self) -> Result<(), String>;

    /// Adds samples.
    ///
    /// # Errors
    /// In words; the script ends.
    fn load(&mut self, series: &[Sampled]) -> Result<(), String>;

    /// Asks a query.
    ///
    /// # Errors
    /// The error of the query, without anything around it.
    fn ask(&mut self, query: &str, when: When) -> Result<Reply, String>;

    /// True if the query can be asked; times before 1970 may be out of reach.
    fn can_ask(&self, when: When) -> bool {
        let _ = when;
        true
    }
}

/// The answer to a query.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The value.
    pub value: Value,
    /// Warnings as the API gives them.
    pub warnings: Vec<String>,
    /// Infos as the API gives them.
    pub infos: Vec<String>,
}

/// What an eval needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Floats only.
    Float,
    /// Native histograms, which are not there: skipped.
    NativeHistogram,
    /// What Prometheus hides behind feature flags.
    Experimental,
    /// Written, or loaded before, in a way the reader of scripts does not know.
    Unread,
}

/// How an eval went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Otherwise, and how.
    Failed(String),
    /// Not asked.
    Skipped,
}

/// One eval, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its line in the script.
    pub line: usize,
    /// The query.
    pub query: String,
    /// What it needs.
    pub class: Class,
    /// How it went.
    pub outcome: Outcome,
}

/// All evals of a script.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In order.
    pub evals: Vec<Judged>,
}

impl Report {
    fn push(&mut self, line: usize, query: &str, class: Class, message: &str) {
        let outcome = Outcome::Failed(message.to_owned());
        self.evals.push(Judged { line, query: query.to_owned(), class, outcome });
    }

    /// Passed, failed and skipped evals of a class.
    pub fn count(&self, class: Class) -> (usize, usize, usize) {
        let of = |wanted: fn(&Outcome) -> bool| {
            self.evals.iter().filter(|one| one.class == class && wanted(&one.outcome)).count()
        };
        (
            of(|outcome| *outcome == Outcome::Passed),
            of(|outcome| matches!(outcome, Outcome::Failed(_))),
            of(|outcome| *outcome == Outcome::Skipped),
        )
    }
}

/// Runs a script.
///
/// # Errors
/// If samples cannot be loaded; a query that fails is part of the report.
pub fn run(script: &Script, driver: &mut dyn Driver) -> Result<Report, String> {
    let mut report = Report::default();
    // Series that are native histograms, for telling what a query touches.
    let mut native: Vec<Labels> = Vec::new();
    driver.clear()?;
    let mut unread: Option<&str> = None;
    for (line, command) in &script.commands {
        match command {
            Command::Unread(first, message) if first.starts_with("load") => unread = Some(message),
            Command::Unread(first, message) => report.push(*line, first, Class::Unread, message),
            Command::Clear => {
                unread = None;
                native.clear();
                driver.clear()?;
            }
            Command::Load { step_ms, series, native: convert } => {
                for (labels, points) in series {
                    note_native(labels, points, *convert, &mut native);
                }
                // Of two lines about one series the last counts, as in the suite's own runner.
                let sampled: BTreeMap<Labels, _> = series.iter().map(|one| sampled(one, *step_ms)).collect();
                let sampled: Vec<Sampled> = sampled.into_iter().collect();
                driver.load(&sampled).map_err(|message| format!("line {line}: {message}"))?;
            }
            Command::Eval(eval) => {
                if let Some(message) = unread {
                    report.push(*line, &eval.query, Class::Unread, message);
                    continue;
                }
                let class = classify(eval, &native);
                let outcome = match class {
                    Class::NativeHistogram => Outcome::Skipped,
                    _ => judge(eval, driver).map_or_else(Outcome::Failed, |()| Outcome::Passed),
                };
                report.evals.push(Judged { line: *line, query: eval.query.clone(), class, outcome });
            }
        }
    }
    Ok(report)
}

fn sampled((labels, points): &(Labels, Vec<Point>), step_ms: i64) -> Sampled {
    let times = (0i64..).map(|step| step_ms.saturating_mul(step));
    let samples = times.zip(points).filter_map(|(at, point)| match point {
        Point::Value(value) => Some((at, *value)),
        Point::Stale => Some((at, f64::from_bits(crate::STALE_BITS))),
        Point::Gap | Point::Histogram(_) => None,
    });
    (labels.clone(), samples.collect())
}

fn note_native(labels: &Labels, points: &[Point], convert: bool, native: &mut Vec<Labels>) {
    if points.iter().any(|point| matches!(point, Point::Histogram(_))) {
        native.push(labels.clone());
    }
    if let (true, Some(name)) = (convert, labels.metric().strip_suffix("_bucket")) {
        native.push(labels.with(NAME_LABEL, name).with("le", ""));
    }
}

fn classify(eval: &Eval, native: &[Labels]) -> Class {
    let expects = match &eval.expected {
        Expected::Series(series) | Expected::Matrix(_, _, series) => has_histograms(series),
        _ => false,
    };
    let Ok(expr) = parse_with(&eval.query, ALL) else {
        return if expects { Class::NativeHistogram } else { unread(&eval.query) };
    };
    let touched = expr
        .selectors()
        .iter()
        .any(|one| native.iter().any(|labels| one.selector.matchers.iter().all(|matcher| matcher.matches(labels))));
    if expects || touched {
        return Class::NativeHistogram;
    }
    if crate::parse(&eval.query).is_err() { Class::Experimental } else { Class::Float }
}

/// What cannot be read may use syntax that is an experiment.
fn unread(query: &str) -> Class {
    let words = ["anchored", "smoothed", "fill(", "fill (", "fill_left", "fill_right", "info("];
    if words.iter().any(|word| query.contains(word)) { Class::Experimental } else { Class::Float }
}

fn judge(eval: &Eval, driver: &mut dyn Driver) -> Result<(), String> {
    let reply = match (driver.ask(&eval.query, eval.when), &eval.expected) {
        (Ok(reply), _) => reply,
        (Err(_), Expected::Fail(None)) => return Ok(()),
        (Err(message), Expected::Fail(Some(test))) if test.accepts(&message) => return Ok(()),
        (Err(message), _) => return Err(format!("failed with {message:?}")),
    };
    check(eval, &reply)?;
    if let When::Instant(at) = eval.when
        && matches!(reply.value, Value::Scalar(..) | Value::Vector(_))
    {
        around(eval, at, driver)?;
        fixed(eval, at, driver)?;
    }
    Ok(())
}

/// True if the answer depends on when the query begins and ends.
fn of_query(query: &str) -> bool {
    ["start()", "end()", "step()", "range()"].iter().any(|word| query.contains(word))
}

/// The same as a range query around the time.
fn around(eval: &Eval, at: i64, driver: &mut dyn Driver) -> Result<(), String> {
    let when = When::Range { start_ms: at - 60_000, end_ms: at + 60_000, step_ms: 60_000 };
    if eval.ordered || of_query(&eval.query) || !driver.can_ask(when) {
        return Ok(());
    }
    let reply = driver.ask(&eval.query, when).map_err(|message| format!("as a range query failed with {message:?}"))?;
    let Value::Matrix(series) = reply.value else { return Err("as a range query gave no matrix".to_owned()) };
    let sample = |one: crate::answer::Points| {
        let value = one.points.iter().find(|(time, _)| *time == at).map(|(_, value)| *value)?;
        Some(Sample { labels: one.labels, at_ms: at, value })
    };
    let samples: Vec<Sample> = series.into_iter().filter_map(sample).collect();
    let value = match (&eval.expected, samples.as_slice()) {
        (Expected::Scalar(_), [one]) => Value::Scalar(at, one.value),
        _ => Value::Vector(samples),
    };
    check_value(eval, &value).map_err(|message| format!("as a range query: {message}"))
}

/// The same with the time in the query, asked at other times.
fn fixed(eval: &Eval, at: i64, driver: &mut dyn Driver) -> Result<(), String> {
    if of_query(&eval.query) {
        return Ok(());
    }
    let Ok(expr) = parse_with(&eval.query, ALL) else { return Ok(()) };
    let Some(query) = expr.fixed_at(at).map(|expr| expr.to_string()) else { return Ok(()) };
    let times = if at == 0 { vec![-1_000, 0, 1_000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
    for when in times.into_iter().map(When::Instant).filter(|when| driver.can_ask(*when)).collect::<Vec<_>>() {
        let reply = driver.ask(&query, when).map_err(|message| format!("{query:?} failed with {message:?}"))?;
        check_value(eval, &reply.value).map_err(|message| format!("{query:?} at {when:?}: {message}"))?;
    }
    Ok(())
}

/// What scripts take for granted: experiments are on, and names go at the end.
pub fn options() -> Options {
    Options { experimental: true, delayed_names: true, ..Options::default() }
}

/// The evaluator itself, on samples in memory.
#[derive(Debug, Default)]
pub struct MemoryDriver {
    /// The samples.
    pub source: MemorySource,
    /// Settings; none means those of the suite.
    pub options: Option<Options>,
}

impl Driver for MemoryDriver {
    fn clear(&mut self) -> Result<(), String> {
        self.source.clear();
        Ok(())
    }

    fn load(&mut self, series: &[Sampled]) -> Result<(), String> {
        for (labels, samples) in series {
            samples.iter().for_each(|(at, value)| self.source.push(labels, *at, *value));
        }
        Ok(())
    }

    fn ask(&mut self, query: &str, when: When) -> Result<Reply, String> {
        let options = self.options.clone().unwrap_or_else(options);
        let answer = crate::query(query, &self.source, when, &options).map_err(|error| error.to_string())?;
        Ok(Reply { value: answer.value, warnings: answer.warnings, infos: answer.infos })
    }
}
