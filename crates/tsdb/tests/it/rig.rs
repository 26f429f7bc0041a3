//! A store in a temporary folder with a clock of its own.

use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tsdb::{Limits, Matcher, Options, SeriesId, Store};

/// The start of a two-hour window.
pub(crate) const T0: i64 = 1_699_999_200_000;
pub(crate) const STEP: i64 = 15_000;
pub(crate) const WINDOW: i64 = 7_200_000;

pub(crate) type Points = Vec<(i64, u64)>;

/// The defaults, but samples may be ahead of the store's clock: a test moves it only where that matters. And nothing is
/// merged or rolled up but where that is what a test is about.
pub(crate) fn options() -> Options {
    Options { future_ms_max: i64::MAX / 4, slice_samples: 0, ..Options::default() }
}

pub(crate) const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) options: Options,
    store: Option<Store>,
}

impl Rig {
    pub(crate) fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Some(Store::open(dir.path(), options.clone(), T0).unwrap());
        Self { dir, options, store }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Ends the store as a crash does, runs `between` on its folder, and opens it again.
    pub(crate) fn crash(&mut self, now_ms: i64, between: impl FnOnce(&Path)) {
        drop(self.store.take());
        between(self.dir.path());
        self.store = Some(Store::open(self.dir.path(), self.options.clone(), now_ms).unwrap());
    }

    /// The same folder, not opened.
    pub(crate) fn without_store(mut self) -> Self {
        self.store = None;
        self
    }

    pub(crate) fn close_and_open(&mut self, now_ms: i64) {
        self.store.take().unwrap().close().unwrap();
        self.crash(now_ms, |_| {});
    }

    /// Registers `metric{source=..}`.
    pub(crate) fn id(&self, source: &str, metric: &str) -> SeriesId {
        self.store().register(source, &[("__name__", metric), ("source", source)]).unwrap()
    }

    /// Registers and appends one sample.
    pub(crate) fn put(&self, source: &str, metric: &str, at_ms: i64, value: f64) {
        let id = self.id(source, metric);
        let appended = self.store().append(source, at_ms, &[(id, value)]).unwrap();
        assert_eq!(appended.accepted, 1, "{appended:?}");
    }

    /// `count` samples of `metric`, a step apart, the n-th with the value `value(n)`.
    pub(crate) fn fill(&self, source: &str, metric: &str, from_ms: i64, count: i64, value: impl Fn(i64) -> f64) {
        for n in 0..count {
            self.put(source, metric, from_ms + n * STEP, value(n));
        }
    }

    /// All samples of a metric of a source, as bits.
    pub(crate) fn points(&self, source: &str, metric: &str) -> Points {
        let matchers = [Matcher::metric(metric), Matcher::equal("source", source)];
        let mut series = self.store().select(&matchers, 0, i64::MAX, Limits::default()).unwrap();
        assert!(series.len() <= 1);
        let points = series.pop().map(|series| series.points).unwrap_or_default();
        points.into_iter().map(|(at, value)| (at, value.to_bits())).collect()
    }

    pub(crate) fn files(&self, folder: &str, extension: &str) -> Vec<PathBuf> {
        files(self.dir.path(), folder, extension)
    }
}

pub(crate) fn files(dir: &Path, folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|one| one == extension)).collect();
    files.sort();
    files
}

/// What `fill` is expected to have stored.
pub(crate) fn expected(from_ms: i64, count: i64, value: impl Fn(i64) -> f64) -> Points {
    (0..count).map(|n| (from_ms + n * STEP, value(n).to_bits())).collect()
}

/// A value that looks like a measurement and costs a page of its own.
pub(crate) fn noisy(n: i64) -> f64 {
    ((n * 7_919) % 1_000) as f64 / 10.0 + (n as f64).sqrt()
}

/// Copies the files of one folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
