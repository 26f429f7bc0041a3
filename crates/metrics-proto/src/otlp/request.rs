//! Walks a request: resources, scopes, metrics. Nothing is collected but the labels of the point at hand.

use std::borrow::Cow;

use super::attributes::{self, Attributes};
use super::naming::Suffix;
use super::point::{self, Shape};
use super::{Options, OtlpError, Outcome};
use crate::labels::put_label;
use crate::wire::Reader;
use crate::{Item, Kind, LabelBytes, Metadata, NAME_LABEL, SeriesSamples};

/// Labels while they are put together: those named first win.
pub(super) type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Where everything goes.
pub(super) struct Sink<'o, F> {
    pub(super) options: &'o Options,
    pub(super) outcome: Outcome,
    take: F,
    key: Vec<u8>,
    /// The labels of the point at hand without its name, in the form of [`LabelBytes`].
    pub(super) base: Vec<u8>,
    /// The newest time of the resource at hand.
    newest_ms: i64,
}

/// What every series of one scope carries.
pub(super) struct Context<'a> {
    /// `job` and `instance`, which win over attributes of points.
    pub(super) identity: Labels<'a>,
    /// What attributes of points win over: the scope and promoted attributes of the resource.
    pub(super) extra: Labels<'a>,
}

impl Context<'_> {
    /// These labels are copied for each series, so a few bytes a point must not copy much.
    fn bound(&self, options: &Options) -> Result<(), OtlpError> {
        let labels = self.identity.iter().chain(&self.extra);
        let bytes: usize = labels.map(|(name, value)| name.len() + value.len()).sum();
        let max = options.shared_bytes_max;
        if bytes <= max {
            Ok(())
        } else {
            Err(OtlpError::Limit { what: "bytes of labels of one scope", max: max as u64 })
        }
    }
}

pub(super) fn read(body: &[u8], options: &Options, take: impl FnMut(Item<'_>)) -> Result<Outcome, OtlpError> {
    let mut sink =
        Sink { options, outcome: Outcome::default(), take, key: Vec::new(), base: Vec::new(), newest_ms: i64::MIN };
    let mut reader = Reader::new(body);
    while let Some((field, value)) = reader.field()? {
        if field == 1 {
            resource_metrics(value.bytes()?, &mut sink)?;
        }
    }
    Ok(sink.outcome)
}

impl<F: FnMut(Item<'_>)> Sink<'_, F> {
    /// Gives one sample of the series with the labels of `base`, another name and perhaps a label more.
    pub(super) fn give(
        &mut self,
        name: &str,
        more: Option<(&str, &str)>,
        at_ms: i64,
        value: f64,
    ) -> Result<(), OtlpError> {
        self.outcome.series += 1;
        if self.outcome.series > self.options.series_max {
            return Err(OtlpError::Limit { what: "series", max: self.options.series_max });
        }
        self.key.clear();
        put_label(NAME_LABEL, name, &mut self.key);
        self.key.extend_from_slice(&self.base);
        if let Some((label, value)) = more {
            put_label(label, value, &mut self.key);
        }
        self.newest_ms = self.newest_ms.max(at_ms);
        let labels = LabelBytes::new(&self.key);
        (self.take)(Item::Series(SeriesSamples { labels, samples: &[(at_ms, value)], metadata: None }));
        Ok(())
    }

    /// Counts one point more against the limit.
    pub(super) fn one_more(&self) -> Result<(), OtlpError> {
        let max = self.options.points_max;
        let seen = self.outcome.points + self.outcome.points_rejected;
        if seen < max { Ok(()) } else { Err(OtlpError::Limit { what: "data points", max }) }
    }

    /// Writes `labels` into `base`, sorted, the first of each name.
    pub(super) fn set_base(&mut self, labels: &mut Labels<'_>) {
        labels.sort_by(|one, other| one.0.cmp(&other.0));
        labels.dedup_by(|next, before| next.0 == before.0);
        self.base.clear();
        for (name, value) in labels.iter().filter(|(name, value)| name != NAME_LABEL && !value.is_empty()) {
            put_label(name, value, &mut self.base);
        }
    }
}

fn resource_metrics<F: FnMut(Item<'_>)>(message: &[u8], sink: &mut Sink<'_, F>) -> Result<(), OtlpError> {
    let mut attributes: Attributes<'_> = Vec::new();
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        if field == 1 {
            let mut resource = Reader::new(value.bytes()?);
            while let Some((field, value)) = resource.field()? {
                if field == 1 {
                    attributes::push(value.bytes()?, sink.options, &mut attributes)?;
                }
            }
        }
    }
    let identity = identity(&attributes);
    let mut promoted: Attributes<'_> = attributes
        .iter()
        .filter(|(key, _)| sink.options.promoted.iter().any(|wanted| wanted == key))
        .cloned()
        .collect();
    let mut context = Context { identity, extra: Vec::new() };
    attributes::labels(&mut promoted, sink.options.naming, &mut context.extra);
    context.bound(sink.options)?;

    sink.newest_ms = i64::MIN;
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        if field == 2 {
            scope_metrics(value.bytes()?, &mut context, sink)?;
        }
    }
    target_info(attributes, context.identity, sink)
}

/// `service.namespace/service.name` is the job, `service.instance.id` the instance.
fn identity<'a>(attributes: &Attributes<'a>) -> Labels<'a> {
    let find = |wanted: &str| attributes.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.clone());
    let mut labels: Labels<'a> = Vec::new();
    if let Some(name) = find("service.name").filter(|name| !name.is_empty()) {
        let job = match find("service.namespace").filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => Cow::Owned(format!("{namespace}/{name}")),
            None => name,
        };
        labels.push((Cow::Borrowed("job"), job));
    }
    if let Some(instance) = find("service.instance.id").filter(|id| !id.is_empty()) {
        labels.push((Cow::Borrowed("instance"), instance));
    }
    labels
}

/// One series that carries the other attributes of the resource, at the time of its newest point.
fn target_info<'a, F: FnMut(Item<'_>)>(
    mut attributes: Attributes<'a>,
    identity: Labels<'a>,
    sink: &mut Sink<'_, F>,
) -> Result<(), OtlpError> {
    attributes.retain(|(key, _)| !matches!(*key, "service.name" | "service.namespace" | "service.instance.id"));
    let newest_ms = sink.newest_ms;
    if !sink.options.target_info || attributes.is_empty() || identity.is_empty() || newest_ms == i64::MIN {
        return Ok(());
    }
    let mut labels = identity;
    attributes::labels(&mut attributes, sink.options.naming, &mut labels);
    sink.set_base(&mut labels);
    sink.give("target_info", None, newest_ms, 1.0)
}

fn scope_metrics<'a, F: FnMut(Item<'_>)>(
    message: &'a [u8],
    context: &mut Context<'a>,
    sink: &mut Sink<'_, F>,
) -> Result<(), OtlpError> {
    let of_resource = context.extra.len();
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        if field == 1 && sink.options.scope_labels {
            scope_labels(value.bytes()?, sink.options, &mut context.extra)?;
        }
    }
    context.bound(sink.options)?;
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        if field == 2 {
            metric(value.bytes()?, context, sink)?;
        }
    }
    context.extra.truncate(of_resource);
    Ok(())
}

fn scope_labels<'a>(message: &'a [u8], options: &Options, into: &mut Labels<'a>) -> Result<(), OtlpError> {
    let mut attributes: Attributes<'a> = Vec::new();
    let mut labels: Labels<'a> = Vec::new();
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => into.push((Cow::Borrowed("otel_scope_name"), Cow::Borrowed(value.text()?))),
            2 => into.push((Cow::Borrowed("otel_scope_version"), Cow::Borrowed(value.text()?))),
            3 => attributes::push(value.bytes()?, options, &mut attributes)?,
            _ => {}
        }
    }
    attributes::labels(&mut attributes, options.naming, &mut labels);
    into.extend(labels.into_iter().map(|(name, value)| (Cow::Owned(format!("otel_scope_{name}")), value)));
    Ok(())
}

fn metric<F: FnMut(Item<'_>)>(message: &[u8], context: &Context<'_>, sink: &mut Sink<'_, F>) -> Result<(), OtlpError> {
    let (mut name, mut help, mut unit) = ("", "", "");
    let mut data: Option<(Shape, &[u8])> = None;
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => name = value.text()?,
            2 => help = value.text()?,
            3 => unit = value.text()?,
            5 => data = Some((Shape::Gauge, value.bytes()?)),
            7 => data = Some((Shape::Sum, value.bytes()?)),
            9 => data = Some((Shape::Histogram, value.bytes()?)),
            10 => data = Some((Shape::Exponential, value.bytes()?)),
            11 => data = Some((Shape::Summary, value.bytes()?)),
            _ => {}
        }
    }
    let Some((shape, data)) = data else { return Ok(()) };
    let (cumulative, monotonic) = temporality(data)?;
    let sum_or_histogram = matches!(shape, Shape::Sum | Shape::Histogram | Shape::Exponential);
    let (suffix, kind) = match shape {
        Shape::Sum if monotonic => (Suffix::Total, Kind::Counter),
        Shape::Gauge => (Suffix::Gauge, Kind::Gauge),
        Shape::Sum => (Suffix::Plain, Kind::Gauge),
        Shape::Histogram | Shape::Exponential => (Suffix::Plain, Kind::Histogram),
        Shape::Summary => (Suffix::Plain, Kind::Summary),
    };
    let reason = match sink.options.naming.metric(name, unit, suffix) {
        _ if sum_or_histogram && !cumulative => "its temporality is not cumulative: set the exporter to cumulative",
        _ if name.len() > sink.options.name_bytes_max => "its name is too long",
        None => "its name has no letter that a metric's name may have",
        Some(turned) => {
            (sink.take)(Item::Metadata(Metadata { metric: &turned, kind, help, unit }));
            return points(data, &turned, shape, context, sink);
        }
    };
    reject_all(data, name, reason, sink)
}

/// Whether a sum or histogram is cumulative, and whether a sum is monotonic.
fn temporality(data: &[u8]) -> Result<(bool, bool), OtlpError> {
    let (mut cumulative, mut monotonic) = (false, false);
    let mut reader = Reader::new(data);
    while let Some((field, value)) = reader.field()? {
        match field {
            2 => cumulative = value.uint()? == 2,
            3 => monotonic = value.uint()? != 0,
            _ => {}
        }
    }
    Ok((cumulative, monotonic))
}

fn points<F: FnMut(Item<'_>)>(
    data: &[u8],
    name: &str,
    shape: Shape,
    context: &Context<'_>,
    sink: &mut Sink<'_, F>,
) -> Result<(), OtlpError> {
    let mut reader = Reader::new(data);
    while let Some((field, value)) = reader.field()? {
        if field == 1 {
            sink.one_more()?;
            match point::read(value.bytes()?, name, shape, context, sink)? {
                None => sink.outcome.points += 1,
                Some(reason) => sink.outcome.reject(1, format!("{name}: {reason}")),
            }
        }
    }
    Ok(())
}

fn reject_all<F>(data: &[u8], name: &str, reason: &str, sink: &mut Sink<'_, F>) -> Result<(), OtlpError> {
    let mut reader = Reader::new(data);
    let mut points = 0;
    while let Some((field, _)) = reader.field()? {
        points += u64::from(field == 1);
    }
    let start: String = name.chars().take(80).collect();
    sink.outcome.reject(points, format!("{start}: {reason}"));
    Ok(())
}
