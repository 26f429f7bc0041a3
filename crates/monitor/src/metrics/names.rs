//! Which series, labels and metrics there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use kernel::{Asked, Handle, Said};
use promql::Labels;

use super::ask;
use super::json::{self, Failure};
use super::own;
use super::query::QueryMetrics;
use super::reader::{LIMITS, Reader, matchers};
use super::sink::Meta;
use crate::limits::{NAME_VALUES_MAX, QUERY_TIME};
use crate::live::Monitor;

/// Metrics of agents are described that came within this time.
const METADATA_SPAN_MS: i64 = 86_400_000;

fn open(kernel: &Handle) -> Result<Arc<Monitor>, Failure> {
    kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))
}

fn failed(error: &tsdb::Error) -> Failure {
    Failure::execution(error.to_string())
}

/// The labels of the series that are asked for and may be seen, each set once, in order.
fn found(kernel: &Handle, asked: &Asked) -> Result<Vec<tsdb::Labels>, Failure> {
    let span = ask::span(asked, kernel)?;
    let monitor = open(kernel)?;
    let mut selectors = ask::selectors(asked)?;
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let mut all = BTreeSet::new();
    let end = Instant::now() + QUERY_TIME;
    for selector in &selectors {
        if asked.is_gone() || Instant::now() > end {
            return Err(Failure::execution("this takes too long: ask for fewer selectors"));
        }
        let conditions = matchers(selector).map_err(|error| failed(&error))?;
        all.extend(monitor.series.series(&conditions, span, LIMITS).map_err(|error| failed(&error))?);
    }
    let mut all: Vec<_> = all.into_iter().collect();
    let reader = Reader::new(kernel, &monitor, &asked.reach);
    reader.visible(&mut all, |labels| labels).map_err(|error| Failure::internal(error.message))?;
    Ok(all)
}

/// A list, as much of it as was asked for and fits.
fn listed<T>(asked: &Asked, all: &[T], each: impl FnMut(&mut Vec<u8>, &T)) -> Result<Said, Failure> {
    let limit = ask::count(asked, "limit")?.min(NAME_VALUES_MAX);
    let cut = if all.len() > limit { vec!["results truncated due to limit".to_owned()] } else { Vec::new() };
    Ok(json::success(&cut, &[], |out| json::list(out, all.get(..all.len().min(limit)).unwrap_or_default(), each)))
}

/// `/prometheus/api/v1/series`
pub(super) fn series(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        if asked.all("match[]").next().is_none() {
            return Err(Failure::parameter("match[]", "no match[] parameter provided"));
        }
        let all = found(kernel, asked)?;
        listed(asked, &all, |out, labels| json::labels(out, &Labels::from_sorted(labels.iter())))
    };
    outcome().unwrap_or_else(|failure| failure.said())
}

/// True when everything may be seen and is asked for, so that the index alone answers.
fn is_all(asked: &Asked) -> bool {
    asked.reach.everything && asked.all("match[]").next().is_none()
}

/// `/prometheus/api/v1/labels`
pub(super) fn labels(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        let names = if is_all(asked) {
            let monitor = open(kernel)?;
            let span = ask::span(asked, kernel)?;
            monitor.series.label_names(&[], span, LIMITS).map_err(|error| failed(&error))?
        } else {
            let all = found(kernel, asked)?;
            let names: BTreeSet<&str> = all.iter().flat_map(tsdb::Labels::iter).map(|(name, _)| name).collect();
            names.into_iter().map(str::to_owned).collect()
        };
        listed(asked, &names, |out, name| json::text(out, name))
    };
    outcome().unwrap_or_else(|failure| failure.said())
}

/// `/prometheus/api/v1/label/{name}/values`
pub(super) fn values(kernel: &Handle, asked: &Asked) -> Said {
    let name = asked.in_path("name");
    let outcome = || {
        let values = if is_all(asked) {
            let monitor = open(kernel)?;
            let span = ask::span(asked, kernel)?;
            monitor.series.label_values(name, &[], span, LIMITS).map_err(|error| failed(&error))?
        } else {
            let all = found(kernel, asked)?;
            let values: BTreeSet<&str> = all.iter().filter_map(|labels| labels.get(name)).collect();
            values.into_iter().map(str::to_owned).collect()
        };
        listed(asked, &values, |out, value| json::text(out, value))
    };
    outcome().unwrap_or_else(|failure| failure.said())
}

/// What is known of metrics: what senders said, for those who may see pushed series, and what those of agents are.
fn known(kernel: &Handle, asked: &Asked, limit: usize) -> Result<BTreeMap<String, Meta>, Failure> {
    let monitor = open(kernel)?;
    let wanted = asked.field("metric");
    let pushed = if asked.reach.everything { limit } else { 0 };
    let mut all: BTreeMap<String, Meta> = monitor.sink.metadata(wanted, pushed).into_iter().collect();
    let now = kernel.now().millis();
    let named = wanted.map(|metric| tsdb::Matcher::equal(tsdb::NAME_LABEL, metric));
    let span = (now - METADATA_SPAN_MS, now);
    let there = monitor.series.label_values(tsdb::NAME_LABEL, named.as_slice(), span, LIMITS);
    for metric in there.map_err(|error| failed(&error))? {
        if let Some(meta) = own::described(&metric) {
            all.entry(metric).or_insert(meta);
        }
    }
    Ok(all)
}

/// `/prometheus/api/v1/metadata`: what senders said about their metrics since the server started, and what the metrics of
/// agents and checks are that came in the last day.
pub(super) fn metadata(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        let limit = ask::count(asked, "limit")?.min(NAME_VALUES_MAX);
        let known = known(kernel, asked, limit)?;
        Ok(json::success(&[], &[], |out| {
            out.push(b'{');
            for (index, (metric, meta)) in known.iter().take(limit).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json::text(out, metric);
                out.extend_from_slice(b":[{\"type\":");
                json::text(out, meta.kind.word());
                for (name, value) in [("help", &meta.help), ("unit", &meta.unit)] {
                    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                    json::text(out, value);
                }
                out.extend_from_slice(b"}]");
            }
            out.push(b'}');
        }))
    };
    outcome().unwrap_or_else(|failure: Failure| failure.said())
}

/// `/prometheus/api/v1/status/buildinfo`: what a client looks at to see which API this is.
pub(super) fn build(_: &Handle, _: &Asked) -> Said {
    let version = env!("CARGO_PKG_VERSION");
    let info = format!(
        "{{\"version\":\"3.0.0\",\"revision\":\"mainstay-{version}\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\
         \"goVersion\":\"\"}}"
    );
    json::success(&[], &[], |out| out.extend_from_slice(info.as_bytes()))
}

/// The operation whose grant all of these need.
pub(super) const GRANT: &str = <QueryMetrics as kernel::Operation>::NAME;
