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
mod ping;

pub use address::{HeartbeatAddress, ShowAddress};
pub(crate) use address::{forget, make};
pub(crate) use ping::endpoints;

use cron::Cron;

/// Seconds that a job may be late, unless said otherwise.
const GRACE_S: i64 = 300;
/// A job that began and tells no end counts as running for so long, unless said otherwise. In microseconds.
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

    /// Judges what was heard by a server that has listened since `awake`. Nothing is known before the first run is due,
    /// nor of a time when nobody listened.
    pub(crate) fn judge(&self, beat: &Beat, now: Time, awake: Time) -> Option<Verdict> {
        let took = beat.took_us.map(|took| took as f64 / 1e6);
        let ago = |at: Time| duration(now.since(at).max(0) / SECOND);
        if beat.started_at > beat.ended_at {
            let most = self.max_run_s.map_or(RUN_MICROS, |most| most.saturating_mul(SECOND));
            let running = now.since(beat.started_at);
            let text =
                format!("The job began at {} and has run for {}", self.shown(beat.started_at), ago(beat.started_at));
            return Some(if running > most {
                (Outcome::Bad, took, format!("{text}; at most {} are allowed.", duration(most / SECOND)))
            } else {
                (Outcome::Good, took, format!("{text}."))
            });
        }
        let heard = beat.ended_at > Time(0);
        let said = if beat.note.is_empty() { String::new() } else { format!(" It said: {}", beat.note) };
        if heard && beat.exit_code != 0 {
            let text =
                format!("The job failed at {} with exit code {}.{said}", self.shown(beat.ended_at), beat.exit_code);
            return Some((Outcome::Bad, took, text));
        }
        let last = if heard { beat.ended_at } else { beat.made_at };
        let mut due = self.due(last)?;
        let unheard = due < awake;
        if unheard {
            due = self.due(awake)?;
        }
        if now > due.plus(self.grace_s.saturating_mul(SECOND)) {
            let when = if heard { format!("last heard of {} ago", ago(last)) } else { "never heard of".to_owned() };
            let text = format!(
                "The job was due at {}, and {} of grace are over; {when}.",
                self.shown(due),
                duration(self.grace_s)
            );
            return Some((Outcome::Bad, took, text));
        }
        if !heard {
            return None;
        }
        if unheard {
            let text =
                format!("The job was due when this server did not listen; it is due again at {}.", self.shown(due));
            return Some((Outcome::Unknown, took, text));
        }
        if let (Some(took), Some(most)) = (took, self.max_run_s)
            && took > most as f64
        {
            let text = format!("The job took {}; at most {} are allowed.", duration(took as i64), duration(most));
            return Some((Outcome::Bad, Some(took), text));
        }
        let ran = took.map(|took| format!(", took {}", duration(took as i64))).unwrap_or_default();
        let text = format!("Heard of {} ago{ran}; due again at {}.{said}", ago(last), self.shown(due));
        Some((Outcome::Good, took, text))
    }
}

fn micros(at: Timestamp) -> Time {
    Time(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        micros(text.parse::<Timestamp>().unwrap())
    }

    fn nightly() -> Heartbeat {
        Heartbeat {
            cron: Some("30 2 * * *".into()),
            time_zone: Some("Europe/Oslo".into()),
            grace_s: 600,
            ..Heartbeat::default()
        }
    }

    fn check(heartbeat: &Heartbeat, beat: &Beat, now: &str, expected: Option<(Outcome, &str)>) {
        let verdict = heartbeat.judge(beat, at(now), Time(0));
        match (&verdict, expected) {
            (None, None) => {}
            (Some((outcome, _, text)), Some((wanted, part))) => {
                assert_eq!(*outcome, wanted, "{text}");
                assert!(text.contains(part), "{text}");
            }
            _ => panic!("{verdict:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_late_job_is_bad_after_its_grace_and_the_evidence_says_when_it_was_due() {
        let beat = Beat { made_at: at("2026-01-10T12:00:00Z"), ..Beat::default() };
        check(&nightly(), &beat, "2026-01-11T01:39:00Z", None);
        let due = "due at 2026-01-11 02:30:00 CET, and 10 min of grace are over; never heard of";
        check(&nightly(), &beat, "2026-01-11T01:40:01Z", Some((Outcome::Bad, due)));
        let ran = Beat { ended_at: at("2026-01-11T01:31:00Z"), took_us: Some(60_000_000), ..beat };
        let again = "took 1 min; due again at 2026-01-12 02:30:00 CET";
        check(&nightly(), &ran, "2026-01-11T02:00:00Z", Some((Outcome::Good, again)));
        check(&nightly(), &ran, "2026-01-12T01:45:00Z", Some((Outcome::Bad, "due at 2026-01-12 02:30:00 CET")));
    }

    #[test]
    fn a_server_that_did_not_listen_blames_nobody() {
        let ran = Beat { ended_at: at("2026-01-11T01:31:00Z"), ..Beat::default() };
        let judged = |now: &str| nightly().judge(&ran, at(now), at("2026-01-12T06:00:00Z")).unwrap();
        let (outcome, _, text) = judged("2026-01-12T06:00:05Z");
        assert!(outcome == Outcome::Unknown && text.contains("due again at 2026-01-13 02:30:00 CET"), "{text}");
        assert_eq!(judged("2026-01-13T01:41:00Z").0, Outcome::Bad);
    }

    #[test]
    fn a_job_that_fails_or_runs_too_long_is_bad_until_it_does_well() {
        let every = Heartbeat { every_s: Some(3_600), max_run_s: Some(600), ..Heartbeat::default() };
        let start = at("2026-01-10T12:00:00Z");
        let beat = Beat { made_at: start, started_at: start.plus(SECOND), ..Beat::default() };
        check(&every, &beat, "2026-01-10T12:05:00Z", Some((Outcome::Good, "has run for")));
        check(&every, &beat, "2026-01-10T12:11:00Z", Some((Outcome::Bad, "at most 10 min are allowed")));
        let failed = Beat { ended_at: start.plus(60 * SECOND), exit_code: 3, note: "disk full".into(), ..beat.clone() };
        check(&every, &failed, "2026-01-10T12:02:00Z", Some((Outcome::Bad, "exit code 3. It said: disk full")));
        let well = Beat { exit_code: 0, took_us: Some(60 * SECOND), ..failed.clone() };
        check(&every, &well, "2026-01-10T12:02:00Z", Some((Outcome::Good, "due again")));
        let slow = Beat { took_us: Some(601 * SECOND), ..well };
        check(&every, &slow, "2026-01-10T12:02:00Z", Some((Outcome::Bad, "took 10 min")));
    }
}
