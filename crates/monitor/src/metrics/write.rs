//! Metrics that are pushed: remote write, OTLP, and plain JSON for scripts.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use kernel::{Access, Asked, Effect, Error, Handle, Operation, PrepareCx, Result, Route, Said, Time, post};
use metrics_proto::labels::put_label;
use metrics_proto::write::{
    Decoder, HEADER_HISTOGRAMS_WRITTEN, HEADER_SAMPLES_WRITTEN, Take as _, Version, version_of,
};
use metrics_proto::{Item, LabelBytes, SeriesSamples, inflate, otlp as proto, write as remote};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flood::Sender;
use super::sink::Outcome;
use crate::full;
use crate::limits::{PUSH_UNPACKED_BYTES_MAX, WRITE_SAMPLES_MAX};
use crate::live::Monitor;

/// The operation whose grant a sender needs.
pub(super) const GRANT: &str = <WriteMetrics as Operation>::NAME;

/// Send samples of metrics, for scripts. Whoever has many uses remote write or OTLP.
///
/// A sample that is there already is no error. Labels named asset or check are kept as exported_asset and exported_check.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct WriteMetrics {
    /// The samples, at most 1,000.
    pub samples: Vec<WriteSample>,
    #[serde(skip)]
    written: Option<Written>,
}

/// One sample.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteSample {
    /// Name of the metric, for example backup_size_bytes.
    pub metric: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
    /// When; now if left out.
    #[serde(default)]
    pub at: Option<Time>,
}

/// What became of samples.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// Stored, or there already.
    pub stored: usize,
    /// Refused.
    pub refused: usize,
    /// Why the first of them were.
    pub because: Option<String>,
}

impl From<Outcome> for Written {
    fn from(outcome: Outcome) -> Self {
        Self { stored: outcome.stored, refused: outcome.refused, because: outcome.because }
    }
}

impl Operation for WriteMetrics {
    const NAME: &'static str = "monitor.metrics.write";
    const ROUTE: Route = post("/monitor/metrics");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Written;

    /// Stored here, since samples are not in the database; sent again with their times they are the same samples.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        if self.samples.len() > WRITE_SAMPLES_MAX {
            return Err(Error::over_limit(format!("Send at most {WRITE_SAMPLES_MAX} samples at once.")));
        }
        cx.actor.reach(Self::NAME, cx.now).filter(|reach| reach.everything).ok_or_else(|| Error::denied(Self::NAME))?;
        if cx.dry_run {
            self.written =
                Some(Written { stored: 0, refused: 0, because: Some("Nothing was stored: a dry run.".into()) });
            return Ok(());
        }
        let monitor = cx.kernel.get::<Monitor>()?;
        if !monitor.may_store() {
            return Err(Error::unavailable(full::WORDS));
        }
        let (sender, now) = (Sender::of(cx.actor), cx.now);
        let outcome = twice(|| {
            let mut intake = monitor.sink.begin(&monitor.series, &sender, now);
            for sample in &self.samples {
                let mut bytes = Vec::new();
                put_label(tsdb::NAME_LABEL, &sample.metric, &mut bytes);
                sample.labels.iter().for_each(|(name, value)| put_label(name, value, &mut bytes));
                let samples = [(sample.at.unwrap_or(cx.now).millis(), sample.value)];
                let labels = LabelBytes::new(&bytes);
                intake.take(Item::Series(SeriesSamples { labels, samples: &samples, metadata: None }));
            }
            intake.finish()
        });
        let outcome = outcome.ok_or_else(|| Error::unavailable(FORGOTTEN))?;
        self.written = Some(outcome.into());
        Ok(())
    }

    fn run(&self, cx: &mut kernel::Cx) -> Result<Written> {
        cx.reach_everything(Self::NAME)?;
        self.written.clone().ok_or_else(|| Error::internal("write-not-prepared", self.samples.len()))
    }
}

/// Said when series were forgotten twice while one request was read.
const FORGOTTEN: &str = "Series come and go too quickly at this moment. Send it again.";

/// Reads a request, and once again when series were forgotten while it was read.
fn twice(mut read: impl FnMut() -> Option<Outcome>) -> Option<Outcome> {
    read().or_else(read)
}

/// Only who may write for the whole house may write series that are about nothing in particular.
fn may_write(asked: &Asked) -> std::result::Result<(), Said> {
    if asked.reach.everything {
        return Ok(());
    }
    Err(Said::text(
        403,
        format!("The grant for {GRANT} must reach everything: pushed series belong to no site or team.\n"),
    ))
}

/// `/prometheus/api/v1/write`: answers 204, or 400 with the reason when samples were refused, which a sender does not
/// send again; what could be stored is stored.
pub(super) fn remote_write(kernel: &Handle, asked: &Asked) -> Said {
    let version = match version_of(asked.content_type.as_deref(), asked.content_encoding.as_deref()) {
        Ok(version) => version,
        Err(error) => return Said::text(415, format!("{error}\n")),
    };
    if let Err(said) = may_write(asked) {
        return said;
    }
    let Ok(monitor) = kernel.get::<Monitor>() else { return Said::text(503, "The store of series is not open.\n") };
    if !monitor.may_store() {
        return Said::text(503, format!("{}\n", full::WORDS));
    }
    let mut unpacked = monitor.sink.body();
    let said = match inflate::snappy(&asked.body, PUSH_UNPACKED_BYTES_MAX, &mut unpacked) {
        Ok(()) => written(kernel, &monitor, asked, version, &unpacked),
        Err(error) => monitor.sink.unreadable(&error),
    };
    monitor.sink.give_back(unpacked);
    said
}

/// Stores what a request of remote write holds.
fn written(kernel: &Handle, monitor: &Monitor, asked: &Asked, version: Version, unpacked: &[u8]) -> Said {
    let (sender, now) = (Sender::of(&asked.actor), kernel.now());
    let mut read = Ok(remote::Counts::default());
    let outcome = twice(|| {
        let mut intake = monitor.sink.begin(&monitor.series, &sender, now);
        read = Decoder::new(remote::Limits::default()).read_into(version, unpacked, &mut intake);
        intake.finish()
    });
    let counts = match read {
        Ok(counts) => counts,
        Err(error) => return monitor.sink.unreadable(&error),
    };
    let Some(mut outcome) = outcome else { return Said::text(503, format!("{FORGOTTEN}\n")) };
    monitor.sink.refused_samples.fetch_add(counts.samples_refused, Ordering::Relaxed);
    monitor.sink.refused_histograms.fetch_add(counts.histograms_refused, Ordering::Relaxed);
    let refused = counts.histograms_refused.saturating_add(counts.samples_refused);
    let refused = usize::try_from(refused).unwrap_or(usize::MAX);
    outcome.refused = outcome.refused.saturating_add(refused);
    outcome.because = outcome.because.or(counts.refused_because);
    let mut said = if outcome.refused == 0 {
        Said::nothing()
    } else {
        let why = outcome.because.unwrap_or_default();
        Said::text(
            400,
            format!(
                "{} of {} samples were refused. The first: {why}\n",
                outcome.refused,
                outcome.stored + outcome.refused
            ),
        )
    };
    if version == Version::V2 {
        said.headers.push((HEADER_SAMPLES_WRITTEN, outcome.stored.to_string()));
        said.headers.push((HEADER_HISTOGRAMS_WRITTEN, counts.histograms.to_string()));
    }
    said
}

/// `/otlp/v1/metrics`: answers 200 with the count of refused points, as OTLP's partial success.
pub(super) fn otlp(kernel: &Handle, asked: &Asked) -> Said {
    let Some(encoding) = proto::Encoding::of_content_type(asked.content_type.as_deref()) else {
        return Said::text(415, "Send application/x-protobuf or application/json.\n");
    };
    if let Err(said) = may_write(asked) {
        return said;
    }
    let Ok(monitor) = kernel.get::<Monitor>() else { return Said::text(503, "The store of series is not open.\n") };
    if !monitor.may_store() {
        return Said::text(503, format!("{}\n", full::WORDS));
    }
    let mut unpacked = Vec::new();
    let body = match asked.content_encoding.as_deref() {
        None | Some("" | "identity") => &asked.body,
        Some("gzip") => match inflate::gzip(&asked.body, PUSH_UNPACKED_BYTES_MAX, &mut unpacked) {
            Ok(()) => &unpacked,
            Err(error) => return monitor.sink.unreadable(&error),
        },
        _ => return Said::text(415, "Send the body as it is or with Content-Encoding gzip.\n"),
    };
    let (sender, now) = (Sender::of(&asked.actor), kernel.now());
    let mut read = Ok(proto::Outcome::default());
    let outcome = twice(|| {
        let mut intake = monitor.sink.begin(&monitor.series, &sender, now);
        read = proto::read(body, encoding, &proto::Options::default(), |item| intake.take(item));
        intake.finish()
    });
    let Some(outcome) = outcome else { return Said::text(503, format!("{FORGOTTEN}\n")) };
    match read {
        Ok(mut said) => {
            monitor.sink.refused_points.fetch_add(said.points_rejected, Ordering::Relaxed);
            said.reject(outcome.refused as u64, outcome.because.unwrap_or_default());
            let body = said.answer(encoding);
            Said { status: 200, content_type: encoding.content_type(), headers: Vec::new(), body }
        }
        Err(error) => monitor.sink.unreadable(&error),
    }
}
