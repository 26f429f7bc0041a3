//! The disk under the samples: when it is nearly full, nothing new is stored, and whoever sends is asked to wait, so that
//! the database, the alerts and what is in memory go on. One alert says so.

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{Handle, Result};

use crate::doubt::Said;
use crate::live::Monitor;
use crate::probe::Part;

/// Nothing is stored when less than this is free.
const STOP_BYTES: u64 = 256 << 20;
/// It is stored again when this much is free.
const START_BYTES: u64 = 512 << 20;
/// Said to whoever sends.
pub(crate) const WORDS: &str =
    "The server's disk is nearly full, so nothing is stored. Free some space; senders try again.";

/// Whether nothing is stored, and whether people were told.
#[derive(Debug, Default)]
pub(crate) struct Full {
    stopped: AtomicBool,
    said: Said,
}

/// Free bytes of the file system that holds a folder; `None` when that cannot be known.
pub(crate) fn free(folder: &std::path::Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

/// What changes when so much is free: `Some(true)` stops, `Some(false)` goes on.
fn change(stopped: bool, free: u64) -> Option<bool> {
    match stopped {
        false if free < STOP_BYTES => Some(true),
        true if free >= START_BYTES => Some(false),
        _ => None,
    }
}

impl Monitor {
    /// True while samples are stored.
    pub(crate) fn may_store(&self) -> bool {
        !self.full.stopped.load(Ordering::Relaxed)
    }

    /// Takes note of how much is free, and tells people when that changed something; a database that cannot take it is
    /// asked again the next time.
    pub(crate) fn note_free(&self, handle: &Handle, free: u64) -> Result<()> {
        let stopped = change(!self.may_store(), free).unwrap_or(!self.may_store());
        self.full.stopped.store(stopped, Ordering::Relaxed);
        self.full.said.say(handle, Part::Disk, stopped, || {
            let what = if stopped { "new samples are refused until there is more" } else { "samples are stored" };
            format!("{} MiB are free where the server keeps its data: {what}.", free >> 20)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn it_stops_below_one_mark_and_goes_on_above_another() {
        let mib = |count: u64| count << 20;
        let steps = [mib(600), mib(300), mib(255), mib(300), mib(511), mib(512), mib(300)];
        let mut stopped = false;
        let told = steps.map(|free| {
            let change = change(stopped, free);
            stopped = change.unwrap_or(stopped);
            change
        });
        assert_eq!(told, [None, None, Some(true), None, None, Some(false), None]);
    }
}
