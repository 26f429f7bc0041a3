//! The schedule of checks: each at its own interval, spread so that they do not run in one moment, kept on disk so that
//! they go on while the server is away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_proto::{CheckResult, CheckSpec, CheckState};
use probes::Memory;
use tokio::time::Instant;

use crate::{files, log};

const INTERVAL_LEAST: Duration = Duration::from_secs(1);
/// Checks that run at the same moment; the others wait.
const RUNNING_MAX: usize = 16;
/// A new check runs first within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// The checks of this agent.
pub(crate) struct Checks {
    path: PathBuf,
    pub(crate) generation: i64,
    entries: Vec<Entry>,
}

struct Entry {
    spec: CheckSpec,
    due: Instant,
    running: bool,
    /// The server wants to know at once.
    asked: Option<Instant>,
    last: Option<CheckState>,
    memory: Memory,
}

impl Checks {
    /// The checks of the last run. A damaged file means none: the server sends them again.
    pub(crate) fn open(dir: &Path, now: Instant) -> Self {
        let path = dir.join("checks");
        let bytes = files::read_if_there(&path).ok().flatten().unwrap_or_default();
        let (generation, specs): (i64, Vec<CheckSpec>) = postcard::from_bytes(&bytes).unwrap_or_default();
        let mut checks = Self { path, generation: 0, entries: Vec::new() };
        checks.take(generation, specs, now);
        checks
    }

    /// Replaces the checks. What did not change goes on as it was.
    pub(crate) fn replace(&mut self, generation: i64, specs: Vec<CheckSpec>, now: Instant) {
        let kept = postcard::to_allocvec(&(generation, &specs)).map_err(|e| e.to_string());
        let kept = kept.and_then(|bytes| files::replace(&self.path, &bytes).map_err(|e| e.to_string()));
        if let Err(e) = kept {
            log::note(format!("the checks cannot be kept for the next start: {e}"));
        }
        self.take(generation, specs, now);
    }

    fn take(&mut self, generation: i64, specs: Vec<CheckSpec>, now: Instant) {
        let mut old = std::mem::take(&mut self.entries);
        self.generation = generation;
        let spread = FIRST_WITHIN / u32::try_from(specs.len()).unwrap_or(u32::MAX).max(1);
        for (place, spec) in (0_u32..).zip(specs) {
            let same = old.iter().position(|entry| entry.spec == spec).map(|at| old.swap_remove(at));
            let due = now + spread.saturating_mul(place);
            self.entries.push(same.unwrap_or(Entry {
                spec,
                due,
                running: false,
                asked: None,
                last: None,
                memory: Memory::default(),
            }));
        }
    }

    /// When the next check is due, if any.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.running() >= RUNNING_MAX {
            return None;
        }
        let waiting = self.entries.iter().filter(|entry| !entry.running);
        waiting.map(Entry::next).min()
    }

    /// Runs these at once, beside their rhythm. One that runs already answers soon.
    pub(crate) fn ask(&mut self, wanted: &[i64], now: Instant) {
        for entry in self.entries.iter_mut().filter(|entry| wanted.contains(&entry.spec.check_id)) {
            entry.asked = Some(now);
        }
    }

    /// The checks to run now; they count as running until their result comes.
    pub(crate) fn start_due(&mut self, now: Instant) -> Vec<(CheckSpec, Memory)> {
        let room = RUNNING_MAX.saturating_sub(self.running());
        let mut specs = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| !entry.running && entry.next() <= now).take(room) {
            entry.running = true;
            let interval = interval(&entry.spec);
            // Keep the rhythm; after a long pause begin a new one instead of running what was missed.
            entry.due = if entry.due > now {
                entry.due
            } else if now < entry.due + interval {
                entry.due + interval
            } else {
                now + interval
            };
            specs.push((entry.spec.clone(), std::mem::take(&mut entry.memory)));
        }
        specs
    }

    /// Takes a result. `None` when the check is not of today any more, or else whether it is to be told at once: its state
    /// is another than before, or somebody waits for it.
    pub(crate) fn finish(&mut self, result: &CheckResult, memory: Memory) -> Option<bool> {
        let same =
            |entry: &&mut Entry| entry.spec.check_id == result.check_id && entry.spec.generation == result.generation;
        let entry = self.entries.iter_mut().find(same)?;
        entry.running = false;
        entry.memory = memory;
        let asked = entry.asked.take().is_some();
        Some(entry.last.replace(result.state) != Some(result.state) || asked)
    }

    fn running(&self) -> usize {
        self.entries.iter().filter(|entry| entry.running).count()
    }
}

impl Entry {
    /// When it runs next.
    fn next(&self) -> Instant {
        self.asked.map_or(self.due, |asked| asked.min(self.due))
    }
}

/// How long a run of this check may take: never into the next run.
pub(crate) fn deadline(spec: &CheckSpec) -> Duration {
    Duration::from_millis(u64::from(spec.timeout_ms.max(1))).min(interval(spec))
}

fn interval(spec: &CheckSpec) -> Duration {
    Duration::from_millis(u64::from(spec.interval_ms)).max(INTERVAL_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_proto::Probe;

    fn spec(check_id: i64, generation: i64) -> CheckSpec {
        let probe = Probe::Unit { name: "a.service".into() };
        CheckSpec { check_id, generation, interval_ms: 10_000, timeout_ms: 60_000, probe }
    }

    fn result(check_id: i64, state: CheckState) -> CheckResult {
        CheckResult { check_id, generation: 1, at_ms: 0, state, value: None, took_us: 0, evidence: String::new() }
    }

    #[tokio::test]
    async fn checks_are_spread_keep_their_rhythm_and_never_overlap_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut checks = Checks::open(dir.path(), start);
        assert_eq!(checks.next_due(), None);
        checks.replace(7, vec![spec(1, 1), spec(2, 1)], start);
        assert_eq!(checks.start_due(at(0)).len(), 1);
        assert_eq!(checks.next_due(), Some(at(1_000)));
        assert_eq!(checks.start_due(at(1_000)).len(), 1);
        assert!(checks.start_due(at(11_000)).is_empty(), "both still run");
        assert_eq!(checks.finish(&result(1, CheckState::Ok), Memory::default()), Some(true));
        assert_eq!(checks.next_due(), Some(at(10_000)));
        assert_eq!(checks.start_due(at(95_000)).len(), 1);
        checks.finish(&result(1, CheckState::Ok), Memory::default());
        assert_eq!(checks.next_due(), Some(at(105_000)), "what was missed is not caught up");
    }

    #[tokio::test]
    async fn a_change_of_state_is_told_from_a_repetition_and_old_results_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mut checks = Checks::open(dir.path(), Instant::now());
        checks.replace(7, vec![spec(1, 1)], Instant::now());
        assert_eq!(checks.finish(&result(1, CheckState::Ok), Memory::default()), Some(true));
        assert_eq!(checks.finish(&result(1, CheckState::Ok), Memory::default()), Some(false));
        assert_eq!(checks.finish(&result(1, CheckState::Fail), Memory::default()), Some(true));
        assert_eq!(checks.finish(&result(2, CheckState::Fail), Memory::default()), None);
        checks.replace(8, vec![spec(1, 2)], Instant::now());
        assert_eq!(checks.finish(&result(1, CheckState::Ok), Memory::default()), None, "of the generation before");
    }

    #[tokio::test]
    async fn what_is_asked_for_runs_at_once_is_told_at_once_and_keeps_its_rhythm() {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut checks = Checks::open(dir.path(), start);
        checks.replace(7, vec![spec(1, 1)], start);
        let run = |checks: &mut Checks, ms| {
            let many = checks.start_due(at(ms)).len();
            (many, checks.finish(&result(1, CheckState::Ok), Memory::default()))
        };
        assert_eq!(run(&mut checks, 0), (1, Some(true)), "the first one is news");
        assert_eq!(checks.next_due(), Some(at(10_000)));
        checks.ask(&[1, 2], at(3_000));
        assert_eq!(checks.next_due(), Some(at(3_000)));
        assert_eq!(run(&mut checks, 3_000), (1, Some(true)), "somebody waits for it");
        assert_eq!(checks.next_due(), Some(at(10_000)), "the rhythm is kept");
        assert_eq!(run(&mut checks, 10_000), (1, Some(false)));
    }

    #[tokio::test]
    async fn checks_survive_a_restart_and_damage_means_none() {
        let dir = tempfile::tempdir().unwrap();
        Checks::open(dir.path(), Instant::now()).replace(7, vec![spec(1, 1)], Instant::now());
        let checks = Checks::open(dir.path(), Instant::now());
        assert_eq!((checks.generation, checks.entries.len()), (7, 1));
        std::fs::write(dir.path().join("checks"), [255; 20]).unwrap();
        assert_eq!(Checks::open(dir.path(), Instant::now()).generation, 0);
    }

    #[test]
    fn a_run_never_lasts_into_the_next() {
        assert_eq!(deadline(&spec(1, 1)), Duration::from_secs(10));
    }
}
