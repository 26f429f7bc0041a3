//! How long series are kept, and how much room they may take.

use kernel::settings::Setting;
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 86_400_000;
/// A hundred years: longer than anybody asks for, short enough to count in milliseconds.
const DAYS_MAX: i64 = 36_500;

/// How long series are kept, and how much room they may take. It holds from the next start of the server on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keeping {
    /// Days for which samples are kept as they came. Samples that are pushed may be as old as this.
    pub raw_days: i64,
    /// Days for which values of five minutes are kept (lowest, highest, mean ..), which answer where
    /// samples are gone and where windows begin and end with them; 0 makes none.
    pub five_minutes_days: i64,
    /// Days for which values of an hour are kept, which answer where the others are gone; 0 makes none.
    pub hour_days: i64,
    /// Most room on disk, in GiB; beyond it the oldest samples go first.
    pub disk_gib: u64,
    /// Most series in use at a time.
    pub series_max: usize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { raw_days: 14, five_minutes_days: 90, hour_days: 730, disk_gib: 10, series_max: 500_000 }
    }
}

impl Setting for Keeping {
    const KEY: &'static str = "monitor.series";
    /// A smaller number deletes what was measured.
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        let days = |name, days: i64, least: i64| match (least..=DAYS_MAX).contains(&days) {
            true => Ok(()),
            false => Err(Error::invalid(name, format!("Use a number of days from {least} to {DAYS_MAX}."))),
        };
        days("value.raw_days", self.raw_days, 1)?;
        days("value.five_minutes_days", self.five_minutes_days, 0)?;
        days("value.hour_days", self.hour_days, 0)?;
        if !(1..=65_536).contains(&self.disk_gib) {
            return Err(Error::invalid("value.disk_gib", "Use a number of GiB from 1 to 65,536."));
        }
        if !(1_000..=5_000_000).contains(&self.series_max) {
            return Err(Error::invalid("value.series_max", "Use a number of series from 1,000 to 5,000,000."));
        }
        Ok(())
    }
}

impl Keeping {
    /// The same for the store.
    pub(crate) fn options(&self) -> tsdb::Options {
        tsdb::Options {
            retention_ms: self.raw_days * DAY_MS,
            late_window_ms: self.raw_days * DAY_MS,
            five_minutes_retention_ms: self.five_minutes_days * DAY_MS,
            hour_retention_ms: self.hour_days * DAY_MS,
            disk_bytes_max: self.disk_gib << 30,
            series_max: self.series_max,
            // One target may have as many samples as a job may allow; agents have a limit of their own.
            series_per_source_max: 120_000,
            ..tsdb::Options::default()
        }
    }
}
