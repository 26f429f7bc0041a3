//! Native histograms of remote write, read and given as classic series.

use super::Take;
use crate::buckets::{COUNTS_MAX, Native, SCHEMA_CUSTOM, Side, classic};
use crate::labels::put_label;
use crate::wire::{Reader, Value, WireError, unzigzag};
use crate::{Item, LabelBytes, LabelLimits, Metadata, NAME_LABEL, SeriesSamples, is_stale_marker, number};

/// One histogram sample as it was sent.
#[derive(Default)]
pub(super) struct Histogram {
    at_ms: i64,
    sum: f64,
    native: Native,
    positive: Sent,
    negative: Sent,
}

/// One sign's buckets as they were sent.
#[derive(Default)]
struct Sent {
    /// Gap before the span, and its length.
    spans: Vec<(i64, u64)>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

pub(super) fn read(message: &[u8]) -> Result<Histogram, WireError> {
    let mut read = Histogram::default();
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => read.native.count = value.uint()? as f64,
            2 => read.native.count = value.double()?,
            3 => read.sum = value.double()?,
            4 => read.native.schema = value.zigzag()?,
            5 => read.native.zero_threshold = value.double()?,
            6 => read.native.zero_count = value.uint()? as f64,
            7 => read.native.zero_count = value.double()?,
            8 => read.negative.span(value)?,
            9 => value.each_varint(|number| bounded(&mut read.negative.deltas, unzigzag(number)))?,
            10 => value.each_fixed64(|bits| bounded(&mut read.negative.counts, f64::from_bits(bits)))?,
            11 => read.positive.span(value)?,
            12 => value.each_varint(|number| bounded(&mut read.positive.deltas, unzigzag(number)))?,
            13 => value.each_fixed64(|bits| bounded(&mut read.positive.counts, f64::from_bits(bits)))?,
            15 => read.at_ms = value.int()?,
            16 => value.each_fixed64(|bits| bounded(&mut read.native.custom_bounds, f64::from_bits(bits)))?,
            _ => {}
        }
    }
    Ok(read)
}

/// Keeps one more than the most that is allowed, so that excess is noticed and takes no memory.
fn bounded<T>(list: &mut Vec<T>, value: T) {
    if list.len() <= COUNTS_MAX {
        list.push(value);
    }
}

impl Sent {
    fn span(&mut self, value: Value<'_>) -> Result<(), WireError> {
        let (mut offset, mut length) = (0, 0);
        let mut reader = Reader::new(value.bytes()?);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => offset = value.zigzag()?,
                2 => length = value.uint()?,
                _ => {}
            }
        }
        bounded(&mut self.spans, (offset, length));
        Ok(())
    }

    /// Index and count of each bucket; `None` if the lists do not fit each other.
    fn side(&self) -> Option<Side> {
        let sizes = [self.spans.len(), self.deltas.len(), self.counts.len()];
        if sizes.into_iter().any(|size| size > COUNTS_MAX) || (!self.deltas.is_empty() && !self.counts.is_empty()) {
            return None;
        }
        let mut total = 0_i64;
        let from_deltas = self.deltas.iter().map(|delta| {
            total = total.saturating_add(*delta);
            total as f64
        });
        let mut left = from_deltas.chain(self.counts.iter().copied());
        let mut counts = Vec::with_capacity(self.deltas.len() + self.counts.len());
        let mut index = 0_i64;
        for (offset, length) in &self.spans {
            index = index.checked_add(*offset)?;
            for _ in 0..*length {
                counts.push((index, left.next()?));
                index = index.checked_add(1)?;
            }
        }
        left.next().is_none().then_some(Side { counts })
    }
}

/// Gives `_count`, `_sum` and the buckets as series of their own; answers how many.
///
/// A histogram that says "this series ended" gives that for `_count` and `_sum`; its buckets end with them five minutes on.
pub(super) fn give(
    read: &Histogram,
    labels: LabelBytes<'_>,
    metadata: Option<Metadata<'_>>,
    scratch: &mut Vec<u8>,
    take: &mut impl Take,
) -> Result<u64, String> {
    let mut kept = Vec::new();
    labels.read_into(&LabelLimits::default(), &mut kept).map_err(|error| error.to_string())?;
    let mut given = 0;
    let mut one = |suffix: &str, le: Option<f64>, value: f64| {
        derive(&kept, suffix, le, scratch);
        let samples = [(read.at_ms, value)];
        take.take(Item::Series(SeriesSamples { labels: LabelBytes::new(scratch), samples: &samples, metadata }));
        given += 1;
    };
    if is_stale_marker(read.sum) {
        one("_count", None, read.sum);
        one("_sum", None, read.sum);
        return Ok(given);
    }
    let fitting = "its lists of spans and counts do not fit each other";
    let native = Native {
        positive: read.positive.side().ok_or(fitting)?,
        negative: read.negative.side().ok_or(fitting)?,
        custom_bounds: read.native.custom_bounds.clone(),
        ..read.native
    };
    if native.schema == SCHEMA_CUSTOM && native.custom_bounds.len() > COUNTS_MAX {
        return Err("it has more than 4096 bounds".to_owned());
    }
    let buckets = classic(&native).map_err(|refused| refused.to_string())?;
    for (bound, total) in buckets {
        one("_bucket", Some(bound), total);
    }
    one("_bucket", Some(f64::INFINITY), native.count);
    one("_count", None, native.count);
    one("_sum", None, read.sum);
    Ok(given)
}

/// The labels of a series made from a histogram: the name with a suffix, and `le`.
fn derive(labels: &[(&str, &str)], suffix: &str, le: Option<f64>, into: &mut Vec<u8>) {
    into.clear();
    for (name, value) in labels {
        if *name == NAME_LABEL {
            put_label(name, &format!("{value}{suffix}"), into);
        } else {
            put_label(name, value, into);
        }
    }
    if let Some(bound) = le {
        put_label("le", &number::canonical(bound), into);
    }
}
