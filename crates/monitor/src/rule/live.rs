//! The rules in memory: which groups there are, who is due, and what readers are told.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kernel::{Handle, Result, Time};

use super::lanes::Lanes;
use super::seat::{Post, Seat, Slot};
use super::show::RuleAlert;
use super::{Standing, load, rows, turn};
use crate::limits::{RULE_GROUPS_AT_ONCE, RULE_LANES};
use crate::live::lock;

/// All groups of rules.
#[derive(Default)]
pub(crate) struct Engine {
    book: Mutex<Arc<Book>>,
    /// Rules were changed, and memory is behind.
    dirty: AtomicBool,
    /// One reads the rules at a time.
    reading: Mutex<()>,
    /// What went wrong with a turn, until somebody says it.
    trouble: Mutex<Option<kernel::Error>>,
}

/// The groups at one moment; a change of rules makes another one.
#[derive(Default)]
pub(crate) struct Book {
    pub(super) seats: BTreeMap<i64, Arc<Seat>>,
    /// Where each rule is: its group, and its place there.
    places: HashMap<i64, (i64, usize)>,
}

impl Book {
    pub(super) fn new(seats: BTreeMap<i64, Arc<Seat>>) -> Self {
        let of = |seat: &Arc<Seat>| {
            let group = seat.id;
            let all = seat.rules.iter().enumerate().map(move |(place, post)| (post.id, (group, place)));
            all.collect::<Vec<_>>()
        };
        let places = seats.values().flat_map(of).collect();
        Self { seats, places }
    }

    fn find(&self, rule: i64) -> Option<(&Seat, &Post)> {
        let (group, place) = self.places.get(&rule)?;
        let seat = self.seats.get(group)?;
        Some((seat, seat.rules.get(*place)?))
    }

    /// What is remembered of a rule.
    pub(super) fn slot(&self, rule: i64) -> Option<Arc<Slot>> {
        self.find(rule).map(|(_, post)| post.slot.clone())
    }
}

/// Reads the rules and listens for changes of them.
pub(crate) fn start(handle: &Handle) -> Result<()> {
    let engine = Arc::new(Engine::default());
    *lock(&engine.book) = Arc::new(load::book(handle, None, handle.now())?);
    let listening = engine.clone();
    handle.listen(Box::new(move |refs| {
        if refs.iter().any(|one| one.kind == "rule") {
            listening.dirty.store(true, Ordering::Release);
        }
    }));
    handle.put(engine);
    Ok(())
}

/// Evaluates the groups that are due, and waits for them: for tests and for whoever makes the time himself.
pub fn evaluate(handle: &Handle) -> Result<()> {
    let engine = handle.get::<Engine>()?;
    engine.refresh(handle)?;
    let due = engine.due(handle.now());
    let share = due.len().div_ceil(RULE_GROUPS_AT_ONCE).max(1);
    let run = |seats: &[Arc<Seat>]| {
        // What one group cannot write does not hold up the others.
        let outcomes: Vec<Result<()>> = seats.iter().map(|seat| turn::group(handle, seat)).collect();
        outcomes.into_iter().collect()
    };
    let mut parts = due.chunks(share);
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || run(part))).collect();
        let mut done = run(first);
        for other in others {
            let ended = other.join().unwrap_or_else(|_| Err(kernel::Error::internal("rule-thread", "ended early")));
            done = done.and(ended);
        }
        done
    })
}

/// Looks four times a second until the server stops; groups that are due are evaluated beside it, each in its own turn.
pub(crate) fn serve(handle: Handle) {
    let Ok(engine) = handle.get::<Engine>() else { return };
    let lanes = Lanes::default();
    std::thread::scope(|scope| {
        for _ in 0..RULE_LANES {
            let (engine, lanes, handle) = (&engine, &lanes, &handle);
            scope.spawn(move || {
                lanes.work(|seat: &Arc<Seat>| {
                    let _taken = seat.taken();
                    if let Err(error) = turn::group(handle, seat) {
                        *lock(&engine.trouble) = Some(error);
                    }
                });
            });
        }
        look(&handle, &engine, &lanes);
        // What still runs is not waited for longer than it takes to notice.
        lock(&engine.book).seats.values().for_each(|seat| seat.leave());
        lanes.end();
    });
}

fn look(handle: &Handle, engine: &Engine, lanes: &Lanes<Arc<Seat>>) {
    let mut failing = false;
    let mut cleaned = Time(0);
    while handle.wait(Duration::from_millis(250)) {
        let now = handle.now();
        let mut done = engine.refresh(handle);
        for seat in engine.due(now) {
            let was_slow = seat.is_slow();
            lanes.offer(seat, was_slow);
        }
        done = done.and(lock(&engine.trouble).take().map_or(Ok(()), Err));
        if now.since(cleaned) >= 10 * kernel::time::SECOND || now < cleaned {
            cleaned = now;
            done = done.and(rows::clean(handle));
        }
        match done {
            Ok(()) if failing => {
                tracing::info!("rules are evaluated again");
                failing = false;
            }
            Ok(()) => {}
            // Said once, not every time.
            Err(error) if !failing => {
                tracing::error!(error = error.message, cause = error.cause, "rules are held up; trying again");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

impl Engine {
    fn book(&self) -> Arc<Book> {
        lock(&self.book).clone()
    }

    /// Brings memory to what the database says; rules that stay go on with their alerts. No evaluation is waited for.
    fn refresh(&self, handle: &Handle) -> Result<()> {
        let _one_at_a_time = lock(&self.reading);
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let old = self.book();
        let new =
            load::book(handle, Some(&old), handle.now()).inspect_err(|_| self.dirty.store(true, Ordering::Release))?;
        for (id, seat) in &old.seats {
            if new.seats.get(id).is_none_or(|now| !Arc::ptr_eq(now, seat)) {
                seat.leave();
            }
        }
        *lock(&self.book) = Arc::new(new);
        Ok(())
    }

    /// The groups whose turn it is, taken.
    fn due(&self, now: Time) -> Vec<Arc<Seat>> {
        self.book().seats.values().filter(|seat| seat.claim(now)).cloned().collect()
    }

    /// How the evaluation of a rule went.
    pub(crate) fn standing(&self, id: i64, now: Time) -> Standing {
        let unknown = || Standing { health: "unknown".to_owned(), ..Standing::default() };
        self.book().find(id).map_or_else(unknown, |(seat, post)| seat.standing(post, now))
    }

    /// The alerts of a rule that are pending or out.
    pub(crate) fn alerts(&self, id: i64) -> Vec<RuleAlert> {
        self.book().find(id).map(|(_, post)| post.slot.seen().shown()).unwrap_or_default()
    }

    /// Every group, in the order of files and groups.
    pub(crate) fn all(&self) -> Vec<Arc<Seat>> {
        let mut all: Vec<_> = self.book().seats.values().cloned().collect();
        all.sort_by(|a, b| (&a.file, &a.def.name, a.id).cmp(&(&b.file, &b.def.name, b.id)));
        all
    }
}
