//! Series from outside: found by the bytes of their labels, checked, and stored in batches.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard};

use metrics_proto::{Item, Kind, LabelBytes, LabelLimits};

use kernel::Time;

use crate::limits::{METADATA_MAX, METADATA_TEXT_MAX, PUSH_MEMORY_MS};
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
pub(crate) struct Sink {
    hasher: RandomState,
    known: Mutex<Remembered>,
    metadata: Mutex<BTreeMap<String, Meta>>,
    /// Most series that are pushed within [`PUSH_MEMORY_MS`]: agents and checks keep the rest of the store.
    series_max: usize,
}

/// Series that were pushed lately.
#[derive(Default)]
struct Remembered {
    ids: Known,
    since_ms: i64,
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
    /// Takes so many series at most.
    pub(crate) fn new(series_max: usize) -> Self {
        Self { hasher: RandomState::new(), known: Mutex::default(), metadata: Mutex::default(), series_max }
    }

    /// Begins a request of a sender.
    pub(crate) fn begin<'a>(&'a self, store: &'a tsdb::Store, sender: &'a str, now: Time) -> Intake<'a> {
        let mut known = lock(&self.known);
        if now.millis().saturating_sub(known.since_ms) > PUSH_MEMORY_MS {
            // What is still sent is found again; what is not does not count any more.
            *known = Remembered { ids: Known::default(), since_ms: now.millis() };
        }
        Intake { sink: self, known, store, sender, samples: Vec::new(), outcome: Outcome::default(), lost: false }
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
    known: MutexGuard<'a, Remembered>,
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
        if let Some(id) = self.known.ids.get(&key) {
            return Some(*id);
        }
        match self.register(labels) {
            Ok(id) => {
                self.known.ids.insert(key, id);
                Some(id)
            }
            Err(why) => {
                self.refuse(samples, why);
                None
            }
        }
    }

    fn register(&self, labels: LabelBytes<'_>) -> Result<tsdb::SeriesId, String> {
        if self.known.ids.len() >= self.sink.series_max {
            return Err(format!(
                "{} pushed series are in use, the most there may be beside those of agents and checks (half of series_max in \
                 the setting monitor.series); the sender is {}",
                self.sink.series_max, self.sender
            ));
        }
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
        for some in samples.chunks(tsdb::BATCH_SAMPLES_MAX) {
            self.append(some);
        }
        self.samples = samples;
        self.samples.clear();
    }

    fn append(&mut self, samples: &[tsdb::Sample]) {
        let appended = match self.store.append_each(samples) {
            Ok(appended) => appended,
            Err(error) => return self.refuse(samples.len(), error.to_string()),
        };
        self.outcome.stored += appended.accepted + appended.repeated;
        self.lost |= appended.unknown > 0;
        self.refuse(appended.unknown, "the series was forgotten meanwhile");
        self.refuse(appended.out_of_order, "out of order sample: it is too much older than the newest one");
        self.refuse(appended.duplicate, "duplicate sample for timestamp: another value is there already");
        self.refuse(appended.out_of_bounds, "out of bounds: the sample is older than the retention or in the future");
    }

    /// Stores the rest. `None` when the request has to be read once again, because series were forgotten meanwhile.
    pub(crate) fn finish(mut self) -> Option<Outcome> {
        self.flush();
        if self.lost {
            self.known.ids.clear();
            return None;
        }
        Some(self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use metrics_proto::SeriesSamples;
    use metrics_proto::labels::put_label;

    use super::*;

    fn push(sink: &Sink, store: &tsdb::Store, names: &[&str], at_ms: i64) -> Outcome {
        let mut intake = sink.begin(store, "user:1", Time(at_ms * 1_000));
        for name in names {
            let mut bytes = Vec::new();
            put_label(tsdb::NAME_LABEL, name, &mut bytes);
            let (labels, samples) = (LabelBytes::new(&bytes), [(at_ms, 1.0)]);
            intake.take(Item::Series(SeriesSamples { labels, samples: &samples, metadata: None }));
        }
        intake.finish().unwrap()
    }

    #[test]
    fn pushed_series_leave_room_for_those_of_agents_and_the_sender_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_700_000_000_000;
        let store = tsdb::Store::open(folder.path(), tsdb::Options::default(), now).unwrap();
        let sink = Sink::new(2);
        assert_eq!(push(&sink, &store, &["a", "b"], now).refused, 0);
        let third = push(&sink, &store, &["a", "c"], now + 1_000);
        assert_eq!((third.stored, third.refused), (1, 1));
        assert!(third.because.unwrap().contains("user:1"));
        let later = now + PUSH_MEMORY_MS + 2_000;
        store.maintain(later).unwrap();
        assert_eq!(push(&sink, &store, &["c"], later).refused, 0, "what is not sent any more makes room");
    }
}
