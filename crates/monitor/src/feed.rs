//! What every agent is to look at, in the agents' own encoding.

use agent_proto::{CheckSpec, Frame, FromServer};
use kernel::{Cx, Error, Result};

use crate::check::Check;
use crate::store;

/// Longest run of a probe, in milliseconds.
const TIMEOUT_MS_MAX: u32 = 10_000;

/// The set of checks of an asset's agent. Its generation names its content, so the same set is never sent twice.
pub(crate) fn checks(cx: &mut Cx, asset: i64) -> Result<Option<Vec<u8>>> {
    let checks: Vec<CheckSpec> = store::checks::of_agent(cx.tx, asset)?.iter().filter_map(spec).collect();
    let generation = generation(&encode(0, checks.clone())?);
    encode(generation, checks).map(Some)
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

fn spec(check: &Check) -> Option<CheckSpec> {
    let interval_ms = u32::try_from(check.interval_s.saturating_mul(1_000)).unwrap_or(u32::MAX);
    Some(CheckSpec {
        check_id: check.id,
        generation: check.generation,
        interval_ms,
        timeout_ms: (interval_ms / 5 * 4).min(TIMEOUT_MS_MAX),
        probe: check.probe.for_agent()?,
    })
}
