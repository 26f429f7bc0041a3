//! The job workers: threads that lease, run, and finish or put off.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Running, store};
use crate::db::Priority;
use crate::error::{Error, Result};
use crate::limits;
use crate::running::Handle;
use crate::time::{MINUTE, SECOND, Time};

/// Runs one due job; answers whether there was one.
pub(crate) fn step(kernel: &Handle) -> Result<bool> {
    let now = kernel.now();
    let due = kernel.db.read(store::next_due)?.is_some_and(|at| at <= now);
    if !due || kernel.held() {
        return Ok(false);
    }
    let Some(leased) = kernel.db.write("kernel.job.lease", Priority::Background, move |tx| store::lease(tx, now))?
    else {
        return Ok(false);
    };
    let outcome = match kernel.registry().job(&leased.kind) {
        None => Err(Error::internal("job-kind-unknown", &leased.kind)),
        Some(entry) => {
            let running = Running { kernel, id: leased.id, attempt: leased.attempt, payload: &leased.payload };
            catch_unwind(AssertUnwindSafe(|| (entry.run)(&running)))
                .unwrap_or_else(|_| Err(Error::internal("job-panicked", &leased.kind)))
        }
    };
    settle(kernel, leased.id, leased.attempt, &leased.kind, outcome)?;
    Ok(true)
}

fn settle(kernel: &Handle, id: i64, attempt: i64, kind: &str, outcome: Result<()>) -> Result<()> {
    let now = kernel.now();
    let Err(error) = outcome else {
        return patiently(kernel, || {
            kernel
                .db
                .write("kernel.job.finish", Priority::Background, move |tx| store::finish(tx, id, attempt).map(drop))
        });
    };
    tracing::warn!(job = kind, id, attempt, error = error.message, cause = error.cause, "a job failed");
    let text = format!("{}{}", error.message, error.cause.map(|cause| format!(" [{cause}]")).unwrap_or_default());
    let counts = !error.passing;
    if attempt >= limits::JOB_TRIES && counts {
        return patiently(kernel, || {
            let text = text.clone();
            kernel.db.write("kernel.job.bury", Priority::Background, move |tx| store::bury(tx, id, attempt, now, &text))
        });
    }
    let pause = if counts { back_off(attempt) } else { back_off(attempt).min(limits::PASSING_MICROS) };
    patiently(kernel, || {
        let (text, run_at) = (text.clone(), now.plus(pause));
        kernel.db.write("kernel.job.again", Priority::Background, move |tx| {
            store::again(tx, id, attempt, run_at, &text, counts)
        })
    })
}

/// Tries a few times to write down how a try ended: while the database takes nothing, the try would count for nothing.
fn patiently(kernel: &Handle, write: impl Fn() -> Result<()>) -> Result<()> {
    for _ in 0..5 {
        match write() {
            Err(error) if error.passing && kernel.wait(Duration::from_secs(1)) => {}
            done => return done,
        }
    }
    write()
}

/// Doubling from two seconds to half an hour, in microseconds.
pub(crate) fn back_off(attempt: i64) -> i64 {
    let doublings = u32::try_from(attempt.clamp(0, 10)).unwrap_or(10);
    (SECOND * 2_i64.pow(doublings)).min(30 * MINUTE)
}

/// Queues what the schedules say is due.
pub(crate) fn schedules(kernel: &Handle) -> Result<usize> {
    let all: Vec<super::Schedule> = kernel.registry().schedules().copied().collect();
    let now: Time = kernel.now();
    if !kernel.db.read(|tx| store::schedules_due(tx, &all, now))? {
        return Ok(0);
    }
    kernel.db.write("kernel.schedules", Priority::Background, move |tx| store::run_schedules(tx, &all, now))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::job::{Job, JobEntry};
    use crate::permission::Actor;
    use crate::registry::Domain;
    use crate::time::HOUR;
    use crate::world::World;

    fn world(run: fn(&Running<'_>) -> Result<()>) -> World {
        let jobs = vec![JobEntry { kind: "tests.job", run }];
        World::new(vec![Domain { name: "tests", jobs, ..Domain::default() }]).unwrap()
    }

    fn queue(world: &World) {
        let enqueue = |cx: &mut crate::cx::Cx| cx.enqueue(&Job::new("tests.job", &())?);
        world.kernel.write_as(Actor::os("boss"), "tests.queue", enqueue).unwrap();
    }

    fn count(world: &World, sql: &'static str) -> i64 {
        world.kernel.db.read(|tx| tx.one(sql, &[])?.int(0)).unwrap()
    }

    const WAITING: &str = "SELECT COUNT(*) FROM kernel_jobs WHERE kind = 'tests.job'";
    const DEAD: &str = "SELECT COUNT(*) FROM kernel_dead_letters";

    #[test]
    fn what_the_database_could_not_take_at_a_moment_counts_for_no_try() {
        static TRIES: AtomicI64 = AtomicI64::new(0);
        fn run(_: &Running<'_>) -> Result<()> {
            let passing = TRIES.fetch_add(1, Ordering::SeqCst) < 20;
            if passing { Err(Error::unavailable("The queue is full.").passing()) } else { Ok(()) }
        }
        let world = world(run);
        queue(&world);
        for _ in 0..25 {
            world.pass(HOUR).unwrap();
        }
        assert_eq!((TRIES.load(Ordering::SeqCst), count(&world, WAITING), count(&world, DEAD)), (21, 0, 0));
    }

    #[test]
    fn a_job_whose_worker_dies_each_time_is_given_up_and_the_next_one_runs() {
        static RUNS: AtomicI64 = AtomicI64::new(0);
        fn run(_: &Running<'_>) -> Result<()> {
            RUNS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        let world = world(run);
        queue(&world);
        for attempt in 1..=limits::JOB_TRIES {
            let now = world.clock.now();
            let leased = world.kernel.db.write("tests.lease", Priority::Background, move |tx| store::lease(tx, now));
            assert_eq!(leased.unwrap().map(|job| job.attempt), Some(attempt));
            world.clock.advance(limits::JOB_LEASE_MICROS);
        }
        queue(&world);
        world.settle().unwrap();
        assert_eq!((RUNS.load(Ordering::SeqCst), count(&world, WAITING), count(&world, DEAD)), (1, 0, 1));
    }

    #[test]
    fn schedules_write_only_when_one_is_due() {
        let world = world(|_| Ok(()));
        assert!(world.kernel.run_schedules().unwrap() > 0);
        let writes = || world.kernel.db.stats().writes.load(Ordering::SeqCst);
        let before = writes();
        assert_eq!((world.kernel.run_schedules().unwrap(), writes()), (0, before));
        world.clock.advance(HOUR);
        assert!(world.kernel.run_schedules().unwrap() > 0 && writes() > before);
    }
}
