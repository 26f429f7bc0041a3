//! By which channels a person is told: their own list, in order. The first that fits is used; when it fails, the next.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, get, put};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Channel, Kind, lane, store};
use crate::hours::Hours;
use crate::message::Recipient;

/// Most entries of one person.
const CONTACTS_MAX: usize = 20;

/// A way to reach a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Contact {
    /// The channel, by number; null is mail to the person's own address.
    pub channel: Option<i64>,
    /// Where they are there: a telephone number, a topic, a room, a mail address. Empty for chats that everybody reads.
    pub address: String,
    /// Only for `critical` or `warning`; both when empty.
    pub severity: String,
    /// Only in these hours, as in `mon-fri 08:00-16:00 Europe/Oslo`; always when empty.
    pub hours: String,
}

impl Contact {
    fn fits(&self, when: When<'_>) -> bool {
        let hours: Hours = self.hours.parse().unwrap_or_default();
        (self.severity.is_empty() || self.severity == when.severity) && (hours.is_empty() || hours.holds(when.at))
    }
}

/// For what somebody is to be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When<'a> {
    /// `critical` or `warning`.
    pub(crate) severity: &'a str,
    pub(crate) at: Time,
}

/// How a person can be reached, from one entry of their list on.
pub(crate) struct Reached {
    pub(crate) recipient: Option<Recipient>,
    /// What stands in the way, in plain words.
    pub(crate) lines: Vec<String>,
}

/// The first way to reach a person that fits, after `after` entries of their list were tried.
pub(crate) fn reach(cx: &mut Cx, user: i64, name: &str, when: When<'_>, after: i64) -> Result<Reached> {
    let mut lines = Vec::new();
    let all = store::contacts(cx.tx, user)?;
    for (number, contact) in (1_i64..).zip(&all).filter(|(number, _)| *number > after) {
        if !contact.fits(when) {
            lines.push(format!("{name}: way {number} is not for {} alerts at this hour.", when.severity));
            continue;
        }
        match way(cx, user, contact)? {
            Ok((lane, address, by)) => {
                let label = format!("{name} by {by}");
                return Ok(Reached {
                    recipient: Some(Recipient { user, lane, address, label, contact: number }),
                    lines,
                });
            }
            Err(why) => lines.push(format!("{name}: way {number} cannot be used, {why}.")),
        }
    }
    // Whoever has no list is told by mail; so is whoever's list holds nothing that works.
    let number = i64::try_from(all.len()).unwrap_or(0) + 1;
    if number > after {
        if let Some(address) = people::user_email(cx.tx, user)? {
            let label = format!("{name} by mail");
            let recipient = Some(Recipient { user, lane: lane::MAIL.into(), address, label, contact: number });
            return Ok(Reached { recipient, lines });
        }
        lines.push(format!("{name} has no mail address."));
    }
    Ok(Reached { recipient: None, lines })
}

type Told = (String, String, String);

/// The lane, the address and the name of a way; or why it cannot be used.
fn way(cx: &mut Cx, user: i64, contact: &Contact) -> Result<std::result::Result<Told, String>> {
    let Some(id) = contact.channel else {
        let address = people::user_email(cx.tx, user)?;
        return Ok(address
            .map(|address| (lane::MAIL.to_owned(), address, "mail".to_owned()))
            .ok_or_else(|| "there is no mail address".into()));
    };
    let Some(channel) = store::get(cx.tx, id)? else { return Ok(Err("the channel is gone".into())) };
    if !channel.enabled {
        return Ok(Err(format!("the channel {} is switched off", channel.name)));
    }
    let (lane, own) = lane::of(&channel);
    let address = if contact.address.is_empty() { own } else { contact.address.clone() };
    Ok(Ok((lane, address, channel.name)))
}

/// The ways to reach a person.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Contacts {
    /// In order; when there are none, they are told by mail.
    pub items: Vec<Contact>,
    /// The same as lines, as `paging.contact.save` takes them.
    pub lines: String,
}

fn whose(cx: &Cx, user: Option<i64>, operation: &str) -> Result<i64> {
    match (user, cx.actor.user()) {
        (None, Some(me)) => Ok(me),
        (Some(user), Some(me)) if user == me => Ok(me),
        (Some(user), _) => cx.reach_everything(operation).map(|()| user),
        (None, None) => Err(Error::invalid("user", "Say whose, by number.")),
    }
}

fn told(cx: &mut Cx, user: i64) -> Result<Contacts> {
    let items = store::contacts(cx.tx, user)?;
    let names = store::all(cx.tx)?;
    let line = |one: &Contact| {
        let name = match one.channel {
            None => "mail".to_owned(),
            Some(id) => names
                .iter()
                .find(|channel| channel.id == id)
                .map_or_else(|| id.to_string(), |channel| channel.name.clone()),
        };
        let mut line = if one.address.is_empty() { name } else { format!("{name}: {}", one.address) };
        if !one.severity.is_empty() || !one.hours.is_empty() {
            line.push_str(&format!(" | {}", one.severity));
        }
        if !one.hours.is_empty() {
            line.push_str(&format!(" | {}", one.hours));
        }
        line
    };
    let lines: Vec<String> = items.iter().map(line).collect();
    Ok(Contacts { lines: lines.join("\n"), items })
}

/// Show by which channels you are told of alerts, or another person is.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListContacts {
    /// Whose; your own when left out. For somebody else's you need the grant for this operation.
    pub user: Option<i64>,
}

impl Operation for ListContacts {
    const NAME: &'static str = "paging.contact.list";
    const ROUTE: Route = get("/paging/contacts");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Contacts;

    fn run(&self, cx: &mut Cx) -> Result<Contacts> {
        let user = whose(cx, self.user, Self::NAME)?;
        told(cx, user)
    }
}

/// Save by which channels you are told of alerts. The list replaces the one before; the first way that fits is used, and when it
/// fails the next.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SaveContacts {
    /// Whose; your own when left out. For somebody else's you need the grant for this operation.
    pub user: Option<i64>,
    /// The ways, in order.
    pub items: Vec<Contact>,
    /// The ways as lines instead: a channel's name or `mail`, an address, and after bars a severity and hours. For example
    /// `sms: +47 900 00 000 | critical | sat-sun`.
    pub lines: String,
}

impl Operation for SaveContacts {
    const NAME: &'static str = "paging.contact.save";
    const ROUTE: Route = put("/paging/contacts");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Contacts;

    fn run(&self, cx: &mut Cx) -> Result<Contacts> {
        let user = whose(cx, self.user, Self::NAME)?;
        if !people::user_active(cx.tx, user)? {
            return Err(Error::not_found(Ref::new("user", user)));
        }
        let channels = store::all(cx.tx)?;
        let items = if self.lines.trim().is_empty() { self.items.clone() } else { of_lines(&self.lines, &channels)? };
        if items.len() > CONTACTS_MAX {
            return Err(Error::over_limit(format!("A person has at most {CONTACTS_MAX} ways.")).at("items"));
        }
        for one in &items {
            check(one, &channels)?;
        }
        let before = store::contacts(cx.tx, user)?;
        store::set_contacts(cx.tx, user, &items)?;
        cx.changed(&Ref::new("user", user), "contacts", before, items)?;
        told(cx, user)
    }
}

fn of_lines(lines: &str, channels: &[Channel]) -> Result<Vec<Contact>> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.split('|').map(str::trim);
            let way = parts.next().unwrap_or_default();
            let (name, address) =
                way.split_once(':').map_or((way, ""), |(name, address)| (name.trim(), address.trim()));
            let channel = match channels.iter().find(|one| one.name == name) {
                Some(channel) => Some(channel.id),
                None if name == "mail" => None,
                None => {
                    let shown = kernel::text::shorten(name, 60);
                    return Err(Error::invalid(
                        "lines",
                        format!("There is no channel \"{shown}\". Write mail, or a channel's name."),
                    ));
                }
            };
            let severity = parts.next().unwrap_or_default().to_lowercase();
            let hours = parts.next().unwrap_or_default().to_owned();
            Ok(Contact { channel, address: address.to_owned(), severity, hours })
        })
        .collect()
}

fn check(one: &Contact, channels: &[Channel]) -> Result<()> {
    if !["", "critical", "warning"].contains(&one.severity.as_str()) {
        return Err(Error::invalid("severity", "Write critical or warning, or leave it empty for both."));
    }
    one.hours.parse::<Hours>()?;
    let Some(id) = one.channel else {
        let own = "Mail goes to your own address. Leave the address empty, or use a channel of mail.";
        return if one.address.is_empty() { Ok(()) } else { Err(Error::invalid("address", own)) };
    };
    let channel = channels.iter().find(|channel| channel.id == id);
    let channel = channel.ok_or_else(|| Error::invalid("channel", format!("There is no channel {id}.")))?;
    if one.address.is_empty() && channel.config.address.is_empty() && !matches!(channel.kind, Kind::Slack | Kind::Teams)
    {
        return Err(Error::invalid(
            "address",
            format!("Say where {} reaches them: a number, a topic, a room.", channel.name),
        ));
    }
    address(channel.kind, &one.address)
}

/// Refuses an address that does not fit the kind of channel; empty is allowed.
pub(crate) fn address(kind: Kind, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let fits = |ok: bool, help: &str| if ok { Ok(()) } else { Err(Error::invalid("address", help.to_owned())) };
    match kind {
        Kind::Mail => crate::settings::mail_address("address", text),
        Kind::Webhook => kernel::text::slug("address", text, 40).map(drop),
        Kind::Sms => fits(
            text.len() <= 32
                && text.chars().all(|c| c.is_ascii_digit() || "+ -()".contains(c))
                && text.chars().any(|c| c.is_ascii_digit()),
            "A telephone number has digits, spaces and a +.",
        ),
        Kind::Ntfy => fits(
            text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
            "A topic has at most 64 letters, digits, dashes and underscores.",
        ),
        Kind::Matrix => fits(
            text.len() <= 255 && text.starts_with('!') && !text.chars().any(|c| c.is_whitespace() || c.is_control()),
            "A room is written by its id, as in !abc:example.org.",
        ),
        Kind::Slack | Kind::Teams => fits(false, "Chats have no further address: leave it empty."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_read_from_lines_and_addresses_fit_their_kind() {
        let sms = Channel { id: 4, name: "sms".into(), kind: Kind::Sms, ..Channel::default() };
        let all = of_lines("mail\nsms: +47 900 | critical | sat-sun", &[sms]).unwrap();
        assert_eq!(all[0], Contact::default());
        assert_eq!(
            (all[1].channel, all[1].address.as_str(), all[1].severity.as_str()),
            (Some(4), "+47 900", "critical")
        );
        assert!(of_lines("pigeon", &[]).is_err());
        for (kind, good, bad) in [
            (Kind::Sms, "+47 900-00", "call me"),
            (Kind::Ntfy, "ops_1", "a/b"),
            (Kind::Matrix, "!x:example.org", "#x:example.org"),
            (Kind::Mail, "a@example.org", "a"),
        ] {
            assert!(address(kind, good).is_ok() && address(kind, bad).is_err(), "{kind:?}");
        }
    }
}
