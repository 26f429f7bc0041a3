//! The parameters of a request in Prometheus' API (prometheus.io, "HTTP API"): times, durations, selectors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Asked, Handle, Time};
use promql::{Matcher, Options, When};

use super::json::Failure;
use crate::limits::{QUERY_MEMORY_BYTES, QUERY_STEPS_MAX, QUERY_TIME, SELECTORS_MAX};

/// Nobody asks for times further away than this, in milliseconds since 1970: the year 9999 and back.
const TIME_MS_MAX: f64 = 253_402_300_799_999.0;

/// A time: seconds since 1970 with a fraction, or RFC 3339.
pub(super) fn time(asked: &Asked, name: &str, now: Time) -> Result<Option<i64>, Failure> {
    let Some(text) = asked.field(name) else { return Ok(None) };
    if let Ok(seconds) = text.parse::<f64>()
        && let Some(ms) = in_ms(seconds)
    {
        return Ok(Some(ms));
    }
    if text == "now" {
        return Ok(Some(now.millis()));
    }
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    let ms = parsed.map(|at| at.as_millisecond());
    ms.map(Some).ok_or_else(|| Failure::parameter(name, format!("cannot parse {text:?} to a valid timestamp")))
}

/// A length of time in milliseconds: seconds with a fraction, or "5m".
pub(super) fn duration(asked: &Asked, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = asked.field(name) else { return Ok(None) };
    let seconds = text.parse::<f64>().ok().and_then(in_ms);
    let ms = seconds.or_else(|| promql::parse_duration(text));
    ms.map(Some).ok_or_else(|| Failure::parameter(name, format!("cannot parse {text:?} to a valid duration")))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn in_ms(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1_000.0).round();
    (ms.abs() <= TIME_MS_MAX).then_some(ms as i64)
}

/// A number of things, such as `limit`; 0 and none mean no limit.
pub(super) fn count(asked: &Asked, name: &str) -> Result<usize, Failure> {
    let Some(text) = asked.field(name) else { return Ok(usize::MAX) };
    match text.parse::<usize>() {
        Ok(0) => Ok(usize::MAX),
        Ok(count) => Ok(count),
        Err(_) => Err(Failure::parameter(name, format!("cannot parse {text:?} to a valid number"))),
    }
}

/// When a query is evaluated.
pub(super) fn when(asked: &Asked, now: Time, is_range: bool) -> Result<When, Failure> {
    if !is_range {
        return Ok(When::Instant(time(asked, "time", now)?.unwrap_or_else(|| now.millis())));
    }
    let required = |name: &str| Failure::parameter(name, "it is required");
    let start_ms = time(asked, "start", now)?.ok_or_else(|| required("start"))?;
    let end_ms = time(asked, "end", now)?.ok_or_else(|| required("end"))?;
    let step_ms = duration(asked, "step")?.ok_or_else(|| required("step"))?;
    if end_ms < start_ms {
        return Err(Failure::parameter("end", "end timestamp must not be before start time"));
    }
    if step_ms <= 0 {
        let why = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Failure::parameter("step", why));
    }
    Ok(When::Range { start_ms, end_ms, step_ms })
}

/// The limits of a query: those of the house, or less if it asks for less.
pub(super) fn options(asked: &Asked) -> Result<Options, Failure> {
    let wished = duration(asked, "timeout")?.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    let time = wished.map_or(QUERY_TIME, |wished| wished.min(QUERY_TIME));
    let mut options = limits(time);
    options.cancel = Some(Arc::clone(&asked.gone));
    if let Some(ms) = duration(asked, "lookback_delta")? {
        options.lookback_ms = ms;
    }
    Ok(options)
}

/// The limits of the house. What Prometheus has behind feature flags is on: the experimental functions, and names that go
/// at the end of a query (`promql-delayed-name-removal`), so that `label_replace` can still use them.
pub(crate) fn limits(time: Duration) -> Options {
    Options {
        experimental: true,
        delayed_names: true,
        deadline: Instant::now().checked_add(time),
        memory_bytes_max: QUERY_MEMORY_BYTES,
        steps_max: QUERY_STEPS_MAX,
        ..Options::default()
    }
}

/// The selectors of `match[]`, each a list of conditions.
pub(super) fn selectors(asked: &Asked) -> Result<Vec<Vec<Matcher>>, Failure> {
    let all = asked.all("match[]").map(|text| {
        promql::parse_selector(text)
            .map(|selector| selector.matchers)
            .map_err(|error| Failure::parameter("match[]", error))
    });
    let all = all.collect::<Result<Vec<_>, _>>()?;
    match all.len() > SELECTORS_MAX {
        true => Err(Failure::parameter("match[]", format!("at most {SELECTORS_MAX} selectors fit into one request"))),
        false => Ok(all),
    }
}

/// The time that names are asked for; all of it if nothing is said.
pub(super) fn span(asked: &Asked, kernel: &Handle) -> Result<(i64, i64), Failure> {
    let now = kernel.now();
    let from = time(asked, "start", now)?.unwrap_or(i64::MIN);
    let to = time(asked, "end", now)?.unwrap_or(i64::MAX);
    if to < from {
        return Err(Failure::parameter("end", "end timestamp must not be before start timestamp"));
    }
    Ok((from, to))
}
