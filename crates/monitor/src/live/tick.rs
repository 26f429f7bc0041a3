//! What the passing of time means: no data, stale, silent hosts, silences that end.

use kernel::time::SECOND;
use kernel::{Handle, Result};

use super::blind::was_blind;
use super::flush::actor;
use super::{Monitor, lock};
use crate::machine::Outcome;
use crate::{full, silence};

/// How often silenced groups are looked at again, in microseconds.
const REVIEW_MICROS: i64 = 5 * SECOND;
/// Silenced groups that are told in one transaction.
const REVIEW_AT_ONCE: usize = 50;

/// Looks at the clock once: the service calls it every second. The store of series is told the time, too.
pub fn tick(handle: &Handle) -> Result<()> {
    tick_with_room(handle, full::free(handle.data()))
}

/// The same, told how many bytes are free where the data is kept.
pub fn tick_with_room(handle: &Handle, free: Option<u64>) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    let told = free.map_or(Ok(()), |free| monitor.note_free(handle, free));
    monitor.series.set_clock(handle.now().millis());
    monitor.refresh(handle)?;
    monitor.renew_rules(handle)?;
    let review = monitor.pass(handle);
    let flushed = monitor.flush(handle);
    // Judged in any case: what is told to the cause engine must not pile up.
    let decided = monitor.decide(handle);
    let kept = monitor.listening.keep(handle, false);
    // A database that takes nothing is just what it is about.
    let lagging = monitor.note_lag(handle);
    flushed?;
    if review {
        review_silences(handle)?;
    }
    decided?;
    kept?;
    lagging?;
    told
}

/// Lets the store of series do its upkeep once: puts samples on disk, cuts, merges, takes snapshots, deletes what is old. A
/// service of its own calls it every second, for it can take seconds.
pub fn upkeep(handle: &Handle) -> Result<()> {
    let upkeep = handle.get::<Monitor>()?.series.maintain(handle.now().millis());
    upkeep.map_err(|error| kernel::Error::unavailable(format!("The store of series has trouble: {error}.")))
}

impl Monitor {
    /// Judges every check at this moment; answers whether silences are to be reviewed.
    fn pass(&self, handle: &Handle) -> bool {
        let now = handle.now();
        let agents = lock(&self.agents).clone();
        let mut lives = lock(&self.lives);
        let slept = was_blind(lives.ticked, now);
        if slept {
            self.listening.slept(lives.ticked, now);
        }
        if slept || self.is_behind(now) {
            lives.awake = now;
        }
        lives.ticked = now;
        let awake = lives.awake;
        let standing = lives.stand(&self.causal.ground(), now);
        let mut outbox = lock(&self.outbox);
        standing.into_iter().for_each(|pending| outbox.push(pending));
        for live in lives.checks.values_mut().filter(|live| !live.check.paused) {
            let listener = live.listener();
            let agent = listener.map(|asset| agents.get(&asset).copied().unwrap_or_default());
            let before = live.seen_at;
            if let Some(pending) = live.look(now, awake, agent.as_ref()) {
                outbox.push(pending);
            }
            // A host that is heard from is a look of its own.
            if live.seen_at != before
                && let Some(seen) = live.recent.back()
            {
                let good = if seen.outcome == "good" { Outcome::Good } else { Outcome::Bad };
                self.seen(&live.check, good, seen.at, now);
            }
        }
        let review = now.since(lives.reviewed) >= REVIEW_MICROS || now < lives.reviewed;
        if review {
            lives.reviewed = now;
        }
        review
    }
}

fn review_silences(handle: &Handle) -> Result<()> {
    crate::maintenance::watch::pass(handle)?;
    let now = handle.now();
    for groups in handle.db.read(|tx| silence::all_bare(tx, now))?.chunks(REVIEW_AT_ONCE) {
        let groups = groups.to_vec();
        handle.write_as(actor(), "monitor.silence.review", move |cx| silence::review(cx, &groups))?;
    }
    Ok(())
}
