//! What every agent is to look at, in the agents' own encoding; and what their looks found that is more than a value.

use std::any::Any;

use agent_proto::{CheckResult, CheckSpec, CheckState, Figure, Frame, FromServer, LookResult};
use kernel::registry::AgentFrom;
use kernel::{Cx, Error, Handle, Result};

use crate::check::{self, Check};
use crate::fill_up::Forecasts;
use crate::live::{self, Monitor};
use crate::probe::Secrets;
use crate::store;

/// Longest run of a probe, in milliseconds.
pub(crate) const TIMEOUT_MS_MAX: u32 = 10_000;

/// The set of checks of an asset's agent. Its generation names its content, so the same set is never sent twice.
pub(crate) fn checks(cx: &mut Cx, asset: i64) -> Result<Option<Vec<u8>>> {
    let mut checks = Vec::new();
    for check in store::checks::of_agent(cx.tx, asset)? {
        let secrets = check::secrets(cx, &check)?;
        checks.extend(spec(&check, &secrets));
    }
    let generation = generation(&encode(0, checks.clone())?);
    encode(generation, checks).map(Some)
}

/// What an agent is asked to look at again at once; nothing most of the time.
pub(crate) fn look(cx: &mut Cx, asset: i64) -> Result<Option<Vec<u8>>> {
    let asked = cx.kernel.get::<Monitor>()?.again.of_agent(asset, cx.now);
    let frame = asked.map(|(number, mut checks)| {
        checks.truncate(agent_proto::limits::CHECKS_MAX);
        agent_proto::encode(&Frame::direct(FromServer::Look { number, checks }))
    });
    frame.transpose().map_err(|error| Error::internal("look-not-encoded", error))
}

fn encode(generation: i64, checks: Vec<CheckSpec>) -> Result<Vec<u8>> {
    agent_proto::encode(&Frame::direct(FromServer::Checks { generation, checks }))
        .map_err(|error| Error::internal("checks-not-encoded", error))
}

/// A positive number drawn from the content; 0 means none at all.
fn generation(content: &[u8]) -> i64 {
    let digest = kernel::text::sha256_hex(content);
    digest.get(..15).and_then(|start| i64::from_str_radix(start, 16).ok()).unwrap_or(1).max(1)
}

fn spec(check: &Check, secrets: &Secrets) -> Option<CheckSpec> {
    let interval_ms = u32::try_from(check.interval_s.saturating_mul(1_000)).unwrap_or(u32::MAX);
    Some(CheckSpec {
        check_id: check.id,
        generation: check.generation,
        interval_ms,
        timeout_ms: (interval_ms / 5 * 4).min(TIMEOUT_MS_MAX),
        probe: check.probe.for_agent(secrets)?,
    })
}

/// Takes what an agent found. What is said of a file system ends with when it will be full.
pub(crate) fn check_results(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let Some(results) = body.downcast_ref::<Vec<CheckResult>>() else {
        return live::check_results(handle, from, body);
    };
    let forecasts = handle.get::<Forecasts>()?;
    if results.iter().all(|one| forecasts.of(one.check_id).is_none()) {
        return live::check_results(handle, from, body);
    }
    let mut results = results.clone();
    for result in &mut results {
        if let Some(words) = forecasts.of(result.check_id) {
            result.evidence = format!("{}; {words}", result.evidence);
        }
    }
    live::check_results(handle, from, &results)
}

/// Takes what an agent's looks found: the results as those of any check, and their figures as series.
pub(crate) fn look_results(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let Some(looked) = body.downcast_ref::<Vec<LookResult>>() else {
        return Err(Error::internal("look-results-type", "the gateway handed over something else"));
    };
    let results: Vec<CheckResult> = looked.iter().map(|one| one.result.clone()).collect();
    let monitor = handle.get::<Monitor>()?;
    for LookResult { result, figures } in looked.iter().filter(|one| one.result.state == CheckState::Fail) {
        monitor.note_sign(result.check_id, Some(from.asset), result.value, figures);
    }
    live::check_results(handle, from, &results)?;
    for LookResult { result, figures } in looked {
        if let Some(asset) = monitor.about(result.check_id, Some(from.asset)) {
            monitor.keep_figures(result.check_id, asset, result.at_ms, result.value, figures);
        }
    }
    Ok(())
}

impl Monitor {
    /// Keeps what a look measured as series: `mainstay_check_value`, and `mainstay_check_figure` by name.
    pub(crate) fn keep_figures(
        &self,
        check: i64,
        asset: Option<i64>,
        at_ms: i64,
        value: Option<f64>,
        figures: &[Figure],
    ) {
        let (check, asset) = (check.to_string(), asset.map(|id| id.to_string()));
        let source = format!("check:{check}");
        let mut samples = Vec::with_capacity(figures.len() + 1);
        let mut put = |metric: &str, figure: Option<&str>, value: f64| {
            let mut labels = vec![("__name__", metric)];
            labels.extend(asset.as_deref().map(|asset| ("asset", asset)));
            labels.push(("check", check.as_str()));
            labels.extend(figure.map(|name| ("figure", name)));
            // A series too many is counted by the store; the result itself stands.
            if let Ok(id) = self.series.register(&source, &labels) {
                samples.push((id, value));
            }
        };
        if let Some(value) = value.filter(|value| value.is_finite()) {
            put("mainstay_check_value", None, value);
        }
        for figure in figures.iter().filter(|figure| figure.value.is_finite() && !figure.name.is_empty()) {
            put("mainstay_check_figure", Some(&figure.name), figure.value);
        }
        if let Err(error) = self.series.append(&source, at_ms, &samples) {
            tracing::warn!(check, %error, "what a check measured could not be kept as series");
        }
    }
}
