//! The loop of monitoring, and the clean-up of what is past its time.

use std::time::Duration;

use kernel::job::Running;
use kernel::{Actor, Handle, Result};

use crate::limits::{CLEAN_ROWS, HISTORY_MICROS, TRANSITIONS_MICROS};
use crate::live::{Monitor, tick};
use crate::store;

/// Looks once a second until the server stops; then what was received is put on disk.
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
    if let Err(error) = monitor.series.sync().and_then(|()| monitor.series.snapshot()) {
        tracing::error!(%error, "the store of series could not be put on disk at the end");
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
