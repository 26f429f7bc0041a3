//! Who a target is at a moment: the same function for alerts and for previews.

use kernel::{Cx, Result};

use crate::channel::contact::{self, When};
use crate::channel::{lane, store};
use crate::message::Recipient;
use crate::policy::Target;
use crate::settings;

/// Who a target came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    /// Who gets a message, and how.
    pub(crate) recipients: Vec<Recipient>,
    /// The people meant, reachable or not.
    pub(crate) people: Vec<i64>,
    /// How it came about, and what stands in the way, in plain words.
    pub(crate) lines: Vec<String>,
}

impl Resolved {
    pub(crate) fn take(&mut self, other: Self) {
        for one in other.recipients {
            if !self.recipients.iter().any(|known| known.key() == one.key()) {
                self.recipients.push(one);
            }
        }
        self.people.extend(other.people);
        self.lines.extend(other.lines);
    }
}

/// Who a target is at a moment; `team` is the group's own.
pub(crate) fn resolve(cx: &mut Cx, target: Target, team: Option<i64>, when: When<'_>) -> Result<Resolved> {
    match target {
        Target::User(user) => persons(cx, &[user], when),
        Target::Team(team) => members(cx, team, when),
        Target::OwnTeam => own_team(cx, team, when),
        Target::Rota(rota) => by_rota(cx, rota, when),
        Target::Channel(id) => by_channel(cx, id),
        Target::Default => default(cx, team, when),
    }
}

fn by_rota(cx: &mut Cx, rota: i64, when: When<'_>) -> Result<Resolved> {
    let Some(duty) = people::rota::on_call(cx.tx, rota, when.at)? else {
        let lines = vec![format!("The rota {rota} is gone.")];
        return Ok(Resolved { lines, ..Resolved::default() });
    };
    if duty.who.is_empty() {
        let why = duty.gap.unwrap_or_else(|| "The rota leaves this time open.".into());
        let lines = vec![format!("Nobody is on call in {}: {why}", duty.name)];
        return Ok(Resolved { lines, ..Resolved::default() });
    }
    let users: Vec<i64> = duty.who.iter().map(|one| one.user).collect();
    let names: Vec<&str> = duty.who.iter().map(|one| one.name.as_str()).collect();
    let mut found =
        Resolved { lines: vec![format!("On call in {}: {}.", duty.name, names.join(", "))], ..Resolved::default() };
    found.take(persons(cx, &users, when)?);
    Ok(found)
}

fn members(cx: &mut Cx, team: i64, when: When<'_>) -> Result<Resolved> {
    let name = people::names(cx.tx, "team", &[team])?.remove(&team).unwrap_or_else(|| format!("team {team}"));
    let users = people::members(cx.tx, team)?;
    let said =
        if users.is_empty() { format!("{name} has no member who may sign in.") } else { format!("Team {name}.") };
    let mut found = Resolved { lines: vec![said], ..Resolved::default() };
    found.take(persons(cx, &users, when)?);
    Ok(found)
}

fn own_team(cx: &mut Cx, team: Option<i64>, when: When<'_>) -> Result<Resolved> {
    match team.map_or_else(|| people::default_team(cx.tx), |team| Ok(Some(team)))? {
        Some(team) => members(cx, team, when),
        None => Ok(Resolved { lines: vec!["There is no team.".into()], ..Resolved::default() }),
    }
}

fn persons(cx: &mut Cx, users: &[i64], when: When<'_>) -> Result<Resolved> {
    let names = people::names(cx.tx, "user", users)?;
    let mut found = Resolved { people: users.to_vec(), ..Resolved::default() };
    for user in users {
        let name = names.get(user).cloned().unwrap_or_else(|| format!("user:{user}"));
        if !people::user_active(cx.tx, *user)? {
            found.lines.push(format!("{name} can no longer sign in, so nothing is sent."));
            continue;
        }
        let reached = contact::reach(cx, *user, &name, when, 0)?;
        found.lines.extend(reached.lines);
        match reached.recipient {
            Some(one) => found.recipients.push(one),
            None => found.lines.push(format!("{name} cannot be reached by any way.")),
        }
    }
    Ok(found)
}

fn by_channel(cx: &mut Cx, id: i64) -> Result<Resolved> {
    let nobody = |line: String| Resolved { lines: vec![line], ..Resolved::default() };
    let Some(channel) = store::get(cx.tx, id)? else { return Ok(nobody(format!("The channel {id} is gone."))) };
    if !channel.enabled {
        return Ok(nobody(format!("The channel {} is switched off.", channel.name)));
    }
    let (lane, address) = lane::of(&channel);
    let one = Recipient { user: 0, lane, address, label: channel.name, contact: 0 };
    Ok(Resolved { recipients: vec![one], ..Resolved::default() })
}

/// Whom the setting names: the group's team, mail addresses, a webhook.
pub(crate) fn default(cx: &mut Cx, team: Option<i64>, when: When<'_>) -> Result<Resolved> {
    let setting = cx.setting::<settings::Default>()?;
    let mut found = if setting.team { own_team(cx, team, when)? } else { Resolved::default() };
    let mail = |address: &String| Recipient {
        user: 0,
        lane: lane::MAIL.into(),
        address: address.clone(),
        label: address.clone(),
        contact: 0,
    };
    let mut named = Resolved { recipients: setting.emails.iter().map(mail).collect(), ..Resolved::default() };
    if let Some(name) = setting.webhook.filter(|name| !name.is_empty()) {
        let (lane, label) = (format!("webhook:{name}"), format!("webhook {name}"));
        named.recipients.push(Recipient { user: 0, lane, address: name, label, contact: 0 });
    }
    found.take(named);
    Ok(found)
}
