//! Agents that look at what they are asked to, as the real one does: each check in its own rhythm, what changed is said at
//! once, what repeats waits a second for company, and so do further changes within the same second.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_proto::{CheckResult, CheckSpec, CheckState, Durable, FromServer, Lane};
use kernel::{Error, Result};
use tokio::runtime::Runtime;
use tokio::time::interval;

use crate::agents::simulated::{Outcome, Simulated, Target, now_ms};
use crate::agents::{Machine, token};
use crate::process::Server;

/// How often it is looked what is due.
const TURN: Duration = Duration::from_millis(100);
/// How long what repeats waits for company, and a change after another one, in milliseconds.
const WAIT_MS: i64 = 1_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What fails, and from when on.
pub(crate) struct Faults {
    /// In milliseconds since 1970 UTC.
    from: AtomicI64,
    checks: Mutex<BTreeSet<i64>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { from: AtomicI64::new(i64::MAX), checks: Mutex::default() }
    }
}

impl Faults {
    /// This check fails from the beginning of the faults on.
    pub(crate) fn mark(&self, check: i64) {
        lock(&self.checks).insert(check);
    }

    /// The faults begin.
    pub(crate) fn begin(&self, at_ms: i64) {
        self.from.store(at_ms, Ordering::SeqCst);
    }

    fn fails(&self, check: i64, at_ms: i64) -> bool {
        at_ms >= self.from.load(Ordering::SeqCst) && lock(&self.checks).contains(&check)
    }
}

/// What the agents have come to.
#[derive(Default)]
struct Tally {
    checks: AtomicUsize,
    sent: AtomicUsize,
    trouble: Mutex<Option<String>>,
}

/// Agents that are in.
pub(crate) struct Lookers {
    tally: Arc<Tally>,
    /// They live as long as it does.
    _runtime: Runtime,
}

impl Lookers {
    /// Lets so many agents in.
    pub(crate) fn enter(server: &Server, count: usize, faults: Arc<Faults>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Error::internal("runtime", error))?;
        let tally = Arc::new(Tally::default());
        let machine = Machine::Server;
        let target = Target::new(&server.agents, token(server, machine, count)?, machine)?;
        for number in 0..count {
            let agent = runtime.block_on(Simulated::enter(&target, number));
            let agent = agent.map_err(|why| Error::unavailable(format!("Agent {number} cannot come in: {why}.")))?;
            let (tally, faults) = (tally.clone(), faults.clone());
            runtime.spawn(async move {
                if let Err(why) = work(agent, &tally, &faults).await {
                    *lock(&tally.trouble) = Some(format!("Agent {number} is lost: {why}."));
                }
            });
        }
        Ok(Self { tally, _runtime: runtime })
    }

    /// How many checks they were given.
    pub(crate) fn checks(&self) -> usize {
        self.tally.checks.load(Ordering::SeqCst)
    }

    /// How many results they sent.
    pub(crate) fn sent(&self) -> usize {
        self.tally.sent.load(Ordering::SeqCst)
    }

    /// Why the measurement says nothing, if so.
    pub(crate) fn trouble(&self) -> Option<Error> {
        lock(&self.tally.trouble).clone().map(Error::unavailable)
    }
}

/// A check with what it said last.
struct Looked {
    spec: CheckSpec,
    next_ms: i64,
    last: Option<CheckState>,
    /// Somebody waits for it: it is looked at beside its rhythm.
    asked: bool,
}

/// Looks and listens until the link breaks.
async fn work(mut agent: Simulated, tally: &Tally, faults: &Faults) -> Outcome<()> {
    let (mut turn, mut ping) = (interval(TURN), interval(Duration::from_secs(30)));
    let (mut checks, mut waiting): (Vec<Looked>, Vec<CheckResult>) = (Vec::new(), Vec::new());
    let (mut since_ms, mut said_ms) = (0, 0);
    loop {
        tokio::select! {
            _ = turn.tick() => {
                let now_ms = now_ms();
                for check in checks.iter_mut().filter(|check| check.asked || check.next_ms <= now_ms) {
                    if check.next_ms <= now_ms {
                        check.next_ms += i64::from(check.spec.interval_ms);
                    }
                    let result = look(&check.spec, faults, now_ms);
                    let asked = std::mem::take(&mut check.asked);
                    let changed = check.last.replace(result.state) != Some(result.state) || asked;
                    if waiting.is_empty() {
                        since_ms = now_ms;
                    }
                    waiting.push(result);
                    if changed && now_ms - said_ms >= WAIT_MS {
                        said_ms = now_ms;
                        tell(&mut agent, &mut waiting, tally).await?;
                    }
                }
                if !waiting.is_empty() && now_ms - since_ms >= WAIT_MS {
                    tell(&mut agent, &mut waiting, tally).await?;
                }
            }
            _ = ping.tick() => agent.ping().await?,
            heard = agent.hear() => match heard? {
                FromServer::Checks { checks: given, .. } => {
                    tally.checks.fetch_sub(checks.len(), Ordering::SeqCst);
                    tally.checks.fetch_add(given.len(), Ordering::SeqCst);
                    checks = taken(given, &checks);
                }
                FromServer::Look { checks: wanted, .. } => {
                    let wanted: BTreeSet<i64> = wanted.into_iter().collect();
                    checks.iter_mut().for_each(|check| check.asked |= wanted.contains(&check.spec.check_id));
                }
                FromServer::Refused(refusal) => return Err(refusal.text),
                _ => {}
            },
        }
    }
}

/// The checks as they are from now on; those that were there keep their rhythm.
fn taken(given: Vec<CheckSpec>, before: &[Looked]) -> Vec<Looked> {
    let known = |spec: &CheckSpec| before.iter().find(|one| one.spec == *spec);
    let looked = |spec: CheckSpec| {
        let (now_ms, known) = (now_ms(), known(&spec));
        let first = now_ms + spec.check_id.wrapping_mul(7_919).rem_euclid(i64::from(spec.interval_ms.max(1)));
        Looked {
            next_ms: known.map_or(first, |one| one.next_ms),
            last: known.and_then(|one| one.last),
            asked: false,
            spec,
        }
    };
    given.into_iter().map(looked).collect()
}

fn look(spec: &CheckSpec, faults: &Faults, at_ms: i64) -> CheckResult {
    let fails = faults.fails(spec.check_id, at_ms);
    let (state, took_us, evidence) = match fails {
        true => (CheckState::Fail, 2_000_000, "No answer within 2 seconds."),
        false => (CheckState::Ok, 1_200, "It answered within 1.2 ms."),
    };
    CheckResult {
        check_id: spec.check_id,
        generation: spec.generation,
        at_ms,
        state,
        value: None,
        took_us,
        evidence: evidence.to_owned(),
    }
}

async fn tell(agent: &mut Simulated, waiting: &mut Vec<CheckResult>, tally: &Tally) -> Outcome<()> {
    let results = std::mem::take(waiting);
    tally.sent.fetch_add(results.len(), Ordering::SeqCst);
    agent.keep(Lane::Results, Durable::CheckResults { results }).await
}
