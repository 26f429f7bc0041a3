//! The loop of monitoring, and the clean-up of what is past its time.

use std::time::Duration;

use kernel::job::Running;
use kernel::{Actor, Handle, Result};

use crate::limits::{CLEAN_ROWS, HISTORY_MICROS, TRANSITIONS_MICROS};
use crate::live::{Monitor, tick, upkeep};
use crate::metrics::flood;
use crate::store;

/// Looks once a second until the server stops; then what is listened for is put down.
pub(crate) fn run(handle: Handle) {
    if let Err(error) = crate::check::seal_open_ones(&handle) {
        tracing::error!(error = error.message, cause = error.cause, "secret words of checks could not be sealed");
    }
    let mut failing = false;
    while handle.wait(Duration::from_secs(1)) {
        match tick(&handle) {
            Ok(()) => {
                if failing {
                    tracing::info!("monitoring goes on");
                }
                failing = false;
                handle.beat("monitor");
            }
            // Said once, not every second.
            Err(error) if !failing => {
                tracing::error!(error = error.message, cause = error.cause, "monitoring is held up; trying again");
                failing = true;
            }
            Err(_) => {}
        }
    }
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    if let Err(error) = monitor.listening.keep(&handle, true) {
        tracing::error!(
            error = error.message,
            cause = error.cause,
            "it could not be put down when this server stopped"
        );
    }
}

/// Lets the store of series do its upkeep until the server stops: cutting, merging and snapshots take seconds, in which
/// checks are judged all the same. At the end what was received is put on disk.
pub(crate) fn keep_series(handle: Handle) {
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    let store = &monitor.series;
    let (mut trouble, mut told) = (Trouble::default(), Trouble::default());
    while handle.wait(Duration::from_secs(1)) {
        trouble.note(upkeep(&handle), "the store of series is held up; trying again");
        told.note(flood::tell(&handle), "people could not be told of refused series; trying again");
    }
    if let Err(error) = store.sync().and_then(|()| store.snapshot()) {
        tracing::error!(%error, "the store of series could not be put on disk at the end");
    }
}

/// Puts samples on disk every second, whatever else the store is busy with: `kill -9` loses no more than that.
pub(crate) fn keep_log(handle: Handle) {
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    let mut trouble = Trouble::default();
    while handle.wait(Duration::from_secs(1)) {
        trouble.note(monitor.series.sync(), "samples cannot be put on disk; trying again");
    }
}

/// Something that fails is said once, not every second.
#[derive(Default)]
struct Trouble(bool);

impl Trouble {
    fn note<E: std::fmt::Display>(&mut self, outcome: std::result::Result<(), E>, words: &str) {
        match outcome {
            Ok(()) if self.0 => tracing::info!("the store of series goes on"),
            Err(error) if !self.0 => tracing::error!(%error, "{words}"),
            _ => return,
        }
        self.0 = !self.0;
    }
}

/// Deletes what is past its retention, in slices. Harmless to repeat.
pub(crate) fn clean(running: &Running<'_>) -> Result<()> {
    let now = running.kernel.now();
    loop {
        let actor = Actor::service("monitor", &["monitor.*"]);
        let gone = running.kernel.write_as(actor, "monitor.clean", move |cx| {
            store::clean::slice(cx.tx, now.plus(-TRANSITIONS_MICROS), now.plus(-HISTORY_MICROS), CLEAN_ROWS)
        })?;
        if gone == 0 || running.kernel.stopping() {
            return Ok(());
        }
    }
}
