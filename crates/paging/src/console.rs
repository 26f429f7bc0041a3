//! The pages of paging: on call now, routes, policies, channels, messages. Views over plain values, and thin functions that ask
//! the operations for them.

use kernel::Time;
use maud::{Markup, html};
use web::domain::{Group, Place};
use web::page::Page;
use web::ui::{Clock, Tab, Tabs, Tone};

use crate::channel::list::ListChannels;
use crate::message::MessageState;
use crate::message::list::ListMessages;
use crate::page::PageState;
use crate::page::list::ListPages;

mod channel;
mod channels;
mod messages;
mod on_call;
mod policies;
mod route;
mod routes;
mod targets;

pub(crate) fn all() -> Vec<Page> {
    vec![
        Page::console("/on-call", ListPages::OPERATION, on_call::page),
        Page::console("/on-call/ways", "", on_call::ways),
        Page::console("/on-call/routes", "paging.route.list", routes::page),
        Page::console("/on-call/routes/{id}", "paging.route.list", route::page),
        Page::console("/on-call/policies", "paging.policy.list", policies::page),
        Page::console("/on-call/policies/{id}", "paging.policy.show", policies::one),
        Page::console("/on-call/channels", ListChannels::OPERATION, channels::page),
        Page::console("/on-call/channels/{id}", ListChannels::OPERATION, channel::page),
        Page::console("/on-call/messages", ListMessages::OPERATION, messages::page),
        Page::console("/on-call/messages/{id}", "paging.message.show", messages::one),
    ]
}

pub(crate) fn nav() -> Vec<Place> {
    let (group, label, icon, href) = (Group::Respond, "On call", "phone", "/on-call");
    vec![Place { group, label, icon, href, grant: ListPages::OPERATION }]
}

/// The way between the pages of paging.
fn tabs(current: &str) -> Tabs {
    let tab = |label: &str, to: &str| Tab::new(label, to).current(current == to);
    Tabs::new(
        "Parts of on call",
        [
            tab("On call", "/on-call"),
            tab("Routes", "/on-call/routes"),
            tab("Policies", "/on-call/policies"),
            tab("Channels", "/on-call/channels"),
            tab("Messages", "/on-call/messages"),
        ],
    )
}

pub(crate) use messages::table as messages_table;

/// How an escalation looks.
pub(crate) fn page_looks(state: PageState) -> (Tone, &'static str) {
    match state {
        PageState::Muted => (Tone::Planned, "Muted"),
        PageState::Active => (Tone::Critical, "Calling"),
        PageState::Acknowledged => (Tone::Working, "Acknowledged"),
        PageState::Spent => (Tone::Warn, "All steps taken"),
        PageState::Ended => (Tone::Ok, "Over"),
    }
}

/// How a message looks.
pub(crate) fn message_looks(state: MessageState) -> (Tone, &'static str) {
    match state {
        MessageState::Waiting => (Tone::Working, "On its way"),
        MessageState::Sent => (Tone::Ok, "Taken"),
        MessageState::Failed => (Tone::Critical, "Failed"),
        MessageState::Stopped => (Tone::Idle, "Stopped"),
    }
}

fn ago(clock: &Clock, at: Option<Time>, never: &str) -> Markup {
    match at {
        Some(at) => clock.ago(at.timestamp()),
        None => html! { span.none { (never) } },
    }
}

/// A wait in words that a policy's lines understand.
fn wait(seconds: i64) -> String {
    match seconds {
        0 => "0".into(),
        one if one % 86_400 == 0 => format!("{}d", one / 86_400),
        one if one % 3_600 == 0 => format!("{}h", one / 3_600),
        one if one % 60 == 0 => format!("{}m", one / 60),
        one => format!("{one}s"),
    }
}

/// Texts that try to break pages, for tests.
#[cfg(test)]
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"' onload=x \u{202e}🙂 %00 javascript:alert(1)";

#[cfg(test)]
pub(crate) fn check(markup: &Markup, wanted: &[&str]) {
    assert!(!markup.0.contains("<script>alert"), "hostile text is escaped");
    assert!(!markup.0.contains(" style="), "no inline style");
    for text in wanted {
        assert!(markup.0.contains(text), "{text} in {}", markup.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_and_waits_are_written_as_they_are_read() {
        for state in PageState::ALL {
            assert!(!page_looks(state).1.is_empty() && PageState::parse(state.as_str()) == Some(state));
        }
        for state in MessageState::ALL {
            assert!(!message_looks(state).1.is_empty());
        }
        for seconds in [0, 90, 600, 7_200, 86_400] {
            assert_eq!(crate::policy::change::seconds(&wait(seconds)), Some(seconds));
        }
    }
}
