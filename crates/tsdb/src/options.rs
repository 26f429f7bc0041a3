//! Every limit and period of the store, named in one place.

use crate::Matcher;

/// How a store behaves. `Default` suits a house of a few thousand machines.
#[derive(Clone, Debug)]
pub struct Options {
    /// Length of the window one block covers, in milliseconds; windows are aligned to multiples of it.
    pub window_ms: i64,
    /// How long after the end of a window the head still waits for its samples before it is cut.
    pub grace_ms: i64,
    /// Least time between two writes of the batch log to disk by [`maintain`](crate::Store::maintain).
    pub sync_every_ms: i64,
    /// Time between two snapshots of the head.
    pub snapshot_every_ms: i64,
    /// Samples as they came are kept this long; older ones are refused.
    pub retention_ms: i64,
    /// Roll-ups over five minutes are kept this long; 0 makes none.
    pub five_minutes_retention_ms: i64,
    /// Roll-ups over an hour are kept this long; 0 makes none.
    pub hour_retention_ms: i64,
    /// Series that are kept for a time of their own. The first class that fits a series counts.
    pub classes: Vec<Class>,
    /// How much older than the newest batch of its source a sample may be; what is older is refused as out of order.
    pub late_window_ms: i64,
    /// Most bytes of late samples in memory; beyond it they are cut into blocks at once.
    pub late_bytes_max: usize,
    /// Blocks of one span of this length (aligned; a multiple of the window and of an hour) are merged into one file.
    pub file_ms: i64,
    /// About how many samples merging and rolling up read in one call of [`maintain`](crate::Store::maintain).
    pub slice_samples: usize,
    /// Most bytes in the store's folder; beyond it the oldest blocks are deleted, those of roll-ups last.
    pub disk_bytes_max: u64,
    /// Most bytes of sealed and late samples in memory, as while blocks cannot be written; beyond it late samples and then
    /// the oldest windows are dropped.
    pub head_bytes_max: usize,
    /// Most bytes of block directories kept in memory; others are read again when needed.
    pub directory_bytes_max: usize,
    /// Most series that took a sample within the last two windows.
    pub series_max: usize,
    /// The same for one source.
    pub series_per_source_max: usize,
    /// Most labels of one series, `__name__` included.
    pub labels_max: usize,
    /// Most bytes of a label's name (not above 4,096).
    pub label_name_bytes_max: usize,
    /// Most bytes of a label's value (not above 4,096).
    pub label_value_bytes_max: usize,
    /// Samples further ahead of the store's clock than this are refused.
    pub future_ms_max: i64,
}

impl Default for Options {
    fn default() -> Self {
        const MINUTE_MS: i64 = 60_000;
        const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
        Self {
            window_ms: 120 * MINUTE_MS,
            grace_ms: 5 * MINUTE_MS,
            sync_every_ms: 1_000,
            snapshot_every_ms: 5 * MINUTE_MS,
            retention_ms: 14 * DAY_MS,
            five_minutes_retention_ms: 90 * DAY_MS,
            hour_retention_ms: 730 * DAY_MS,
            classes: Vec::new(),
            late_window_ms: 14 * DAY_MS,
            late_bytes_max: 64 << 20,
            file_ms: DAY_MS,
            slice_samples: 2_000_000,
            disk_bytes_max: 10 << 30,
            head_bytes_max: 1 << 30,
            directory_bytes_max: 16 << 20,
            series_max: 500_000,
            series_per_source_max: 20_000,
            labels_max: 32,
            label_name_bytes_max: 128,
            label_value_bytes_max: 1_024,
            future_ms_max: 10 * MINUTE_MS,
        }
    }
}

/// Series that are kept for a time of their own: those of sources whose name begins with `source_prefix` and whose labels
/// fulfil every condition of `matchers`. Their blocks are files of their own, so that deleting them is unlinking.
#[derive(Clone, Debug)]
pub struct Class {
    /// Part of the names of its files: small letters, digits, `_`; not "5m" or "1h".
    pub name: String,
    /// May be empty.
    pub source_prefix: String,
    /// May be empty.
    pub matchers: Vec<Matcher>,
    /// Like [`Options::retention_ms`].
    pub retention_ms: i64,
    /// Like [`Options::five_minutes_retention_ms`].
    pub five_minutes_retention_ms: i64,
    /// Like [`Options::hour_retention_ms`].
    pub hour_retention_ms: i64,
}

/// Length of the buckets of the two tiers of roll-ups, in milliseconds.
pub const TIERS_MS: [u32; 2] = [300_000, 3_600_000];

impl Options {
    /// How long files of a class (0: none) and resolution (0: samples as they came) are kept.
    pub(crate) fn age_ms(&self, class: &str, resolution_ms: u32) -> i64 {
        let [five, hour] = TIERS_MS;
        let ages = self
            .classes
            .iter()
            .find(|one| one.name == class)
            .map_or([self.retention_ms, self.five_minutes_retention_ms, self.hour_retention_ms], |one| {
                [one.retention_ms, one.five_minutes_retention_ms, one.hour_retention_ms]
            });
        let [raw_ms, five_ms, hour_ms] = ages;
        match resolution_ms {
            0 => raw_ms,
            _ if resolution_ms == five => five_ms,
            _ if resolution_ms == hour => hour_ms,
            _ => hour_ms.max(five_ms).max(raw_ms),
        }
    }

    /// The longest time any sample is kept as it came.
    pub(crate) fn raw_age_ms_max(&self) -> i64 {
        self.classes.iter().map(|class| class.retention_ms).fold(self.retention_ms, i64::max)
    }

    /// The name of class number `class`, as [`class_of`](Self::class_of) answers it; empty for none.
    pub(crate) fn class_name(&self, class: u8) -> &str {
        usize::from(class).checked_sub(1).and_then(|at| self.classes.get(at)).map_or("", |class| &class.name)
    }

    /// The number of the class of a series: 0 for none, else one more than its place in the list.
    pub(crate) fn class_of(&self, source: &str, labels: &crate::Labels) -> u8 {
        let fits = |class: &Class| {
            source.starts_with(class.source_prefix.as_str()) && class.matchers.iter().all(|one| one.matches(labels))
        };
        (1..).zip(&self.classes).find(|(_, class)| fits(class)).map_or(0, |(number, _)| number)
    }

    /// The span of one merged file that `at_ms` lies in: start and end.
    pub(crate) fn file_span(&self, at_ms: i64) -> (i64, i64) {
        let window_ms = self.window_ms.max(1);
        let length_ms = (self.file_ms / window_ms).max(1).saturating_mul(window_ms);
        let from_ms = at_ms - at_ms.rem_euclid(length_ms);
        (from_ms, from_ms.saturating_add(length_ms))
    }
}

/// Most samples one [`append`](crate::Store::append) takes.
pub const BATCH_SAMPLES_MAX: usize = 65_536;

/// How much one read may answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most series.
    pub series: usize,
    /// Most samples over all series.
    pub samples: usize,
    /// Most bytes of memory for samples, decoded.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 10_000, samples: 5_000_000, bytes: 512 << 20 }
    }
}
