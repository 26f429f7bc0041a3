//! Who is told by mail or webhook that a group opened and recovered: once each, in the transaction that records it.

use kernel::notifications::{Notification, Recipient};
use kernel::settings::Setting;
use kernel::{Cx, Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::group::Group;

/// Most mail addresses.
const EMAILS_MAX: usize = 20;

/// Who is told when an alert group opens and recovers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// Mail addresses.
    pub emails: Vec<String>,
    /// A webhook, by its name in the kernel's settings.
    pub webhook: Option<String>,
}

impl Setting for Notify {
    const KEY: &'static str = "monitor.notify";

    fn check(&self) -> Result<()> {
        if self.emails.len() > EMAILS_MAX {
            return Err(Error::invalid("value.emails", format!("At most {EMAILS_MAX} addresses fit here.")));
        }
        let wrong = |email: &&String| {
            let parts = email.split_once('@');
            !parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                || email.chars().any(|c| c.is_control() || c.is_whitespace())
                || email.len() > 254
        };
        match self.emails.iter().find(wrong) {
            Some(email) => Err(Error::invalid(
                "value.emails",
                format!("\"{}\" is no mail address.", kernel::text::shorten(email, 60)),
            )),
            None => Ok(()),
        }
    }
}

impl Notify {
    fn recipients(&self) -> Vec<Recipient> {
        let mut all: Vec<Recipient> = self.emails.iter().cloned().map(Recipient::Email).collect();
        all.extend(self.webhook.iter().filter(|name| !name.is_empty()).cloned().map(Recipient::Webhook));
        all
    }
}

/// Tells that a group opened.
pub(crate) fn opened(cx: &mut Cx, group: &Group) -> Result<()> {
    let mut lines = vec![format!("{} since {}.", group.severity.as_str(), group.opened_at), String::new()];
    lines.push("What was seen:".into());
    lines.extend(group.evidence.iter().map(|line| format!("- {line}")));
    if !group.changed_before.is_empty() {
        lines.push(String::new());
        lines.push("What changed just before:".into());
        lines.extend(group.changed_before.iter().map(|one| format!("- {}: {}", one.at, one.title)));
    }
    send(cx, group, format!("Alert: {}", group.title), &lines)
}

/// Tells that a group recovered.
pub(crate) fn recovered(cx: &mut Cx, group: &Group, evidence: &[String], lasted_s: i64) -> Result<()> {
    let mut lines = vec![format!("It lasted {}.", web::ui::duration(lasted_s)), String::new()];
    lines.extend(evidence.iter().map(|line| format!("- {line}")));
    send(cx, group, format!("Recovered: {}", group.title), &lines)
}

fn send(cx: &mut Cx, group: &Group, subject: String, lines: &[String]) -> Result<()> {
    let recipients = cx.setting::<Notify>()?.recipients();
    if recipients.is_empty() {
        return Ok(());
    }
    let body = format!("{}\n\nAlert group {}\n", lines.join("\n"), group.id);
    let about = group.reference();
    cx.notify(&Notification { recipients, subject, body, about, undo_delay: false }).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_mail_addresses_are_refused() {
        let notify = |email: &str| Notify { emails: vec![email.into()], webhook: None };
        assert!(notify("ada@example.org").check().is_ok());
        for bad in ["", "ada", "@example.org", "ada@host", "a b@example.org", "a@example.org\r\nBcc: x@example.org"] {
            assert!(notify(bad).check().is_err(), "{bad:?}");
        }
    }
}
