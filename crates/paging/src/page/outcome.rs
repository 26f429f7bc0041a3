//! What became of telling people of an alert group: from the messages and their answers, never from what was meant.

use std::collections::BTreeSet;

use kernel::{Access, Cx, Effect, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Page, PageState, Told, seen, store};
use crate::message::{Message, MessageState, store as messages};

/// Messages that are looked at and shown; those that were taken come first.
const MESSAGES_MAX: usize = 100;
/// Recipients that a sentence names.
const NAMED_MAX: usize = 5;

/// Say who was told of an alert group, by what, and what came in between.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct WhoWasTold {
    /// The alert group.
    #[schemars(extend("x-kind" = "alert_group"))]
    pub group: i64,
}

/// What became of telling people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// Monitoring has not told of the alert group.
    #[default]
    Unknown,
    /// A silence covers it.
    Covered,
    /// A mute time holds it back.
    Muted,
    /// A step comes later.
    Waiting,
    /// Messages are on their way, and none was taken yet.
    Sending,
    /// At least one message was taken.
    Told,
    /// No message was taken.
    Failed,
    /// It was over or taken on before a message left.
    Stopped,
    /// Nobody could be told: no step reaches anybody.
    Nobody,
}

/// Who was told of an alert group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// What became of it.
    pub state: Became,
    /// The same in words.
    pub answer: String,
    /// Who was told that it is over, in words; empty while it lasts.
    pub over: String,
    /// The messages since it opened or was back last, oldest first; at most 100.
    pub messages: Vec<Message>,
}

impl Operation for WhoWasTold {
    const NAME: &'static str = "paging.page.told";
    const ROUTE: Route = get("/paging/groups/{group}/told");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Outcome;

    fn run(&self, cx: &mut Cx) -> Result<Outcome> {
        cx.reach(Self::NAME)?;
        seen(cx, self.group)?;
        let group = store::group(cx.tx, self.group)?;
        let pages = store::of_group(cx.tx, self.group)?;
        let root = group.as_ref().map_or(self.group, |group| group.root);
        let all = messages::of_groups(cx.tx, &[self.group, root], MESSAGES_MAX)?;
        let of = |what: &str| all.iter().filter(|one| one.what == what).collect::<Vec<&Message>>();
        let (state, answer) = began(group.as_ref(), &pages, &of("page"));
        let over = ended(state, &of("recovery"));
        Ok(Outcome { state, answer, over, messages: all })
    }
}

/// The messages by what became of them, each recipient once: whoever got one is not among those who did not.
#[derive(Default)]
struct Sorted {
    took: Vec<String>,
    failed: Vec<String>,
    waits: Vec<String>,
    tried: Vec<String>,
    stopped: usize,
}

fn sorted(sent: &[&Message]) -> Sorted {
    let is = |state| sent.iter().filter(move |one| one.state == state);
    let reached: BTreeSet<String> = is(MessageState::Sent).map(|one| one.recipient().key()).collect();
    let left = |state| is(state).filter(|one| !reached.contains(&one.recipient().key()));
    let why = |one: &Message| match one.answer.trim().trim_end_matches('.') {
        "" => one.to.clone(),
        answer => format!("{} ({answer})", one.to),
    };
    let (mut waits, mut tried) = (Vec::new(), Vec::new());
    for one in left(MessageState::Waiting) {
        if one.attempts == 0 { waits.push(one.to.clone()) } else { tried.push(why(one)) }
    }
    Sorted {
        took: is(MessageState::Sent).map(|one| one.to.clone()).collect(),
        failed: left(MessageState::Failed).map(|one| why(one)).collect(),
        waits,
        tried,
        stopped: left(MessageState::Stopped).count(),
    }
}

/// Recipients as one text, each once.
fn named(all: &[String]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for one in all {
        if !once.contains(&one.as_str()) {
            once.push(one);
        }
    }
    let more = once.len().saturating_sub(NAMED_MAX);
    once.truncate(NAMED_MAX);
    let text = once.join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

/// What became of telling that it began.
fn began(group: Option<&Told>, pages: &[Page], sent: &[&Message]) -> (Became, String) {
    let Some(group) = group else {
        return (Became::Unknown, "Nobody was told: on-call has not heard of this alert group.".into());
    };
    if !sent.is_empty() {
        return messages_say(&sorted(sent));
    }
    if group.silenced {
        return (Became::Covered, "Nobody was told: a silence covers the alert group.".into());
    }
    if !group.acknowledged_by.is_empty() && !pages.iter().any(Page::calls) {
        let who = &group.acknowledged_by;
        return (Became::Stopped, format!("Nobody was told: {who} acknowledged it before a step told anybody."));
    }
    let next = |page: &Page| page.due_at.filter(|_| page.state == PageState::Active).map(|at| (page.step, at));
    if let Some((step, at)) = pages.iter().find_map(next) {
        return (Became::Waiting, format!("Nobody was told yet: step {step} comes at {}.", minute(at)));
    }
    if !pages.is_empty() && pages.iter().all(|page| page.state == PageState::Muted) {
        return (Became::Muted, "Nobody was told: a mute time of its route holds it back.".into());
    }
    if group.ended_at.is_some() && pages.iter().all(|page| page.told == 0 && page.step <= 1) {
        return (Became::Stopped, "Nobody was told: it was over before a step told anybody.".into());
    }
    let nobody = "Nobody could be told: neither its policy nor the default reaches anybody. Give people mail addresses or \
                  channels, or set paging.default.";
    (Became::Nobody, nobody.into())
}

fn messages_say(all: &Sorted) -> (Became, String) {
    let mut more = String::new();
    if !all.failed.is_empty() {
        more.push_str(&format!(" Not reached: {}.", named(&all.failed)));
    }
    if !all.tried.is_empty() {
        more.push_str(&format!(" Does not get through yet and is tried again: {}.", named(&all.tried)));
    }
    if !all.waits.is_empty() {
        more.push_str(&format!(" On its way: {}.", named(&all.waits)));
    }
    if !all.took.is_empty() {
        return (Became::Told, format!("Told: {}.{more}", named(&all.took)));
    }
    if !all.waits.is_empty() || !all.tried.is_empty() {
        return (Became::Sending, format!("Nobody was told yet.{more}"));
    }
    match all.failed.is_empty() {
        false => (Became::Failed, format!("Nobody could be told: {} failed.", named(&all.failed))),
        true => (Became::Stopped, "Nobody was told: it was over or taken on before a message left.".into()),
    }
}

/// What became of telling that it is over.
fn ended(began: Became, sent: &[&Message]) -> String {
    if sent.is_empty() {
        return String::new();
    }
    let all = sorted(sent);
    if !all.took.is_empty() {
        return format!("Told that it is over: {}.", named(&all.took));
    }
    let left: Vec<String> = [all.failed, all.tried, all.waits].concat();
    match left.is_empty() {
        false => format!("Nobody was told yet that it is over: {}.", named(&left)),
        true if began == Became::Told || all.stopped > 0 => "Nobody was told that it is over.".into(),
        true => String::new(),
    }
}

/// A moment to the minute.
fn minute(at: Time) -> String {
    at.timestamp().strftime("%F %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(user: i64, to: &str, state: MessageState, attempts: i64, answer: &str) -> Message {
        let user = Some(user).filter(|user| *user > 0);
        Message {
            user,
            lane: to.into(),
            to: to.into(),
            state,
            attempts,
            answer: answer.into(),
            what: "page".into(),
            ..Message::default()
        }
    }

    #[test]
    fn the_answer_comes_from_the_messages_and_names_the_reason() {
        use MessageState::{Failed, Sent, Stopped, Waiting};
        let group = Told::default();
        let smtp = "No mail server is set. Set kernel.smtp.";
        for (all, state, text) in [
            (
                vec![sent(1, "Ada by mail", Failed, 1, smtp)],
                Became::Failed,
                "Nobody could be told: Ada by mail (No mail server is set. Set kernel.smtp) failed.",
            ),
            (
                vec![sent(1, "Ada by mail", Failed, 1, smtp), sent(1, "Ada by chat", Sent, 1, "200")],
                Became::Told,
                "Told: Ada by chat.",
            ),
            (
                vec![sent(0, "ops", Sent, 1, "200"), sent(2, "Bob by mail", Failed, 1, "550 no")],
                Became::Told,
                "Told: ops. Not reached: Bob by mail (550 no).",
            ),
            (vec![sent(0, "ops", Waiting, 0, "")], Became::Sending, "Nobody was told yet. On its way: ops."),
            (
                vec![sent(0, "ops", Waiting, 2, "503 said")],
                Became::Sending,
                "Nobody was told yet. Does not get through yet and is tried again: ops (503 said).",
            ),
            (
                vec![sent(0, "ops", Stopped, 0, "")],
                Became::Stopped,
                "Nobody was told: it was over or taken on before a message left.",
            ),
        ] {
            let all: Vec<&Message> = all.iter().collect();
            assert_eq!(began(Some(&group), &[], &all), (state, text.to_owned()));
        }
    }

    #[test]
    fn without_a_message_the_answer_says_what_stood_in_the_way() {
        let at = Some(kernel::world::START);
        let page = |state, step, due_at| Page { state, step, due_at, ..Page::default() };
        let covered = Told { silenced: true, ..Told::default() };
        let taken = Told { acknowledged_by: "Grace".into(), ..Told::default() };
        let plain = Told::default();
        for (group, pages, state, text) in [
            (None, vec![], Became::Unknown, "has not heard"),
            (Some(&covered), vec![], Became::Covered, "a silence covers"),
            (Some(&taken), vec![page(PageState::Acknowledged, 1, None)], Became::Stopped, "Grace acknowledged"),
            (Some(&plain), vec![page(PageState::Active, 2, at)], Became::Waiting, "step 2 comes at 2026-03-02"),
            (Some(&plain), vec![page(PageState::Muted, 1, at)], Became::Muted, "a mute time"),
            (Some(&plain), vec![page(PageState::Spent, 2, None)], Became::Nobody, "neither its policy nor the default"),
        ] {
            let (found, answer) = began(group, &pages, &[]);
            assert!(found == state && answer.contains(text), "{found:?} {answer}");
        }
    }

    #[test]
    fn the_end_is_told_or_not_by_its_own_messages() {
        let told = sent(1, "Ada by mail", MessageState::Sent, 1, "250");
        let failed = sent(1, "Ada by mail", MessageState::Failed, 1, "550 no");
        assert_eq!(ended(Became::Told, &[]), "");
        assert_eq!(ended(Became::Told, &[&told]), "Told that it is over: Ada by mail.");
        assert_eq!(ended(Became::Told, &[&failed]), "Nobody was told yet that it is over: Ada by mail (550 no).");
        let many: Vec<String> = (0..9).map(|n| format!("P{n}")).collect();
        assert_eq!(named(&many), "P0, P1, P2, P3, P4 and 4 more");
    }
}
