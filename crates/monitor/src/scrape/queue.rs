//! What is known of every target, what is due and what waits: one lock guards it, nothing here waits or asks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kernel::fetch::Line;

use super::ask;
use super::book::Book;
use super::plan::Plan;
use super::seen::Seen;
use super::target::Target;

/// Most threads that wait for targets which were slow the last time.
pub(super) const SLOW_MAX: usize = 224;

/// What one thread needs to scrape a target; taken while it does.
pub(super) struct Work {
    pub(super) line: Line,
    pub(super) book: Book,
    /// When metadata was taken last.
    pub(super) told_ms: Option<i64>,
}

pub(super) struct Slot {
    pub(super) target: Arc<Target>,
    pub(super) plan: Arc<Plan>,
    pub(super) work: Option<Box<Work>>,
    pub(super) due_ms: i64,
    /// It stands in a queue.
    pub(super) waits: bool,
    pub(super) slow: bool,
    /// The plan has changed since the last scrape.
    pub(super) renewed: bool,
    pub(super) seen: Seen,
}

pub(super) struct Running {
    pub(super) plan: Arc<Plan>,
    /// When its sources were looked at last.
    pub(super) looked_ms: Option<i64>,
    pub(super) dropped: usize,
    pub(super) wrong: Option<String>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) jobs: BTreeMap<i64, Running>,
    pub(super) targets: BTreeMap<String, Slot>,
    pub(super) due: BTreeSet<(i64, String)>,
    pub(super) ready: VecDeque<(String, i64)>,
    pub(super) slow: VecDeque<(String, i64)>,
    pub(super) threads: usize,
    pub(super) idle: usize,
    pub(super) slow_busy: usize,
}

/// One scrape to be done.
pub(super) struct Turn {
    pub(super) key: String,
    pub(super) due_ms: i64,
    pub(super) target: Arc<Target>,
    pub(super) plan: Arc<Plan>,
    pub(super) work: Box<Work>,
    /// It has one of the lanes for slow ones.
    pub(super) slow: bool,
}

impl State {
    pub(super) fn of_job(&self, job: i64) -> impl Iterator<Item = (&String, &Slot)> {
        self.targets.range(format!("{job:019} ")..format!("{job:019}!"))
    }

    pub(super) fn add(&mut self, key: String, target: Target, plan: &Arc<Plan>, now_ms: i64) {
        let due_ms = next_due(&key, target.interval_ms, now_ms);
        let line = ask::line(&target, plan.tls.as_ref().filter(|_| target.tls));
        let work = Some(Box::new(Work { line, book: Book::default(), told_ms: None }));
        self.due.insert((due_ms, key.clone()));
        let (target, plan) = (Arc::new(target), plan.clone());
        let (waits, slow, renewed, seen) = (false, false, false, Seen::default());
        self.targets.insert(key, Slot { target, plan, work, due_ms, waits, slow, renewed, seen });
    }

    pub(super) fn renew(&mut self, key: &str, plan: &Arc<Plan>, target: Option<Target>) {
        let Some(slot) = self.targets.get_mut(key) else { return };
        if !Arc::ptr_eq(&slot.plan, plan) {
            slot.plan = plan.clone();
            slot.renewed = true;
        }
        // Another interval or timeout.
        if let Some(target) = target.filter(|target| *slot.target != *target) {
            slot.target = Arc::new(target);
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<(Arc<Target>, Arc<Plan>, Box<Work>)> {
        let slot = self.targets.remove(key)?;
        self.due.remove(&(slot.due_ms, key.to_owned()));
        // Whoever is asking it now ends it.
        Some((slot.target, slot.plan, slot.work?))
    }

    pub(super) fn turn(&mut self) -> Option<Turn> {
        loop {
            let (key, due_ms, slow) = match self.ready.pop_front() {
                Some((key, due_ms)) => (key, due_ms, false),
                None if self.slow_busy < SLOW_MAX => self.slow.pop_front().map(|(key, due_ms)| (key, due_ms, true))?,
                None => return None,
            };
            let Some(slot) = self.targets.get_mut(&key) else { continue };
            let Some(mut work) = slot.work.take() else { continue };
            if std::mem::take(&mut slot.renewed) {
                work.book.renew();
                work.line = ask::line(&slot.target, slot.plan.tls.as_ref().filter(|_| slot.target.tls));
            }
            self.slow_busy += usize::from(slow);
            let (target, plan) = (slot.target.clone(), slot.plan.clone());
            return Some(Turn { key, due_ms, target, plan, work, slow });
        }
    }
}

/// The next moment of a target after `now_ms`: every interval has one, spread by the target's key.
pub(super) fn next_due(key: &str, interval_ms: i64, now_ms: i64) -> i64 {
    // FNV-1a: the same in every process, so that a restart does not move the moments.
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let interval_ms = interval_ms.max(1);
    let offset_ms = i64::try_from(hash % interval_ms.unsigned_abs()).unwrap_or(0);
    let since = (now_ms - offset_ms).rem_euclid(interval_ms);
    now_ms - since + interval_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_has_one_moment_of_a_target_and_targets_are_spread() {
        let mut tenths = [0; 10];
        for number in 0..1_000 {
            let key = format!("http://10.0.0.{number}:9100/metrics");
            let due = next_due(&key, 15_000, 1_700_000_000_000);
            assert!((1..=15_000).contains(&(due - 1_700_000_000_000)));
            assert_eq!(next_due(&key, 15_000, due), due + 15_000);
            assert_eq!(next_due(&key, 15_000, due - 1), due);
            tenths[usize::try_from((due % 15_000) / 1_500).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|count| (60..140).contains(count)), "{tenths:?}");
    }
}
