//! The settings of the desk.

use kernel::settings::Setting;
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to the incident of an alert that recovers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Alerts {
    /// Resolve the incident when nobody has taken it in hand; else only note the recovery.
    pub(crate) auto_resolve: bool,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { auto_resolve: true }
    }
}

impl Setting for Alerts {
    const KEY: &'static str = "desk.alerts";
}

/// When a resolved ticket is closed for good.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Closing {
    /// Days without a change after which a resolved ticket is closed.
    pub(crate) after_days: i64,
}

impl Default for Closing {
    fn default() -> Self {
        Self { after_days: 7 }
    }
}

impl Setting for Closing {
    const KEY: &'static str = "desk.closing";

    fn check(&self) -> Result<()> {
        if (1..=365).contains(&self.after_days) {
            Ok(())
        } else {
            Err(Error::invalid("value.after_days", "Choose 1 to 365 days."))
        }
    }
}
