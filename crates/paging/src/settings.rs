//! Settings: who is told when no route says otherwise, how messages link back, the daily test, and the dead-man's switch.

use kernel::settings::Setting;
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most mail addresses.
const EMAILS_MAX: usize = 20;
/// Most addresses of the dead-man's switch.
const URLS_MAX: usize = 5;

/// Who is told of an alert group when no route leads elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Default {
    /// The policy that is used, by number. Without one, what is named below is told at once.
    pub policy: Option<i64>,
    /// Tell the members of the group's team; of the default team when it has none.
    pub team: bool,
    /// Mail addresses that are told as well.
    pub emails: Vec<String>,
    /// A webhook that is told as well, by its name in the kernel's settings.
    pub webhook: Option<String>,
}

impl std::default::Default for Default {
    fn default() -> Self {
        Self { policy: None, team: true, emails: Vec::new(), webhook: None }
    }
}

impl Setting for Default {
    const KEY: &'static str = "paging.default";

    fn check(&self) -> Result<()> {
        if self.emails.len() > EMAILS_MAX {
            return Err(Error::invalid("value.emails", format!("At most {EMAILS_MAX} addresses fit here.")));
        }
        self.emails.iter().try_for_each(|email| mail_address("value.emails", email))
    }
}

/// Refuses what is no mail address, or more than one.
pub(crate) fn mail_address(field: &str, email: &str) -> Result<()> {
    let parts = email.split_once('@');
    let shaped = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let clean = !email.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>'));
    if shaped && clean && email.len() <= 254 {
        return Ok(());
    }
    Err(Error::invalid(field, format!("\"{}\" is no mail address.", kernel::text::shorten(email, 60))))
}

/// How messages are sent, and how the ways out are tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sending {
    /// The address of this console as people reach it, such as `https://it.example.org`; messages link to it. Without it they
    /// carry no links, and nobody can acknowledge from a message.
    pub address: String,
    /// Let channels reach loopback and private addresses.
    pub allow_private: bool,
    /// How long a channel may take to answer, in seconds, 1 to 30.
    pub timeout_s: i64,
    /// The hour of the day in which each channel is tested, 0 to 23; -1 tests none.
    pub test_hour: i64,
    /// The time zone of that hour.
    pub time_zone: String,
}

impl std::default::Default for Sending {
    fn default() -> Self {
        Self { address: String::new(), allow_private: false, timeout_s: 10, test_hour: 9, time_zone: "UTC".into() }
    }
}

impl Setting for Sending {
    const KEY: &'static str = "paging.sending";
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        if !self.address.is_empty() {
            web_address("value.address", &self.address)?;
        }
        if !(1..=30).contains(&self.timeout_s) {
            return Err(Error::invalid("value.timeout_s", "A channel has 1 to 30 seconds to answer."));
        }
        if !(-1..=23).contains(&self.test_hour) {
            return Err(Error::invalid("value.test_hour", "An hour is 0 to 23; -1 tests no channel."));
        }
        jiff::tz::TimeZone::get(&self.time_zone).map_err(|_| {
            Error::invalid("value.time_zone", "This is not a time zone. Write it like Europe/Oslo or UTC.")
        })?;
        Ok(())
    }
}

/// The dead-man's switch: addresses that are called as long as monitoring turns. Whoever watches them raises the alarm when the
/// calls stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadMan {
    /// The addresses, at most 5; empty turns it off. They are kept sealed and shown with their hosts alone; as one is
    /// shown it stays.
    pub urls: Vec<String>,
    /// How often they are called, in seconds, 10 to 3600.
    pub every_s: i64,
}

impl std::default::Default for DeadMan {
    fn default() -> Self {
        Self { urls: Vec::new(), every_s: 60 }
    }
}

impl Setting for DeadMan {
    const KEY: &'static str = "paging.dead-man";
    const GUARDED: bool = true;
    const ADDRESSES: &'static [&'static str] = &["urls.*"];

    fn check(&self) -> Result<()> {
        if self.urls.len() > URLS_MAX {
            return Err(Error::over_limit(format!("At most {URLS_MAX} addresses fit here.")).at("value.urls"));
        }
        if !(10..=3_600).contains(&self.every_s) {
            return Err(Error::invalid("value.every_s", "They are called every 10 to 3600 seconds."));
        }
        self.urls.iter().try_for_each(|url| web_address("value.urls", url))
    }
}

/// Refuses what is no address of the web.
pub(crate) fn web_address(field: &str, url: &str) -> Result<()> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fits = rest.is_some_and(|rest| !rest.is_empty()) && url.len() <= 2_000;
    if fits && !url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@') {
        return Ok(());
    }
    Err(Error::invalid(field, "An address starts with https:// or http:// and has no spaces and no password."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_mail_addresses_are_refused() {
        let default = |email: &str| Default { emails: vec![email.into()], ..Default::default() };
        assert!(default("ada@example.org").check().is_ok());
        for bad in ["", "ada", "@example.org", "ada@host", "a b@example.org", "a@example.org\r\nBcc: x@example.org"] {
            assert!(default(bad).check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        assert!(Sending { test_hour: 24, ..Sending::default() }.check().is_err());
        assert!(Sending { time_zone: "Moon/Base".into(), ..Sending::default() }.check().is_err());
        assert!(Sending { address: "it.example.org".into(), ..Sending::default() }.check().is_err());
        assert!(DeadMan { every_s: 5, ..DeadMan::default() }.check().is_err());
        assert!(DeadMan { urls: vec!["ftp://x".into()], ..DeadMan::default() }.check().is_err());
        assert!(DeadMan { urls: vec!["https://hc.example.org/1".into()], ..DeadMan::default() }.check().is_ok());
    }
}
