//! Heartbeats: a job that should run again and again tells that it did, and its silence is an alert. The schedule is a
//! number of seconds, or the job's own line of cron in its own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kernel::time::{DAY, SECOND};
use kernel::{Error, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::ui::duration;

use crate::machine::Outcome;

mod address;
mod cron;
mod judge;
mod ping;

pub use address::{HeartbeatAddress, ShowAddress};
pub(crate) use address::{forget, make};
pub(crate) use ping::endpoints;

use cron::Cron;

/// Seconds that a job may be late, unless said otherwise.
const GRACE_S: i64 = 300;
/// A job that began and tells no end counts as running for so long when nobody knows when it is due. In microseconds.
const RUN_MICROS: i64 = DAY;

/// A job that should run again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Heartbeat {
    /// Seconds from one run to the next, when it has no fixed times.
    pub every_s: Option<i64>,
    /// Its times, as in cron.
    pub cron: Option<String>,
    /// The time zone of those times; UTC if absent.
    pub time_zone: Option<String>,
    /// Seconds that it may be late.
    pub grace_s: i64,
    /// Most seconds from its start to its end.
    pub max_run_s: Option<i64>,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { every_s: None, cron: None, time_zone: None, grace_s: GRACE_S, max_run_s: None }
    }
}

/// What was heard of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Beat {
    /// Since when the address exists.
    pub(crate) made_at: Time,
    /// When a run began last; 0 for never.
    pub(crate) started_at: Time,
    /// When a run ended last; 0 for never.
    pub(crate) ended_at: Time,
    /// How the last run ended: 0 is well.
    pub(crate) exit_code: i64,
    /// How long the last run took, when it told its start. In microseconds.
    pub(crate) took_us: Option<i64>,
    /// What the last run said.
    pub(crate) note: String,
    /// When the oldest run began of which no end was heard; 0 when there is none.
    pub(crate) open_since: Time,
}

/// How a job stands: good or bad, the seconds of its last run, and why.
pub(crate) type Verdict = (Outcome, Option<f64>, String);

impl Heartbeat {
    /// Refuses schedules that are none.
    pub(crate) fn check(&self) -> Result<()> {
        match (&self.every_s, &self.cron) {
            (Some(_), Some(_)) => Err(Error::invalid("cron", "Give the seconds or the times, not both.")),
            (None, None) => Err(Error::invalid("every_s", "Say how often the job runs: seconds, or times as in cron.")),
            (Some(_), None) => Ok(()),
            (None, Some(cron)) => {
                Cron::parse(cron).map_err(|message| Error::invalid("cron", message))?;
                self.zone().map(|_| ()).ok_or_else(|| {
                    Error::invalid("time_zone", "This time zone is not known. Write it like Europe/Oslo.")
                })
            }
        }
    }

    fn zone(&self) -> Option<TimeZone> {
        self.time_zone.as_deref().map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())
    }

    /// What it looks at, in one line.
    pub(crate) fn words(&self) -> String {
        match (&self.cron, self.every_s) {
            (Some(cron), _) => {
                format!("the job of \"{cron}\" ({}) ran", self.time_zone.as_deref().unwrap_or("UTC"))
            }
            (None, every) => format!("the job runs every {}", duration(every.unwrap_or_default())),
        }
    }

    /// When the job is due next after a moment.
    fn due(&self, after: Time) -> Option<Time> {
        match (&self.cron, self.every_s) {
            (Some(cron), _) => Cron::parse(cron).ok()?.next(after.timestamp(), &self.zone()?).map(micros),
            (None, every) => Some(after.plus(every?.saturating_mul(SECOND))),
        }
    }

    /// A moment as the job's owner reads it.
    fn shown(&self, at: Time) -> String {
        let zone = self.zone().unwrap_or(TimeZone::UTC);
        at.timestamp().to_zoned(zone).strftime("%F %H:%M:%S %Z").to_string()
    }
}

fn micros(at: Timestamp) -> Time {
    Time(at.as_microsecond())
}
