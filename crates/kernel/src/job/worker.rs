//! The job workers: threads that lease, run, and finish or put off.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
        kernel.db.write("kernel.job.finish", Priority::Background, move |tx| store::finish(tx, id, attempt))?;
        return Ok(());
    };
    tracing::warn!(job = kind, id, attempt, error = error.message, cause = error.cause, "a job failed");
    let text = format!("{}{}", error.message, error.cause.map(|cause| format!(" [{cause}]")).unwrap_or_default());
    if attempt >= limits::JOB_TRIES {
        return kernel
            .db
            .write("kernel.job.bury", Priority::Background, move |tx| store::bury(tx, id, attempt, now, &text));
    }
    let run_at = now.plus(back_off(attempt));
    kernel.db.write("kernel.job.again", Priority::Background, move |tx| store::again(tx, id, attempt, run_at, &text))
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
    kernel.db.write("kernel.schedules", Priority::Background, move |tx| store::run_schedules(tx, &all, now))
}
