//! A slice of the store for an endpoint: every sample of a span of time, packed into requests.

use kernel::{Error, Result};
use metrics_proto::write::Encoder;

use super::{Filter, RemoteVersion};

/// Most samples of one request.
const REQUEST_SAMPLES: usize = 10_000;
/// Most bytes of one request before it is packed.
const REQUEST_BYTES: usize = 2 << 20;
/// Most samples of a slice: what is in memory for an endpoint at a time.
const SLICE_SAMPLES: usize = 500_000;

/// A packed request.
pub(super) struct Batch {
    pub(super) body: Vec<u8>,
    pub(super) samples: usize,
}

/// What a slice came to.
pub(super) enum Slice {
    /// The requests.
    Batches(Vec<Batch>),
    /// There is more than fits: ask for a shorter span.
    TooMuch,
}

/// What came late.
pub(super) struct Late {
    /// The requests.
    pub(super) batches: Vec<Batch>,
    /// Where to go on.
    pub(super) next: u64,
    /// Samples that nobody can know any more.
    pub(super) missed: u64,
}

/// The samples in `(after_ms, to_ms]` of the series that a filter sends.
pub(super) fn read(
    store: &tsdb::Store,
    filter: &Filter,
    version: RemoteVersion,
    (after_ms, to_ms): (i64, i64),
) -> Result<Slice> {
    let unreadable = |error: tsdb::Error| Error::unavailable(format!("The series cannot be read: {error}."));
    let matchers = crate::metrics::matchers(filter.first()).map_err(unreadable)?;
    let limits = tsdb::Limits { series: usize::MAX, samples: SLICE_SAMPLES, bytes: SLICE_SAMPLES * 16 };
    let found = match store.select_columns(&matchers, after_ms.saturating_add(1), to_ms, limits) {
        Ok(found) => found,
        Err(tsdb::Error::TooMuch { .. }) => return Ok(Slice::TooMuch),
        Err(error) => return Err(unreadable(error)),
    };
    let series = found.iter().map(|one| (&one.labels, one.times.iter().copied().zip(one.values.iter().copied())));
    batches(series, filter, version).map(Slice::Batches)
}

/// What came late after a place in the store's list, as far as it belongs before `until_ms`, which later slices begin at.
pub(super) fn read_late(
    store: &tsdb::Store,
    filter: &Filter,
    version: RemoteVersion,
    (since, until_ms): (Option<u64>, i64),
) -> Result<Late> {
    let found = store.late_arrivals(since, REQUEST_SAMPLES);
    let series = found.series.iter().filter_map(|(labels, points)| {
        let points = points.get(..points.partition_point(|(at, _)| *at <= until_ms)).filter(|some| !some.is_empty())?;
        Some((labels, points.iter().copied()))
    });
    let batches = batches(series, filter, version)?;
    Ok(Late { batches, next: found.next, missed: found.missed })
}

/// Series of a filter as requests.
fn batches<'a, P: Iterator<Item = (i64, f64)>>(
    series: impl Iterator<Item = (&'a tsdb::Labels, P)>,
    filter: &Filter,
    version: RemoteVersion,
) -> Result<Vec<Batch>> {
    let mut encoder = Encoder::new(version.wire());
    let mut batches = Vec::new();
    for (labels, points) in series.filter(|(labels, _)| filter.sends(|name| labels.get(name).unwrap_or_default())) {
        encoder.series(labels.iter(), points);
        if encoder.samples() >= REQUEST_SAMPLES || encoder.bytes() >= REQUEST_BYTES {
            batches.push(packed(&mut encoder)?);
        }
    }
    if encoder.samples() > 0 {
        batches.push(packed(&mut encoder)?);
    }
    Ok(batches)
}

fn packed(encoder: &mut Encoder) -> Result<Batch> {
    let samples = encoder.samples();
    let body = encoder.finish().map_err(|error| Error::internal("remote-not-packed", error))?;
    Ok(Batch { body, samples })
}
