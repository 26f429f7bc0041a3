//! Clean-up by age: events, idempotency keys, deliveries, audit details. In small steps, so that nobody waits for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::db::{Priority, Tx};
use crate::error::{Error, Result};
use crate::job::Running;
use crate::running::Handle;
use crate::settings::{self, Setting};
use crate::time::{DAY, Time};

mod store;

/// How long records are kept, in days.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Events and with them the timelines of things.
    pub events_days: i64,
    /// Inputs and differences in the audit; who did what and when stays.
    pub audit_details_days: i64,
    /// The audit itself, and the approvals.
    pub audit_days: i64,
    /// Messages that were sent, with the log of their delivery.
    pub notifications_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_days: 730, audit_details_days: 730, audit_days: 2_557, notifications_days: 90 }
    }
}

impl Setting for Retention {
    const KEY: &'static str = "kernel.retention";
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        let all = [self.events_days, self.audit_details_days, self.audit_days, self.notifications_days];
        if all.iter().any(|days| !(1..=36_500).contains(days)) {
            return Err(Error::invalid("value", "Every time is 1 to 36500 days."));
        }
        if self.audit_details_days > self.audit_days {
            return Err(Error::invalid("value.audit_details_days", "Details cannot be kept longer than the audit."));
        }
        Ok(())
    }
}

/// Deletes what is past its time. Harmless to repeat.
pub(crate) fn clean(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let keep: Retention = kernel.db.read(settings::store::get)?;
    let now = kernel.now();
    let before = |days: i64| now.plus(-days * DAY);
    in_steps(kernel, before(keep.events_days), store::events)?;
    in_steps(kernel, before(keep.notifications_days), store::notifications)?;
    in_steps(kernel, before(keep.audit_details_days), store::audit_details)?;
    in_steps(kernel, before(keep.audit_days), store::audit)?;
    in_steps(kernel, before(keep.audit_days), store::approvals)?;
    in_steps(kernel, now, crate::idempotency::forget_old)
}

fn in_steps(kernel: &Handle, before: Time, step: fn(&mut Tx<'_>, Time) -> Result<u64>) -> Result<()> {
    while kernel.db.write("kernel.clean", Priority::Background, move |tx| step(tx, before))? > 0 {
        if kernel.stopping() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
