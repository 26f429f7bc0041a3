//! Pages: one escalation an alert group and policy. Everything it does is a row with a reason; what is due is computed from rows,
//! so it goes on after a restart and comes through a clock that jumps.

use kernel::{Cx, Error, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{self, Message, Said};
use crate::route::{Chosen, Decision, Facts};

pub mod acknowledge;
mod begin;
pub mod explain;
pub mod list;
pub mod outcome;
pub(crate) mod own;
pub(crate) mod reactions;
pub(crate) mod reopened;
pub(crate) mod run;
pub(crate) mod store;

/// Where an escalation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// A mute time holds it back.
    Muted,
    /// Steps are taken until somebody acknowledges.
    #[default]
    Active,
    /// Somebody is on it.
    Acknowledged,
    /// Every step was taken, and nobody acknowledged.
    Spent,
    /// The alert group is over.
    Ended,
}

impl PageState {
    /// Every state.
    pub(crate) const ALL: [Self; 5] = [Self::Muted, Self::Active, Self::Acknowledged, Self::Spent, Self::Ended];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Muted => "muted",
            Self::Active => "active",
            Self::Acknowledged => "acknowledged",
            Self::Spent => "spent",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// An escalation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Its number.
    pub id: i64,
    /// The alert group.
    pub group: i64,
    /// The policy; 0 is the default policy.
    pub policy: i64,
    /// The routes that led to it, by name.
    pub route: String,
    /// Where it is.
    pub state: PageState,
    /// The step that comes next, from 1.
    pub step: i64,
    /// The round, from 1.
    pub round: i64,
    /// How many messages it has written; at least 1 when it names only people whom the group's other messages told already.
    pub told: i64,
    /// When the next step is due; null when none is.
    pub due_at: Option<Time>,
    /// `critical` or `warning`; of one for the whole group, as it was told or taken on last.
    pub severity: String,
    /// When it began.
    pub opened_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    #[serde(skip)]
    pub(crate) wait_us: i64,
    #[serde(skip)]
    pub(crate) team: Option<i64>,
    #[serde(skip)]
    pub(crate) place: Option<i64>,
    /// The round with which its steps began last.
    #[serde(skip)]
    pub(crate) first_round: i64,
    /// The alert of the group that it is for, when it was not begun for the whole group.
    pub own: String,
    /// The team of that alert, when it is another one than the group's and the policy tells the alert's own team; -1 when it calls
    /// those whom the group called for less, or whom a mute time keeps from being called for the group; else 0.
    #[serde(skip)]
    pub(crate) own_team: i64,
    /// The check of that alert; 0 when it is not known.
    #[serde(skip)]
    pub(crate) check: i64,
    /// Who said last that they are on it; empty when nobody did.
    pub acknowledged_by: String,
    /// When they said so.
    #[serde(skip)]
    pub(crate) acknowledged_at: Option<Time>,
}

impl Page {
    /// Somebody is on it, also while a mute time holds it back.
    pub(crate) fn is_taken(&self) -> bool {
        self.state == PageState::Acknowledged || (self.state == PageState::Muted && !self.acknowledged_by.is_empty())
    }

    /// Nobody is on it, and it is not over.
    pub(crate) fn calls(&self) -> bool {
        self.state != PageState::Ended && !self.is_taken()
    }

    /// One for the whole group matters from now on as much as that.
    fn as_severe_as(&mut self, group: &Told) {
        if self.own.is_empty() {
            self.severity.clone_from(&group.facts.severity);
        }
    }
}

/// An alert of a group that is told for itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Own {
    /// Its check; 0 when it is not known.
    pub(crate) check: i64,
    /// One line in plain words.
    pub(crate) title: String,
    pub(crate) facts: Facts,
    /// What was seen.
    pub(crate) lines: Vec<String>,
    /// Where the routes led when it was kept, by the clock of that moment.
    pub(crate) chosen: Vec<Chosen>,
}

/// What is kept of an alert group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) group: i64,
    /// The group whose recovery is this one's: itself, or the one it was merged into.
    pub(crate) root: i64,
    pub(crate) title: String,
    pub(crate) facts: Facts,
    pub(crate) lines: Vec<String>,
    pub(crate) trace: Decision,
    pub(crate) silenced: bool,
    pub(crate) opened_at: Time,
    pub(crate) ended_at: Option<Time>,
    pub(crate) acknowledged_by: String,
    pub(crate) acknowledged_at: Option<Time>,
    /// When it was back last, after it was over for those who were told of it.
    pub(crate) again_at: Option<Time>,
    /// Alerts of it that are told for themselves, besides the one that opened it.
    pub(crate) own: Vec<Own>,
}

impl Told {
    /// The alert that an escalation is for, when it is not for the whole group.
    pub(crate) fn own(&self, page: &Page) -> Option<&Own> {
        if page.own.is_empty() {
            return None;
        }
        let facts = |own: &Own| own.facts.severity == page.severity && own.facts.team == page.team;
        self.own.iter().find(|own| own.title == page.own && own.check == page.check && facts(own))
    }
}

/// Something an escalation did, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noted {
    /// When.
    pub at: Time,
    /// The step it belongs to, from 1; 0 for the whole.
    pub step: i64,
    /// The round, from 1.
    pub round: i64,
    /// What, in plain words.
    pub line: String,
    #[serde(skip)]
    pub(crate) users: Vec<i64>,
}

/// How an escalation stands, for the page behind a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) ended: bool,
    pub(crate) acknowledged_by: Option<String>,
}

/// How an escalation stands, whoever asks.
pub(crate) fn standing(cx: &mut Cx, page: i64) -> Result<Standing> {
    let gone = || Error::not_found("This link");
    let page = store::get(cx.tx, page)?.ok_or_else(gone)?;
    let group = store::group(cx.tx, page.group)?.ok_or_else(gone)?;
    // Somebody may be on the group, and nobody yet on the alert of it that the link is about.
    let by = if page.acknowledged_by.is_empty() { &group.acknowledged_by } else { &page.acknowledged_by };
    let by = Some(by.clone()).filter(|by| !by.is_empty() && !page.calls());
    let ended = group.ended_at.is_some();
    if page.own.is_empty() {
        return Ok(Standing { title: group.title, lines: group.lines, ended, acknowledged_by: by });
    }
    Ok(Standing { lines: own::lines(&group, &page), title: page.own, ended, acknowledged_by: by })
}

/// Writes down what happened to a message of an escalation.
pub(crate) fn note(cx: &mut Cx, said: &Said, line: &str, users: &[i64]) -> Result<()> {
    if said.page == 0 {
        return Ok(());
    }
    let noted = Noted { at: cx.now, step: said.step, round: said.round, line: line.to_owned(), users: users.to_vec() };
    store::note(cx.tx, said.page, said.group, &noted)
}

/// A message was taken: whoever heard of an alert group that is over by now hears of its end as well.
pub(crate) fn told(cx: &mut Cx, message: &Message) -> Result<()> {
    let Some(group) = message.group.filter(|_| message.what == "page") else { return Ok(()) };
    let Some(known) = store::group(cx.tx, group)? else { return Ok(()) };
    let root = if known.root == group { Some(known) } else { store::group(cx.tx, known.root)? };
    match root.filter(|root| root.ended_at.is_some()) {
        Some(root) => {
            let to = message.recipient();
            let said = Said { what: crate::channel::payload::What::Recovery, ..run::about(&root) };
            let said = Said {
                subject: format!("Recovered: {}", root.title),
                lines: vec!["It is over by now.".into()],
                ..said
            };
            message::queue(cx, &said, &to, &recovery_key(&root, &to)).map(drop)
        }
        None => Ok(()),
    }
}

/// One recovery a recipient of an alert group, each time that it is over.
pub(crate) fn recovery_key(group: &Told, to: &message::Recipient) -> String {
    let time = group.again_at.map_or_else(String::new, |at| format!("/{}", at.0));
    format!("recovery/{}{time}/{}/{}", group.group, to.lane, to.address)
}

/// The reference of an alert group.
pub(crate) const fn group_ref(id: i64) -> Ref {
    Ref::new("alert_group", id)
}

/// Refuses an alert group that the actor may not see.
pub(crate) fn seen(cx: &mut Cx, group: i64) -> Result<()> {
    let subject = group_ref(group);
    let known = cx.kernel.registry().noun("alert_group").is_none()
        || cx.resolve(std::slice::from_ref(&subject))?.contains_key(&subject);
    if known { Ok(()) } else { Err(Error::not_found(format!("The alert group {group}"))) }
}
