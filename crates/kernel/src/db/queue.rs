//! The writer's queue: interactive calls go before jobs, its length is bounded, and it can be closed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::tx::Tx;
use crate::error::{Error, Result};
use crate::limits;

/// Who waits for the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person or another program waits.
    Interactive,
    /// A job, a reaction, a measurement.
    Background,
}

/// A queued write with its answer.
pub(super) trait Work: Send {
    fn name(&self) -> &'static str;
    /// True when what it writes is never kept.
    fn is_rehearsal(&self) -> bool;
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

pub(super) struct Job<T, F> {
    name: &'static str,
    rehearsal: bool,
    work: F,
    output: Option<T>,
    reply: SyncSender<Result<T>>,
}

impl<T: Send, F: FnMut(&mut Tx<'_>) -> Result<T> + Send> Job<T, F> {
    pub(super) fn new(name: &'static str, rehearsal: bool, work: F) -> (Self, Receiver<Result<T>>) {
        let (reply, answer) = sync_channel(1);
        (Self { name, rehearsal, work, output: None, reply }, answer)
    }
}

impl<T: Send, F: FnMut(&mut Tx<'_>) -> Result<T> + Send> Work for Job<T, F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.output = None;
        match catch_unwind(AssertUnwindSafe(|| (self.work)(tx))) {
            Ok(Ok(output)) => {
                self.output = Some(output);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::internal("write-panicked", self.name)),
        }
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { name, output, reply, .. } = *self;
        let answer = outcome.and_then(|()| output.ok_or_else(|| Error::internal("write-without-output", name)));
        // A caller that has gone away no longer wants the answer.
        let _ = reply.send(answer);
    }
}

#[derive(Default)]
struct Waiting {
    interactive: VecDeque<Box<dyn Work>>,
    background: VecDeque<Box<dyn Work>>,
    closed: bool,
}

pub(super) struct Queue {
    max: usize,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Queue {
    pub(super) fn new(max: usize) -> Self {
        Self { max, waiting: Mutex::default(), arrived: Condvar::new() }
    }

    pub(super) fn push(&self, priority: Priority, work: Box<dyn Work>) -> Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return Err(Error::unavailable("The server is stopping. Try again in a moment.").passing());
        }
        if waiting.interactive.len() + waiting.background.len() >= self.max {
            return Err(Error::unavailable(
                "Too many changes wait to be written. Nothing was changed; try again in a moment.",
            )
            .passing());
        }
        match priority {
            Priority::Interactive => waiting.interactive.push_back(work),
            Priority::Background => waiting.background.push_back(work),
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Gives the callers that were just answered a moment to come back, so that they share the next commit: with many
    /// callers two halves would take turns otherwise, each paying for a whole sync.
    pub(super) fn gather(&self, expected: usize) {
        let begun = Instant::now();
        while self.len() < expected && begun.elapsed() < limits::GATHER_AT_MOST {
            std::thread::yield_now();
        }
    }

    /// Waits for work and takes up to `max` of it; `None` when the queue is closed and empty.
    pub(super) fn take(&self, max: usize) -> Option<Vec<Box<dyn Work>>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut taken = Vec::new();
            while taken.len() < max {
                let Some(work) = waiting.interactive.pop_front() else { break };
                taken.push(work);
            }
            while taken.len() < max {
                let Some(work) = waiting.background.pop_front() else { break };
                taken.push(work);
            }
            if !taken.is_empty() {
                return Some(taken);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn len(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.interactive.len() + waiting.background.len()
    }

    pub(super) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }
}
