//! Why somebody was, or was not, told of an alert group: from what was written down when it happened.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Noted, PageState, Told, seen, store};
use crate::message::{Attempt, Message, MessageState, store as messages};
use crate::policy;
use crate::route::NO_ROUTE;

/// Explain why a person was, or was not, told of an alert group.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ExplainPage {
    /// The alert group.
    #[schemars(extend("x-kind" = "alert_group"))]
    pub group: i64,
    /// The person; yourself when left out.
    #[schemars(extend("x-kind" = "user"))]
    pub person: Option<i64>,
}

/// One step of the explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    /// When, if it happened at a moment.
    pub at: Option<kernel::Time>,
    /// It speaks for the message, against it, or neither.
    pub ok: Option<bool>,
    /// What, in plain words.
    pub line: String,
}

/// Why somebody was, or was not, told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// They were told: a message was taken.
    pub told: bool,
    /// The answer in one sentence.
    pub answer: String,
    /// How it came about, in order.
    pub steps: Vec<Because>,
}

fn said(line: impl Into<String>, ok: Option<bool>) -> Because {
    Because { at: None, ok, line: line.into() }
}

impl Operation for ExplainPage {
    const NAME: &'static str = "paging.page.explain";
    const ROUTE: Route = get("/paging/groups/{group}/explain");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Explained;

    fn run(&self, cx: &mut Cx) -> Result<Explained> {
        cx.reach(Self::NAME)?;
        seen(cx, self.group)?;
        let person = match self.person.or(cx.actor.user()) {
            Some(person) => person,
            None => return Err(Error::invalid("person", "Say whom it is about, by number.")),
        };
        let name = people::names(cx.tx, "user", &[person])?.remove(&person);
        let name = name.ok_or_else(|| Error::invalid("person", format!("There is no user {person}.")))?;
        let Some(group) = store::group(cx.tx, self.group)? else {
            let answer = "Monitoring has not told of this alert group, so nobody was told.".to_owned();
            return Ok(Explained { answer, ..Explained::default() });
        };
        let notes = store::notes(cx.tx, self.group)?;
        let everything = kernel::Reach { everything: true, ..kernel::Reach::default() };
        let filter = messages::Filter { group: Some(self.group), user: Some(person), ..messages::Filter::default() };
        let mut sent = messages::page(cx.tx, &filter, &everything, i64::MAX, 100)?;
        sent.reverse();
        let mut steps = routing(&group);
        let back = |at| Because { at: Some(at), ok: None, line: "It was over, and is back since then.".into() };
        steps.extend(group.again_at.map(back));
        for page in store::of_group(cx.tx, self.group)? {
            let policy = policy::load(cx, page.policy)?.name;
            let of = if page.own.is_empty() { String::new() } else { format!("For its alert \"{}\": ", page.own) };
            steps.push(said(format!("{of}{}", leads(&page.route, &policy)), Some(true)));
            if page.state == PageState::Muted {
                steps.push(said("A mute time of the route holds it back.", Some(false)));
            }
        }
        steps.extend(about(&notes, person));
        let ids: Vec<i64> = sent.iter().map(|message| message.id).collect();
        let mut tries = messages::attempts_of(cx.tx, &ids)?;
        for message in &sent {
            steps.push(delivery(message));
            steps.extend(tries.remove(&message.id).unwrap_or_default().into_iter().map(attempt));
        }
        let told = sent.iter().any(|one| one.what == "page" && one.state == MessageState::Sent);
        Ok(Explained { told, answer: answer(&name, &group, &notes, &sent, person, told), steps })
    }
}

/// Which policy was taken, and why.
fn leads(route: &str, policy: &str) -> String {
    match route {
        "" | NO_ROUTE => format!("No route fits, so the policy \"{policy}\" is taken."),
        route => format!("Route {route} leads to the policy \"{policy}\"."),
    }
}

/// How it was routed.
fn routing(group: &Told) -> Vec<Because> {
    if group.silenced {
        return vec![said("A silence covered the alert group, so it was not routed.", Some(false))];
    }
    let visits = group.trace.visits.iter();
    visits.map(|visit| said(format!("Route {}: {}", visit.name, visit.why), Some(visit.fits))).collect()
}

/// What was done that concerns a person, or everybody.
fn about(notes: &[Noted], person: i64) -> Vec<Because> {
    let concerns = notes.iter().filter(|one| one.users.is_empty() || one.users.contains(&person));
    concerns.map(|one| Because { at: Some(one.at), ok: None, line: one.line.clone() }).collect()
}

/// One try with what the other side said to it.
fn attempt(one: Attempt) -> Because {
    let answer = if one.answer.is_empty() { "nothing".to_owned() } else { one.answer };
    Because { at: Some(one.at), ok: Some(one.ok), line: format!("Try {}: the other side said: {answer}", one.attempt) }
}

fn delivery(message: &Message) -> Because {
    let (ok, word) = match message.state {
        MessageState::Sent => (Some(true), "was taken"),
        MessageState::Failed => (Some(false), "could not be delivered"),
        MessageState::Stopped => (Some(false), "was stopped before it left"),
        MessageState::Waiting => (None, "is on its way"),
    };
    let tries = match (message.attempts, message.answer.as_str()) {
        (0, "") => String::new(),
        (0, why) => format!(": {why}"),
        (1, _) => " after 1 try.".to_owned(),
        (many, _) => format!(" after {many} tries."),
    };
    let line = format!("\"{}\" to {} {word}{tries}", message.subject, message.to);
    Because { at: Some(message.sent_at.unwrap_or(message.at)), ok, line }
}

fn answer(name: &str, group: &Told, notes: &[Noted], sent: &[Message], person: i64, told: bool) -> String {
    if told {
        return format!("{name} was told.");
    }
    if group.silenced {
        return format!("{name} was not told: a silence covered the alert group.");
    }
    match sent.iter().find(|one| one.what == "page") {
        Some(one) if one.state == MessageState::Failed => {
            format!("{name} was to be told, but {} failed: {}", one.to, one.answer)
        }
        Some(one) if one.state == MessageState::Stopped => {
            format!("{name} was to be told, but it was over before the message left.")
        }
        Some(_) => format!("{name} is being told."),
        None if notes.iter().any(|one| one.users.contains(&person)) => {
            format!("{name} was meant by a step, but no way reaches them.")
        }
        None if !group.acknowledged_by.is_empty() => {
            format!("{name} was not told: {} acknowledged before a step that names them.", group.acknowledged_by)
        }
        None => format!("{name} was not told: no step that was taken names them."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_about_the_policy_is_one_with_and_without_a_route() {
        assert_eq!(leads(NO_ROUTE, "Default"), "No route fits, so the policy \"Default\" is taken.");
        assert_eq!(leads("Oslo", "Infra"), "Route Oslo leads to the policy \"Infra\".");
    }
}
