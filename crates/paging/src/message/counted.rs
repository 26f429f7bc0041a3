//! How many messages were sent since the start, and how many tries failed, by the way that they went.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kernel::Handle;
use web::domain::Family;

/// Tries by lane, and whether they were taken. There are as many lanes as there are channels.
#[derive(Default)]
pub(crate) struct Counted(Mutex<BTreeMap<(String, bool), u64>>);

impl Counted {
    /// Counts a try.
    pub(super) fn note(&self, lane: &str, taken: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((lane.to_owned(), taken)).or_default() += 1;
    }
}

/// The counter at `/metrics`.
pub(crate) const FAMILY: Family = Family {
    name: "mainstay_messages_total",
    help: "Tries to send a message, by channel and whether it was taken.",
    labels: &["channel", "outcome"],
    read,
};

fn read(handle: &Handle) -> Vec<(Vec<String>, u64)> {
    let Ok(counted) = handle.get::<Counted>() else { return Vec::new() };
    let counts = counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    let row = |((lane, taken), count): (&(String, bool), &u64)| {
        (vec![lane.clone(), if *taken { "sent" } else { "failed" }.to_owned()], *count)
    };
    counts.iter().map(row).collect()
}
