//! "Needs you now": one ranked list that every domain keeps up to date in its own transactions.

use crate::cx::Cx;
use crate::error::Result;
use crate::event::Mark;
use crate::reference::Ref;
use crate::time::Time;

pub(crate) mod store;

/// A reason to look at something.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// What needs it.
    pub subject: Ref,
    /// Which need, when one thing has several: `alert`, `approval`, `unassigned` ..
    pub need: &'static str,
    /// One line.
    pub title: String,
    /// Why it matters and what changed just before.
    pub why: String,
    /// How it looks.
    pub mark: Mark,
    /// The word beside the mark, for example `Down` or `Approve`.
    pub word: &'static str,
    /// 0 to 1000: how much it matters by itself; age is added when the list is made.
    pub weight: i64,
    /// Since when.
    pub since: Time,
    /// The one button.
    pub action: &'static str,
    /// Where the button leads.
    pub href: String,
    /// Whose it is: a team, a person, or everybody who may see it.
    pub team: Option<i64>,
    /// See `team`.
    pub user: Option<i64>,
    /// The operation whose grant lets somebody see it.
    pub grant: &'static str,
}

/// An entry of the list as one actor sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// What needs attention.
    pub subject: Ref,
    /// One line.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// How it looks.
    pub mark: String,
    /// The word beside the mark.
    pub word: String,
    /// Its weight without age.
    pub weight: i64,
    /// Since when.
    pub since: Time,
    /// The one button.
    pub action: String,
    /// Where the button leads.
    pub href: String,
    /// The score that orders the list, and how it came about.
    pub score: i64,
    /// The score in words.
    pub reason: String,
    pub(crate) grant: String,
    pub(crate) team: Option<i64>,
    pub(crate) user: Option<i64>,
}

impl Need {
    /// An example with a title, for the tests of pages.
    pub fn sample(title: &str) -> Self {
        Self {
            subject: Ref::new("ticket", 1),
            title: title.into(),
            why: "41 devices behind it".into(),
            mark: Mark::Critical.as_str().into(),
            word: "Down".into(),
            weight: 900,
            since: Time(1_772_438_400_000_000),
            action: "Open".into(),
            href: "/desk/tickets/1".into(),
            score: 901,
            reason: "901: 900 for what it is, 1 for its age in hours".into(),
            grant: "desk.ticket.list".into(),
            team: None,
            user: None,
        }
    }
}

impl Cx<'_, '_> {
    /// Puts something on the list, or updates it there.
    pub fn needs_attention(&mut self, attention: &Attention) -> Result<()> {
        self.touch(Ref::new("list", 1));
        store::put(self.tx, attention)
    }

    /// Takes something off the list.
    pub fn attention_done(&mut self, subject: &Ref, need: &str) -> Result<()> {
        self.touch(Ref::new("list", 1));
        store::delete(self.tx, subject, need)
    }

    /// The list for this actor, as far as their grants reach, most pressing first: weight, plus age (a point an hour up to 48), plus 100 when it is the actor's own
    /// and 50 when it is their team's.
    pub fn attention(&mut self, limit: usize) -> Result<Vec<Need>> {
        let mut needs = store::all(self.tx, 2_000)?;
        let (now, user, teams) = (self.now, self.actor.user(), &self.actor.teams);
        let mine = |need: &Need| need.user.is_some() && need.user == user;
        // To be in a team is not enough: the grant must reach the team's things.
        let reaches = |need: &Need| match self.actor.reach(&need.grant, now) {
            None => false,
            Some(reach) => reach.everything || mine(need) || need.team.is_some_and(|team| reach.teams.contains(&team)),
        };
        needs.retain(|need| {
            reaches(need) && (need.user.is_none() || mine(need) || need.user.is_some_and(|_| user.is_none()))
        });
        for need in &mut needs {
            let hours = (now.since(need.since) / crate::time::HOUR).clamp(0, 48);
            let own = if mine(need) {
                100
            } else if need.team.is_some_and(|team| teams.contains(&team)) {
                50
            } else {
                0
            };
            need.score = need.weight + hours + own;
            let whose = match own {
                100 => ", 100 because it is yours",
                50 => ", 50 because it is your team's",
                _ => "",
            };
            need.reason =
                format!("{}: {} for what it is, {hours} for its age in hours{whose}", need.score, need.weight);
        }
        needs.sort_by(|a, b| b.score.cmp(&a.score).then(a.since.cmp(&b.since)).then(a.subject.cmp(&b.subject)));
        needs.truncate(limit);
        Ok(needs)
    }
}
