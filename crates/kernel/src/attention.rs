//! "Needs you now": one ranked list that every domain keeps up to date in its own transactions.

use crate::cx::Cx;
use crate::error::Result;
use crate::event::Mark;
use crate::reference::{LiveList, Ref};
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
            team: None,
            user: None,
        }
    }
}

impl Cx<'_, '_> {
    /// Puts something on the list, or updates it there.
    pub fn needs_attention(&mut self, attention: &Attention) -> Result<()> {
        self.touch(LiveList::Needs.reference());
        store::put(self.tx, attention)
    }

    /// Takes something off the list.
    pub fn attention_done(&mut self, subject: &Ref, need: &str) -> Result<()> {
        self.touch(LiveList::Needs.reference());
        store::delete(self.tx, subject, need)
    }

    /// The list for this actor, as far as their grants reach, most pressing first: weight, plus age (a point an hour up to
    /// 48), plus 100 when it is the actor's own and 50 when it is their team's.
    pub fn attention(&mut self, limit: usize) -> Result<Vec<Need>> {
        let seen = self.seen()?;
        let mut needs = store::list(self.tx, &seen, limit)?;
        for need in &mut needs {
            let own = seen.own_points(need);
            let hours = need.score - need.weight - own;
            let whose = match own {
                100 => ", 100 because it is yours",
                50 => ", 50 because it is your team's",
                _ => "",
            };
            need.reason =
                format!("{}: {} for what it is, {hours} for its age in hours{whose}", need.score, need.weight);
        }
        Ok(needs)
    }

    /// How many entries the list has for this actor, counted up to a limit.
    pub fn attention_count(&mut self, limit: usize) -> Result<usize> {
        let seen = self.seen()?;
        store::count(self.tx, &seen, limit)
    }

    /// What this actor sees of the list. To be in a team is not enough: the grant must reach the team's things.
    fn seen(&mut self) -> Result<Seen> {
        let grants = store::grants(self.tx)?;
        let reached = grants.into_iter().filter_map(|grant| Some((self.actor.reach(&grant, self.now)?, grant)));
        Ok(Seen {
            grants: reached.map(|(reach, grant)| (grant, (!reach.everything).then_some(reach.teams))).collect(),
            user: self.actor.user(),
            teams: self.actor.teams.clone(),
            now: self.now,
        })
    }
}

/// For whom a list is made.
pub(crate) struct Seen {
    /// Operations of which the actor holds a grant, with the teams it is bound to; `None` for everything.
    grants: Vec<(String, Option<Vec<i64>>)>,
    user: Option<i64>,
    teams: Vec<i64>,
    now: Time,
}

impl Seen {
    /// The points for whose it is; the statement gives the same.
    fn own_points(&self, need: &Need) -> i64 {
        if need.user.is_some() && need.user == self.user {
            100
        } else if need.team.is_some_and(|team| self.teams.contains(&team)) {
            50
        } else {
            0
        }
    }
}
