//! Every limit and period of the store, named in one place.

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
    /// Blocks whose window ended longer ago than this are deleted, and older samples are refused.
    pub retention_ms: i64,
    /// Most bytes in the store's folder; beyond it the oldest blocks are deleted.
    pub disk_bytes_max: u64,
    /// Most bytes of sealed samples in memory, as while blocks cannot be written; beyond it the oldest window is dropped.
    pub head_bytes_max: usize,
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
            disk_bytes_max: 10 << 30,
            head_bytes_max: 1 << 30,
            series_max: 500_000,
            series_per_source_max: 20_000,
            labels_max: 32,
            label_name_bytes_max: 128,
            label_value_bytes_max: 1_024,
            future_ms_max: 10 * MINUTE_MS,
        }
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 10_000, samples: 5_000_000 }
    }
}
