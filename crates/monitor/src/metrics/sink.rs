//! Series from outside: found by the bytes of their labels, checked, and stored in batches.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use metrics_proto::{Item, Kind, LabelBytes, LabelLimits};

use crate::limits::{METADATA_MAX, METADATA_TEXT_MAX, PUSH_SERIES_MAX};
use crate::live::lock;

/// Labels that say what the house knows itself: what comes from outside under them is kept beside.
const OURS: [&str; 2] = ["asset", "check"];
/// Metrics of the house itself.
const OUR_METRICS: &str = "mainstay_";

/// What a sender said about a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    pub(crate) help: String,
    pub(crate) unit: String,
}

/// Hash and length of a series' label bytes; the hash is keyed, so that nobody outside can make two alike.
type Key = (u64, usize);

/// The key is a hash already.
#[derive(Default)]
pub(crate) struct Through(u64);

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn write_usize(&mut self, length: usize) {
        self.0 ^= length as u64;
    }
}

type Known = HashMap<Key, tsdb::SeriesId, BuildHasherDefault<Through>>;

/// What has been pushed so far, and which series are known by their bytes.
#[derive(Default)]
pub(crate) struct Sink {
    hasher: RandomState,
    known: Mutex<Known>,
    metadata: Mutex<BTreeMap<String, Meta>>,
    /// Samples stored.
    pub(crate) stored: AtomicU64,
    /// Samples refused.
    pub(crate) refused: AtomicU64,
}

/// What became of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Stored, or there already.
    pub(crate) stored: usize,
    /// Refused.
    pub(crate) refused: usize,
    /// Why the first of them were.
    pub(crate) because: Option<String>,
}

impl Sink {
    /// Begins a request of a sender.
    pub(crate) fn begin<'a>(&'a self, store: &'a tsdb::Store, sender: &'a str) -> Intake<'a> {
        Intake {
            sink: self,
            known: lock(&self.known),
            store,
            sender,
            samples: Vec::new(),
            outcome: Outcome::default(),
            lost: false,
        }
    }

    /// What senders said about a metric, or about the first `limit` of them.
    pub(crate) fn metadata(&self, metric: Option<&str>, limit: usize) -> Vec<(String, Meta)> {
        let known = lock(&self.metadata);
        let wanted = known.iter().filter(|(name, _)| metric.is_none_or(|metric| metric == name.as_str()));
        wanted.take(limit).map(|(name, meta)| (name.clone(), meta.clone())).collect()
    }

    fn note(&self, metric: &str, said: &metrics_proto::Metadata<'_>) {
        if metric.is_empty() || metric.len() > METADATA_TEXT_MAX {
            return;
        }
        let mut known = lock(&self.metadata);
        if known.len() >= METADATA_MAX && !known.contains_key(metric) {
            return;
        }
        let fits = |meta: &Meta| meta.kind == said.kind && meta.help == said.help && meta.unit == said.unit;
        if !known.get(metric).is_some_and(fits) {
            let text = |text: &str| kernel::text::shorten(text, METADATA_TEXT_MAX);
            known.insert(metric.to_owned(), Meta { kind: said.kind, help: text(said.help), unit: text(said.unit) });
        }
    }
}

/// One request on its way into the store.
pub(crate) struct Intake<'a> {
    sink: &'a Sink,
    known: MutexGuard<'a, Known>,
    store: &'a tsdb::Store,
    sender: &'a str,
    samples: Vec<tsdb::Sample>,
    outcome: Outcome,
    /// Series that were known are not there any more: the request has to be read once again.
    lost: bool,
}

impl Intake<'_> {
    /// Takes one thing of the request.
    pub(crate) fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Metadata(said) => self.sink.note(said.metric, &said),
            Item::Series(series) => {
                let Some(id) = self.id(series.labels, series.samples.len()) else { return };
                if let Some(said) = series.metadata {
                    self.note(series.labels, &said);
                }
                self.samples.extend(series.samples.iter().map(|(at_ms, value)| tsdb::Sample {
                    id,
                    at_ms: *at_ms,
                    value: *value,
                }));
                if self.samples.len() >= tsdb::BATCH_SAMPLES_MAX / 2 {
                    self.flush();
                }
            }
        }
    }

    fn note(&self, labels: LabelBytes<'_>, said: &metrics_proto::Metadata<'_>) {
        let mut read = Vec::new();
        if labels.read_into(&LabelLimits::default(), &mut read).is_ok()
            && let Some((_, metric)) = read.iter().find(|(name, _)| *name == tsdb::NAME_LABEL)
        {
            self.sink.note(metric, said);
        }
    }

    /// The series of these labels; a new one is registered.
    fn id(&mut self, labels: LabelBytes<'_>, samples: usize) -> Option<tsdb::SeriesId> {
        let bytes = labels.as_bytes();
        let key = (self.sink.hasher.hash_one(bytes), bytes.len());
        if let Some(id) = self.known.get(&key) {
            return Some(*id);
        }
        match self.register(labels) {
            Ok(id) => {
                if self.known.len() >= PUSH_SERIES_MAX {
                    self.known.clear();
                }
                self.known.insert(key, id);
                Some(id)
            }
            Err(why) => {
                self.refuse(samples, why);
                None
            }
        }
    }

    fn register(&self, labels: LabelBytes<'_>) -> Result<tsdb::SeriesId, String> {
        let mut read = Vec::new();
        labels.read_into(&LabelLimits::default(), &mut read).map_err(|error| error.to_string())?;
        let of = |name: &str| read.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| *value);
        let metric = of(tsdb::NAME_LABEL);
        if metric.starts_with(OUR_METRICS) {
            return Err(format!("the metric \"{metric}\" is one of Mainstay's own; send it under another name"));
        }
        // Series of one target are sampled together.
        let source = kernel::text::shorten(&format!("{}/{}/{}", self.sender, of("job"), of("instance")), 250);
        let named = read.iter().map(|(name, value)| match OURS.contains(name) {
            true => (format!("exported_{name}"), *value),
            false => ((*name).to_owned(), *value),
        });
        let named: Vec<(String, &str)> = named.collect();
        let pairs: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.store.register(&source, &pairs).map_err(|error| error.to_string())
    }

    fn refuse(&mut self, samples: usize, why: impl Into<String>) {
        if samples > 0 {
            self.outcome.refused += samples;
            self.outcome.because.get_or_insert_with(|| why.into());
        }
    }

    fn flush(&mut self) {
        let samples = std::mem::take(&mut self.samples);
        if samples.is_empty() {
            return;
        }
        let appended = match self.store.append_each(&samples) {
            Ok(appended) => appended,
            Err(error) => return self.refuse(samples.len(), error.to_string()),
        };
        self.outcome.stored += appended.accepted + appended.repeated;
        self.lost |= appended.unknown > 0;
        self.refuse(appended.unknown, "the series was forgotten meanwhile");
        self.refuse(appended.out_of_order, "out of order sample: it is too much older than the newest one");
        self.refuse(appended.duplicate, "duplicate sample for timestamp: another value is there already");
        self.refuse(appended.out_of_bounds, "out of bounds: the sample is older than the retention or in the future");
        self.samples = samples;
        self.samples.clear();
    }

    /// Stores the rest. `None` when the request has to be read once again, because series were forgotten meanwhile.
    pub(crate) fn finish(mut self) -> Option<Outcome> {
        self.flush();
        if self.lost {
            self.known.clear();
            return None;
        }
        self.sink.stored.fetch_add(self.outcome.stored as u64, Ordering::Relaxed);
        self.sink.refused.fetch_add(self.outcome.refused as u64, Ordering::Relaxed);
        Some(self.outcome)
    }
}
