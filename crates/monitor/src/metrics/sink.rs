//! Series from outside: found by the bytes of their labels, checked, and stored in batches.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use metrics_proto::write::Take;
use metrics_proto::{Item, Kind, LabelBytes, LabelLimits, SeriesSamples};

use kernel::{Said, Time};

use super::batch::{Batch, Place};
use super::flood::{self, Floods, Refusal, Sender};
use super::known::{At, Known};
use crate::limits::{METADATA_MAX, METADATA_TEXT_MAX, PUSH_MEMORY_MS};
use crate::live::lock;

/// Labels that say what the house knows itself: what comes from outside under them is kept beside.
const OURS: [&str; 2] = ["asset", "check"];
/// Metrics of the house itself.
const OUR_METRICS: &str = "mainstay_";
/// Rows of a source that are shorter than this are put in order together with others.
const ROW_SAMPLES_MIN: usize = 8;
/// Memory for bodies that is kept between requests: so many, and of each so many bytes at most.
const BODIES_KEPT: usize = 4;
const BODY_BYTES_KEPT: usize = 4 << 20;
/// Series of a request that are remembered when they are too many.
const FLOOD_KEPT: usize = 1_000;

/// What a sender said about a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    pub(crate) help: String,
    pub(crate) unit: String,
}

/// What has been pushed so far, and which series are known by their bytes.
pub(crate) struct Sink {
    known: Mutex<Remembered>,
    metadata: Mutex<BTreeMap<String, Meta>>,
    /// Memory for bodies that are unpacked, used again and again.
    bodies: Mutex<Vec<Vec<u8>>>,
    /// Most series that are pushed within [`PUSH_MEMORY_MS`]: agents and checks keep the rest of the store.
    series_max: usize,
    /// Samples of series that were not taken.
    pub(crate) refused_samples: AtomicU64,
    /// Histograms of remote write that were not taken.
    pub(crate) refused_histograms: AtomicU64,
    /// Points of OTLP that were not taken for what they are.
    pub(crate) refused_points: AtomicU64,
    /// Requests that could not be read.
    pub(crate) refused_requests: AtomicU64,
    /// Senders of too many series.
    pub(crate) floods: Floods,
}

/// Series that were pushed lately.
#[derive(Default)]
struct Remembered {
    known: Known<Place>,
    /// Names of sources by their number.
    sources: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
    since_ms: i64,
    /// Empty between requests; kept for its memory.
    batch: Batch,
}

impl Remembered {
    fn number(&mut self, source: &str) -> u32 {
        if let Some(number) = self.numbers.get(source) {
            return *number;
        }
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.push(source.into());
        self.numbers.insert(source.into(), number);
        number
    }

    fn forget(&mut self) {
        self.known.clear();
        self.sources.clear();
        self.numbers.clear();
    }
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
        Self {
            known: Mutex::default(),
            metadata: Mutex::default(),
            bodies: Mutex::default(),
            series_max,
            refused_samples: AtomicU64::new(0),
            refused_histograms: AtomicU64::new(0),
            refused_points: AtomicU64::new(0),
            refused_requests: AtomicU64::new(0),
            floods: Floods::default(),
        }
    }

    /// A request could not be read: it is counted, and its sender told why.
    pub(super) fn unreadable(&self, why: &dyn std::fmt::Display) -> Said {
        self.refused_requests.fetch_add(1, Ordering::Relaxed);
        Said::text(400, format!("{why}\n"))
    }

    /// Memory to unpack a body into; what is in it means nothing.
    pub(crate) fn body(&self) -> Vec<u8> {
        lock(&self.bodies).pop().unwrap_or_default()
    }

    /// Gives it back for the next request, unless it is unusually large.
    pub(crate) fn give_back(&self, body: Vec<u8>) {
        let mut bodies = lock(&self.bodies);
        if body.capacity() <= BODY_BYTES_KEPT && bodies.len() < BODIES_KEPT {
            bodies.push(body);
        }
    }

    /// Begins a request of a sender.
    pub(crate) fn begin<'a>(&'a self, store: &'a tsdb::Store, sender: &'a Sender, now: Time) -> Intake<'a> {
        let mut known = lock(&self.known);
        if now.millis().saturating_sub(known.since_ms) > PUSH_MEMORY_MS {
            // What is still sent is found again; what is not does not count any more.
            known.forget();
            known.since_ms = now.millis();
        }
        // A request that was given up leaves nothing to the next one.
        known.batch.clear();
        let (outcome, at) = (Outcome::default(), At::default());
        Intake { sink: self, known, store, sender, at, now, outcome, flood: Vec::new(), lost: false }
    }

    /// What senders said about a metric, or about the first `limit` of them.
    pub(crate) fn metadata(&self, metric: Option<&str>, limit: usize) -> Vec<(String, Meta)> {
        let known = lock(&self.metadata);
        let wanted = known.iter().filter(|(name, _)| metric.is_none_or(|metric| metric == name.as_str()));
        wanted.take(limit).map(|(name, meta)| (name.clone(), meta.clone())).collect()
    }

    /// Keeps what is said about a metric.
    pub(crate) fn note(&self, metric: &str, said: &metrics_proto::Metadata<'_>) {
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
    sender: &'a Sender,
    now: Time,
    /// The series before.
    at: At,
    outcome: Outcome,
    /// Labels of series that are too many.
    flood: Vec<Box<[u8]>>,
    /// Series that were known are not there any more: the request has to be read once again.
    lost: bool,
}

impl Take for Intake<'_> {
    fn expected(&self) -> &[u8] {
        let known = &self.known.known;
        known.bytes(known.after(self.at)).unwrap_or_default()
    }

    fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Metadata(said) => self.sink.note(said.metric, &said),
            Item::Series(series) => {
                let Some(place) = self.place(series.labels, series.samples.len()) else { return };
                if let Some(said) = series.metadata {
                    self.note(series.labels, &said);
                }
                self.put(place, series.samples);
            }
        }
    }

    #[inline]
    fn take_expected(&mut self, labels: LabelBytes<'_>, samples: &[(i64, f64)]) {
        let known = &self.known.known;
        let expected = known.after(self.at);
        match known.value(expected) {
            Some(place) => {
                self.at = expected;
                self.put(place, samples);
            }
            None => self.take(Item::Series(SeriesSamples { labels, samples, metadata: None })),
        }
    }
}

impl Intake<'_> {
    #[inline]
    fn put(&mut self, place: Place, samples: &[(i64, f64)]) {
        let batch = &mut self.known.batch;
        match samples {
            [(at_ms, value)] => batch.push(place, *at_ms, *value),
            several => batch.each.extend(several.iter().map(|(at_ms, value)| tsdb::Sample {
                id: place.id,
                at_ms: *at_ms,
                value: *value,
            })),
        }
        if batch.len() >= tsdb::BATCH_SAMPLES_MAX / 2 {
            self.flush();
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
    #[inline]
    fn place(&mut self, labels: LabelBytes<'_>, samples: usize) -> Option<Place> {
        let bytes = labels.as_bytes();
        let known = &mut self.known.known;
        if let Some(at) = known.find(self.at, bytes) {
            self.at = at;
            return known.value(at);
        }
        match self.register(labels) {
            Ok((id, source)) => {
                let source = self.known.number(&source);
                let place = Place { id, source };
                self.at = self.known.known.add(self.at, bytes, place);
                Some(place)
            }
            Err(why) => {
                self.sink.refused_samples.fetch_add(samples as u64, Ordering::Relaxed);
                let why = match why {
                    Refusal::Wrong(why) => why,
                    Refusal::Limit(why) => {
                        if self.flood.len() < FLOOD_KEPT {
                            self.flood.push(bytes.into());
                        }
                        why
                    }
                };
                self.refuse(samples, why);
                None
            }
        }
    }

    fn register(&self, labels: LabelBytes<'_>) -> Result<(tsdb::SeriesId, String), Refusal> {
        let name = &self.sender.name;
        if self.known.known.len() >= self.sink.series_max {
            return Err(Refusal::Limit(format!(
                "{} pushed series are in use, the most there may be beside those of agents and checks (half of series_max in \
                 the setting monitor.series); the sender is {name}",
                self.sink.series_max
            )));
        }
        let mut read = Vec::new();
        labels.read_into(&LabelLimits::default(), &mut read).map_err(|error| Refusal::Wrong(error.to_string()))?;
        let of = |name: &str| read.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| *value);
        let metric = of(tsdb::NAME_LABEL);
        if metric.starts_with(OUR_METRICS) {
            let why = format!("the metric \"{metric}\" is one of Mainstay's own; send it under another name");
            return Err(Refusal::Wrong(why));
        }
        // Series of one target are sampled together.
        let (job, instance) = (of("job"), of("instance"));
        let source = kernel::text::shorten(&format!("{}/{job}/{instance}", self.sender.key), 250);
        let named = read.iter().map(|(name, value)| match OURS.contains(name) {
            true => (format!("exported_{name}"), *value),
            false => ((*name).to_owned(), *value),
        });
        let named: Vec<(String, &str)> = named.collect();
        let pairs: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let refused = |error| Refusal::of(error, name, (job, instance));
        let id = self.store.register(&source, &pairs).map_err(refused)?;
        Ok((id, source))
    }

    fn refuse(&mut self, samples: usize, why: impl Into<String>) {
        if samples > 0 {
            self.outcome.refused += samples;
            self.outcome.because.get_or_insert_with(|| why.into());
        }
    }

    fn flush(&mut self) {
        let mut batch = std::mem::take(&mut self.known.batch);
        if batch.rows.len() * ROW_SAMPLES_MIN > batch.samples.len() {
            batch.mix();
        }
        let mut from = 0;
        for row in batch.rows.drain(..) {
            let samples = batch.samples.get(from..row.end).unwrap_or_default();
            from = row.end;
            let Some(source) = self.known.sources.get(row.source as usize) else { continue };
            let appended = self.store.append(source, row.at_ms, samples);
            self.count(samples.len(), appended);
        }
        for some in batch.each.chunks(tsdb::BATCH_SAMPLES_MAX) {
            let appended = self.store.append_each(some);
            self.count(some.len(), appended);
        }
        batch.clear();
        self.known.batch = batch;
    }

    fn count(&mut self, samples: usize, appended: tsdb::Result<tsdb::Appended>) {
        let appended = match appended {
            Ok(appended) => appended,
            Err(error) => return self.refuse(samples, error.to_string()),
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
            self.known.forget();
            return None;
        }
        if !self.flood.is_empty() {
            let why = self.outcome.because.take().unwrap_or_default();
            let label = self.sink.floods.note((&self.sender.key, &self.sender.name), &why, self.now, || self.widest());
            self.outcome.because = Some(if label.is_empty() { why } else { format!("{why}. {label}") });
        }
        Some(self.outcome)
    }

    /// The label with the most values among what was refused and the newest series of this sender.
    fn widest(&self) -> Option<(String, usize)> {
        let prefix = format!("{}/", self.sender.key);
        let own: Vec<bool> = self.known.sources.iter().map(|source| source.starts_with(&prefix)).collect();
        let is_own = |place: &Place| own.get(place.source as usize).copied().unwrap_or_default();
        let known = self.known.known.newest().filter(|(_, place)| is_own(place)).map(|(bytes, _)| bytes);
        flood::widest(self.flood.iter().map(AsRef::as_ref).chain(known))
    }
}

#[cfg(test)]
mod tests {
    use metrics_proto::labels::put_label;

    use super::*;

    fn push(sink: &Sink, store: &tsdb::Store, names: &[&str], at_ms: i64) -> Outcome {
        let sender = Sender { key: "user:1".into(), name: "Ada Lind".into() };
        let mut intake = sink.begin(store, &sender, Time(at_ms * 1_000));
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
        let why = third.because.unwrap();
        assert!(why.contains("the sender is Ada Lind") && !why.contains("user:1"), "{why}");
        assert!(why.contains("The label \"__name__\" takes the most values: 3"), "{why}");
        let later = now + PUSH_MEMORY_MS + 2_000;
        store.maintain(later).unwrap();
        assert_eq!(push(&sink, &store, &["c"], later).refused, 0, "what is not sent any more makes room");
    }
}
