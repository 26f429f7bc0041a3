//! Which series, labels and metrics there are.

use std::collections::BTreeSet;

use kernel::{Asked, Handle, Said};
use promql::Labels;

use super::ask;
use super::json::{self, Failure};
use super::query::QueryMetrics;
use super::reader::{Reader, matchers};
use crate::limits::{NAME_VALUES_MAX, QUERY_SERIES_MAX};
use crate::live::Monitor;

const LIMITS: tsdb::Limits = tsdb::Limits { series: QUERY_SERIES_MAX, samples: 0, bytes: 0 };

fn failed(error: &tsdb::Error) -> Failure {
    Failure::execution(error.to_string())
}

/// The labels of the series that are asked for and may be seen, each set once, in order.
fn found(kernel: &Handle, asked: &Asked) -> Result<Vec<tsdb::Labels>, Failure> {
    let span = ask::span(asked, kernel)?;
    let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
    let mut selectors = ask::selectors(asked)?;
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let mut all = BTreeSet::new();
    for selector in &selectors {
        let conditions = matchers(selector).map_err(|error| failed(&error))?;
        all.extend(monitor.series.series(&conditions, span, LIMITS).map_err(|error| failed(&error))?);
    }
    let mut all: Vec<_> = all.into_iter().collect();
    let reader = Reader::new(kernel, &monitor, &asked.reach);
    reader.visible(&mut all, |labels| labels).map_err(|error| Failure::internal(error.message))?;
    Ok(all)
}

fn answer(outcome: Result<Vec<u8>, Failure>, cut: bool) -> Said {
    let warnings = if cut { vec!["results truncated due to limit".to_owned()] } else { Vec::new() };
    outcome.map_or_else(|failure| failure.said(), |data| json::success(&data, &warnings, &[]))
}

/// `/prometheus/api/v1/series`
pub(super) fn series(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        if asked.all("match[]").next().is_none() {
            return Err(Failure::parameter("match[]", "no match[] parameter provided"));
        }
        let (mut all, limit) = (found(kernel, asked)?, ask::count(asked, "limit")?);
        let cut = all.len() > limit;
        all.truncate(limit);
        let mut out = Vec::new();
        json::list(&mut out, &all, |out, labels| json::labels(out, &Labels::from_sorted(labels.iter())));
        Ok((out, cut))
    };
    match outcome() {
        Ok((out, cut)) => answer(Ok(out), cut),
        Err(failure) => failure.said(),
    }
}

/// Names or values, in order, as many as were asked for.
fn words(asked: &Asked, words: Vec<String>) -> Result<Said, Failure> {
    let limit = ask::count(asked, "limit")?.min(NAME_VALUES_MAX);
    let mut out = Vec::new();
    json::list(&mut out, words.get(..words.len().min(limit)).unwrap_or_default(), |out, word| json::text(out, word));
    Ok(answer(Ok(out), words.len() > limit))
}

/// True when everything may be seen and is asked for, so that the index alone answers.
fn is_all(asked: &Asked) -> bool {
    asked.reach.everything && asked.all("match[]").next().is_none()
}

/// `/prometheus/api/v1/labels`
pub(super) fn labels(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        let names = if is_all(asked) {
            let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
            let span = ask::span(asked, kernel)?;
            monitor.series.label_names(&[], span, LIMITS).map_err(|error| failed(&error))?
        } else {
            let all = found(kernel, asked)?;
            let names: BTreeSet<&str> = all.iter().flat_map(tsdb::Labels::iter).map(|(name, _)| name).collect();
            names.into_iter().map(str::to_owned).collect()
        };
        words(asked, names)
    };
    outcome().unwrap_or_else(|failure| failure.said())
}

/// `/prometheus/api/v1/label/{name}/values`
pub(super) fn values(kernel: &Handle, asked: &Asked) -> Said {
    let name = asked.in_path("name");
    let outcome = || {
        let values = if is_all(asked) {
            let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
            let span = ask::span(asked, kernel)?;
            monitor.series.label_values(name, &[], span, LIMITS).map_err(|error| failed(&error))?
        } else {
            let all = found(kernel, asked)?;
            let values: BTreeSet<&str> = all.iter().filter_map(|labels| labels.get(name)).collect();
            values.into_iter().map(str::to_owned).collect()
        };
        words(asked, values)
    };
    outcome().unwrap_or_else(|failure| failure.said())
}

/// `/prometheus/api/v1/metadata`: what senders said about their metrics since the server started.
pub(super) fn metadata(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        let limit = ask::count(asked, "limit")?;
        let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
        let known = monitor.sink.metadata(asked.field("metric"), limit);
        let mut out = vec![b'{'];
        for (index, (metric, meta)) in known.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::text(&mut out, metric);
            out.extend_from_slice(b":[{\"type\":");
            json::text(&mut out, meta.kind.word());
            for (name, value) in [("help", &meta.help), ("unit", &meta.unit)] {
                out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                json::text(&mut out, value);
            }
            out.extend_from_slice(b"}]");
        }
        out.push(b'}');
        Ok(out)
    };
    answer(outcome(), false)
}

/// `/prometheus/api/v1/status/buildinfo`: what a client looks at to see which API this is.
pub(super) fn build(_: &Handle, _: &Asked) -> Said {
    let version = env!("CARGO_PKG_VERSION");
    let info = format!(
        "{{\"version\":\"3.0.0\",\"revision\":\"mainstay-{version}\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\
         \"goVersion\":\"\"}}"
    );
    json::success(info.as_bytes(), &[], &[])
}

/// The operation whose grant all of these need.
pub(super) const GRANT: &str = <QueryMetrics as kernel::Operation>::NAME;
