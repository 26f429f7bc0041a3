//! Results that the server itself found: of rules, scrapes, heartbeats and its own looks. One way in for all of them.

use agent_proto::Figure;
use kernel::{Error, Handle, Result, Time};

use super::{Monitor, Seen, lock, word};
use crate::limits::{EVIDENCE_CHARS_MAX, LATE_MICROS, WAITING_MAX};
use crate::machine::Outcome;
use crate::sign;

/// A result of a check that the server found itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Fed {
    /// The check.
    pub check: i64,
    /// What was found.
    pub outcome: Outcome,
    /// The measured value.
    pub value: Option<f64>,
    /// When it was found.
    pub at: Time,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What was seen, in plain words.
    pub evidence: String,
}

/// Judges results and writes what follows from them; answers when it is on disk. Results of checks that are paused or
/// gone are dropped, and so is one with the time of a result that was judged already: feeding twice is harmless.
///
/// # Errors
/// The database does not keep up, or refuses; what was judged waits and is written later.
pub fn feed(handle: &Handle, fed: &[Fed]) -> Result<()> {
    take(handle, fed, false)
}

/// The same, and keeps the results as the series `mainstay_check_up` and `mainstay_check_duration_seconds`.
///
/// # Errors
/// As [`feed`].
pub fn feed_and_keep(handle: &Handle, fed: &[Fed]) -> Result<()> {
    take(handle, fed, true)
}

fn take(handle: &Handle, fed: &[Fed], keep: bool) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    monitor.refresh(handle)?;
    monitor.room()?;
    let now = handle.now();
    let mut lives = lock(&monitor.lives);
    for one in fed {
        let Some(live) = lives.checks.get_mut(&one.check) else { continue };
        let known = live.recent.iter().any(|seen| seen.at == one.at) || live.machine.knows(one.at.millis());
        if live.check.paused || known {
            continue;
        }
        let (asset, machine_at) = (live.check.asset, one.at);
        if now.since(machine_at) > LATE_MICROS {
            live.late = Some(machine_at);
        } else if let Some(pending) = live.take(one.seen(), one.outcome, now) {
            lock(&monitor.outbox).push(pending);
        }
        monitor.seen(&live.check, one.outcome, one.at, now);
        if keep {
            monitor.keep(asset, one);
        }
    }
    drop(lives);
    monitor.flush(handle)
}

impl Fed {
    /// As it is shown.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            at: self.at,
            outcome: word(self.outcome).to_owned(),
            value: self.value.filter(|value| value.is_finite()),
            took_us: self.took_us,
            text: kernel::text::shorten(&self.evidence, EVIDENCE_CHARS_MAX).replace('\0', ""),
        }
    }
}

impl Monitor {
    /// Judges what the server found about itself. It is written before all that waits, and also when too much does.
    pub(crate) fn take_own(&self, fed: &Fed, now: Time) {
        let mut lives = lock(&self.lives);
        let Some(live) = lives.checks.get_mut(&fed.check).filter(|live| !live.check.paused) else { return };
        if let Some(pending) = live.take(fed.seen(), fed.outcome, now) {
            lock(&self.outbox).push_first(pending);
        }
        self.seen(&live.check, fed.outcome, fed.at, now);
    }

    /// Refuses more while too much waits for the database.
    pub(super) fn room(&self) -> Result<()> {
        if lock(&self.outbox).len() > WAITING_MAX {
            return Err(Error::unavailable(
                "The database does not keep up with monitoring. The results will be sent again.",
            )
            .passing());
        }
        Ok(())
    }

    /// Notes what a bad look of this vantage says of its thing, before the result itself is judged.
    pub(crate) fn note_sign(&self, check: i64, vantage: Option<i64>, value: Option<f64>, figures: &[Figure]) {
        let mut lives = lock(&self.lives);
        if let Some(live) = lives.checks.get_mut(&check).filter(|live| live.check.vantage == vantage) {
            live.sign = Some(sign::of_result(&live.check, value, figures));
        }
    }

    /// Notes what gives no value any more, of checks of rules that get no result therefore.
    pub(crate) fn note_lost(&self, lost: Vec<(i64, String)>) {
        let mut lives = lock(&self.lives);
        for (check, text) in lost {
            if let Some(live) = lives.checks.get_mut(&check) {
                live.lost = Some(kernel::text::shorten(&text, EVIDENCE_CHARS_MAX / 2));
            }
        }
    }

    /// Keeps a result as series: whether it was up, and how long the run took.
    pub(super) fn keep(&self, asset: Option<i64>, fed: &Fed) {
        let check = fed.check.to_string();
        let source = format!("check:{check}");
        let asset = asset.map(|id| id.to_string());
        let register = |metric: &str| {
            let mut labels = vec![("__name__", metric)];
            labels.extend(asset.as_deref().map(|asset| ("asset", asset)));
            labels.push(("check", check.as_str()));
            self.series.register(&source, &labels)
        };
        let mut samples = Vec::new();
        let up = match fed.outcome {
            Outcome::Good => Some(1.0),
            Outcome::Bad => Some(0.0),
            Outcome::Between | Outcome::Unknown => None,
        };
        if let (Some(up), Ok(id)) = (up, register("mainstay_check_up")) {
            samples.push((id, up));
        }
        if let Ok(id) = register("mainstay_check_duration_seconds") {
            samples.push((id, std::time::Duration::from_micros(fed.took_us).as_secs_f64()));
        }
        if let Err(error) = self.series.append(&source, fed.at.millis(), &samples) {
            tracing::warn!(check, %error, "a check's result could not be kept as a series");
        }
    }
}
