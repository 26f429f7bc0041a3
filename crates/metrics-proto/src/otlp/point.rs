//! Data points as samples.

use super::OtlpError;
use super::attributes::{self, Attributes};
use super::request::{Context, Labels, Sink};
use crate::buckets::{COUNTS_MAX, Native, Side, classic};
use crate::wire::{Reader, Value, WireError};
use crate::{Item, number, stale_marker};

/// Which kind of points a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

/// Everything any kind of point may hold.
#[derive(Default)]
struct Point {
    time_ns: u64,
    flags: u64,
    value: Option<f64>,
    count: u64,
    sum: Option<f64>,
    bounds: Vec<f64>,
    bucket_counts: Vec<u64>,
    quantiles: Vec<(f64, f64)>,
    scale: i64,
    zero_count: u64,
    zero_threshold: f64,
    positive: Run,
    negative: Run,
    too_long: bool,
}

/// Buckets of one sign of an exponential histogram.
#[derive(Default)]
struct Run {
    offset: i64,
    counts: Vec<u64>,
}

/// Reads one point and gives its series; `Some` is the reason why it is refused.
pub(super) fn read<F: FnMut(Item<'_>)>(
    message: &[u8],
    name: &str,
    shape: Shape,
    context: &Context<'_>,
    sink: &mut Sink<'_, F>,
) -> Result<Option<String>, OtlpError> {
    let mut attributes: Attributes<'_> = Vec::new();
    let mut point = Point::default();
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match (shape, field) {
            (Shape::Gauge | Shape::Sum | Shape::Summary, 7) | (Shape::Histogram, 9) | (Shape::Exponential, 1) => {
                if attributes.len() < sink.options.attributes_max {
                    attributes::push(value.bytes()?, sink.options, &mut attributes)?;
                } else {
                    point.too_long = true;
                }
            }
            (Shape::Gauge | Shape::Sum, 5) | (Shape::Histogram, 8) | (Shape::Exponential, 11) => {
                sink.outcome.exemplars_ignored += 1;
            }
            (_, 3) => point.time_ns = value.fixed64()?,
            _ => point.field(shape, field, value)?,
        }
    }
    let Ok(at_ms) = i64::try_from(point.time_ns / 1_000_000) else { return Ok(Some("its time is not sound".into())) };
    if at_ms == 0 {
        return Ok(Some("it has no time".into()));
    }
    if point.too_long {
        return Ok(Some(format!(
            "it has more than {COUNTS_MAX} buckets or quantiles, or more than {} attributes",
            sink.options.attributes_max
        )));
    }
    let reserved = match shape {
        Shape::Histogram | Shape::Exponential => "le",
        Shape::Summary => "quantile",
        Shape::Gauge | Shape::Sum => "",
    };
    let mut labels: Labels<'_> = context.identity.clone();
    attributes::labels(&mut attributes, sink.options.naming, &mut labels);
    labels.extend(context.extra.iter().cloned());
    labels.retain(|(label, _)| label != reserved);
    sink.set_base(&mut labels);
    if sink.base.len() > sink.options.label_bytes_max {
        return Ok(Some(format!("its labels take more than {} bytes", sink.options.label_bytes_max)));
    }
    point.give(name, shape, at_ms, sink)
}

impl Point {
    fn field(&mut self, shape: Shape, field: u32, value: Value<'_>) -> Result<(), WireError> {
        match (shape, field) {
            (Shape::Gauge | Shape::Sum, 4) => self.value = Some(value.double()?),
            (Shape::Gauge | Shape::Sum, 6) => self.value = Some(value.fixed64()?.cast_signed() as f64),
            (Shape::Gauge | Shape::Sum | Shape::Summary, 8) | (Shape::Histogram | Shape::Exponential, 10) => {
                self.flags = value.uint()?;
            }
            (Shape::Histogram | Shape::Exponential | Shape::Summary, 4) => self.count = value.fixed64()?,
            (Shape::Histogram | Shape::Exponential | Shape::Summary, 5) => self.sum = Some(value.double()?),
            (Shape::Histogram, 6) => {
                value.each_fixed64(|bits| bounded(&mut self.bucket_counts, bits, &mut self.too_long))?;
            }
            (Shape::Histogram, 7) => {
                value.each_fixed64(|bits| bounded(&mut self.bounds, f64::from_bits(bits), &mut self.too_long))?;
            }
            (Shape::Summary, 6) => bounded(&mut self.quantiles, quantile(value.bytes()?)?, &mut self.too_long),
            (Shape::Exponential, 6) => self.scale = value.zigzag()?,
            (Shape::Exponential, 7) => self.zero_count = value.fixed64()?,
            (Shape::Exponential, 8) => self.positive.read(value.bytes()?, &mut self.too_long)?,
            (Shape::Exponential, 9) => self.negative.read(value.bytes()?, &mut self.too_long)?,
            (Shape::Exponential, 14) => self.zero_threshold = value.double()?,
            _ => {}
        }
        Ok(())
    }

    /// "No recorded value": the series ended.
    fn ended(&self) -> bool {
        self.flags & 1 != 0
    }

    fn or_ended(&self, value: f64) -> f64 {
        if self.ended() { stale_marker() } else { value }
    }

    fn give<F: FnMut(Item<'_>)>(
        &self,
        name: &str,
        shape: Shape,
        at_ms: i64,
        sink: &mut Sink<'_, F>,
    ) -> Result<Option<String>, OtlpError> {
        let buckets = match shape {
            Shape::Gauge | Shape::Sum => {
                let Some(value) = self.value.or(self.ended().then_some(0.0)) else {
                    return Ok(Some("it has no value".into()));
                };
                sink.give(name, None, at_ms, self.or_ended(value))?;
                return Ok(None);
            }
            Shape::Summary => {
                for (quantile, value) in &self.quantiles {
                    let text = number::canonical(*quantile);
                    sink.give(name, Some(("quantile", &text)), at_ms, self.or_ended(*value))?;
                }
                None
            }
            Shape::Histogram => Some(self.explicit_buckets()),
            Shape::Exponential if self.ended() => Some(Ok(Vec::new())),
            Shape::Exponential => Some(self.exponential_buckets()),
        };
        let count = self.or_ended(self.count as f64);
        if let Some(buckets) = buckets {
            let buckets = match buckets {
                Ok(buckets) => buckets,
                Err(reason) => return Ok(Some(reason)),
            };
            let bucket = format!("{name}_bucket");
            for (bound, total) in buckets {
                sink.give(&bucket, Some(("le", &number::canonical(bound))), at_ms, self.or_ended(total))?;
            }
            sink.give(&bucket, Some(("le", "+Inf")), at_ms, count)?;
        }
        sink.give(&format!("{name}_count"), None, at_ms, count)?;
        if let Some(sum) = self.sum.or(self.ended().then_some(0.0)) {
            sink.give(&format!("{name}_sum"), None, at_ms, self.or_ended(sum))?;
        }
        Ok(None)
    }

    fn explicit_buckets(&self) -> Result<Vec<(f64, f64)>, String> {
        let rising = self.bounds.iter().zip(self.bounds.iter().skip(1)).all(|(one, next)| one < next);
        if !rising || self.bounds.iter().any(|bound| bound.is_nan()) {
            return Err("its bounds do not rise".into());
        }
        if self.bucket_counts.is_empty() && (self.bounds.is_empty() || self.ended()) {
            return Ok(self.bounds.iter().filter(|bound| bound.is_finite()).map(|bound| (*bound, 0.0)).collect());
        }
        if self.bucket_counts.len() != self.bounds.len() + 1 {
            return Err("it does not have one bucket more than bounds".into());
        }
        let mut total = 0_u64;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (bound, count) in self.bounds.iter().zip(&self.bucket_counts) {
            total = total.saturating_add(*count);
            if bound.is_finite() {
                buckets.push((*bound, total as f64));
            }
        }
        if total > self.count && !self.ended() {
            return Err("its buckets hold more than its count".into());
        }
        Ok(buckets)
    }

    fn exponential_buckets(&self) -> Result<Vec<(f64, f64)>, String> {
        // Grids finer than Prometheus' finest are lowered to it; OTLP numbers buckets from 0, Prometheus from 1.
        let down = u32::try_from(self.scale - 8).unwrap_or(0).min(63);
        let side = |run: &Run| Side {
            counts: (run.offset..)
                .zip(&run.counts)
                .map(|(index, count)| ((index >> down) + 1, *count as f64))
                .collect(),
        };
        let native = Native {
            schema: self.scale.min(8),
            count: self.count as f64,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            positive: side(&self.positive),
            negative: side(&self.negative),
            custom_bounds: Vec::new(),
        };
        if self.scale > 20 || self.scale < -4 {
            return Err("its scale is not between -4 and 20".into());
        }
        classic(&native).map_err(|refused| refused.to_string())
    }
}

impl Run {
    fn read(&mut self, message: &[u8], too_long: &mut bool) -> Result<(), WireError> {
        let mut reader = Reader::new(message);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => self.offset = value.zigzag()?.clamp(i64::from(i32::MIN), i64::from(i32::MAX)),
                2 => value.each_varint(|count| bounded(&mut self.counts, count, too_long))?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn quantile(message: &[u8]) -> Result<(f64, f64), WireError> {
    let (mut quantile, mut number) = (0.0, 0.0);
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => quantile = value.double()?,
            2 => number = value.double()?,
            _ => {}
        }
    }
    Ok((quantile, number))
}

fn bounded<T>(list: &mut Vec<T>, value: T, too_long: &mut bool) {
    if list.len() < COUNTS_MAX {
        list.push(value);
    } else {
        *too_long = true;
    }
}
