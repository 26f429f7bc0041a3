//! The filter of tickets: from text to a plan of numbers that the store can merge ranges for.
//!
//! Fields: `status`, `priority`, `kind`, `team`, `owner`, `requester`, `asset`, `is`, and words. Values separated by commas
//! are alternatives; terms must all hold; `-` in front turns one around where that makes sense.

use kernel::{Cx, Error, Result};
use people::filter::{Relation, Term};
use serde::{Deserialize, Serialize};

use crate::directory;
use crate::ticket::{Kind, Priority, Status, stage};

/// What the error about an unknown field lists.
const KNOWN: &str = "status:, priority:, kind:, team:, owner:, requester:, asset:, is:open and is:resolved";

/// Somebody in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Whoever asks.
    Me,
    /// This user.
    User(i64),
}

impl Who {
    /// The number; -1 for an actor who is no user, which owns nothing.
    pub(crate) fn id(self, me: Option<i64>) -> i64 {
        match self {
            Self::Me => me.unwrap_or(-1),
            Self::User(id) => id,
        }
    }
}

/// A filter with its names looked up. Empty lists of `teams`, `assets` and `words` mean "any".
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Plan {
    /// Stages that pass; see [`stage`].
    pub(crate) stages: Vec<i64>,
    /// Priorities that pass, as codes.
    pub(crate) priorities: Vec<i64>,
    /// Kinds that pass, as codes.
    pub(crate) kinds: Vec<i64>,
    pub(crate) teams: Vec<i64>,
    pub(crate) not_teams: Vec<i64>,
    pub(crate) owner: Option<Who>,
    pub(crate) not_owner: Option<Who>,
    pub(crate) requester: Option<Who>,
    pub(crate) assets: Vec<i64>,
    pub(crate) words: Vec<String>,
}

/// How many stages there are.
const STAGES: i64 = 10;

impl Default for Plan {
    fn default() -> Self {
        Self {
            stages: (0..STAGES).collect(),
            priorities: Priority::ALL.iter().map(|one| one.code()).collect(),
            kinds: Kind::ALL.iter().map(|one| one.code()).collect(),
            teams: Vec::new(),
            not_teams: Vec::new(),
            owner: None,
            not_owner: None,
            requester: None,
            assets: Vec::new(),
            words: Vec::new(),
        }
    }
}

impl Plan {
    /// Whether any priority passes.
    pub(crate) fn any_priority(&self) -> bool {
        self.priorities.len() == Priority::ALL.len()
    }

    /// Whether any kind passes.
    pub(crate) fn any_kind(&self) -> bool {
        self.kinds.len() == Kind::ALL.len()
    }

    /// Whether any stage passes.
    pub(crate) fn any_stage(&self) -> bool {
        self.stages.len() == 10
    }

    fn keep_stages(&mut self, negated: bool, keep: impl Fn(i64) -> bool) {
        self.stages.retain(|stage| keep(*stage) != negated);
    }

    fn status(&mut self, term: &Term) -> Result<()> {
        let wanted: Vec<Status> = each(term, Status::parse, Status::ALL.iter().map(|one| one.word()))?;
        self.keep_stages(term.negated, |one| {
            wanted.iter().any(|status| one == stage(*status, false) || one == stage(*status, true))
        });
        Ok(())
    }

    fn is(&mut self, term: &Term) -> Result<()> {
        let wanted: Vec<bool> = each(
            term,
            |word| match word {
                "open" => Some(true),
                "resolved" => Some(false),
                _ => None,
            },
            ["open", "resolved"].into_iter(),
        )?;
        let open = |one: i64| one < stage(Status::Resolved, false);
        self.keep_stages(term.negated, |one| wanted.contains(&open(one)));
        Ok(())
    }

    /// `owner:none` is a stage; a person is a range of their own.
    fn owner(&mut self, term: &Term, who: Option<Who>) -> Result<()> {
        let Some(who) = who else {
            self.keep_stages(term.negated, |one| one % 2 == 0);
            return Ok(());
        };
        if term.negated {
            self.not_owner = once(term, self.not_owner, who)?;
            return Ok(());
        }
        self.keep_stages(false, |one| one % 2 == 1);
        self.owner = once(term, self.owner, who)?;
        Ok(())
    }
}

fn once(term: &Term, present: Option<Who>, who: Who) -> Result<Option<Who>> {
    match present {
        Some(other) if other != who => Err(bad(term, "This field can only be one person. Leave one out.")),
        _ => Ok(Some(who)),
    }
}

fn bad(term: &Term, message: &str) -> Error {
    Error::invalid("filter", format!("At character {}: {message}", term.at))
}

fn each<'a, T>(
    term: &Term,
    read: impl Fn(&str) -> Option<T>,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<T>> {
    let one = |value: &String| {
        read(value).ok_or_else(|| {
            let known: Vec<&str> = known.clone().collect();
            bad(
                term,
                &format!(
                    "\"{}\" is no value of {}. Known: {}.",
                    kernel::text::shorten(value, 40),
                    term.field.as_deref().unwrap_or("this"),
                    known.join(", ")
                ),
            )
        })
    };
    term.values.iter().map(one).collect()
}

/// Keeps those of `present` that the term wants, or the others when it is negated.
fn narrow(present: &mut Vec<i64>, wanted: &[i64], negated: bool) {
    present.retain(|one| wanted.contains(one) != negated);
}

/// Reads a filter and looks up its names.
pub(crate) fn plan(cx: &mut Cx, text: &str) -> Result<Plan> {
    let filter = people::filter::Filter::parse(text)?;
    let mut plan = Plan::default();
    for term in filter.terms() {
        if term.relation != Relation::Is {
            return Err(term.unknown(KNOWN));
        }
        match term.field.as_deref() {
            None => word(&mut plan, term)?,
            Some("status") => plan.status(term)?,
            Some("is") => plan.is(term)?,
            Some("priority") => {
                let wanted = each(term, Priority::parse, Priority::ALL.iter().map(|one| one.word()))?;
                let codes: Vec<i64> = wanted.iter().map(|one| one.code()).collect();
                narrow(&mut plan.priorities, &codes, term.negated);
            }
            Some("kind") => {
                let wanted = each(term, Kind::parse, Kind::ALL.iter().map(|one| one.word()))?;
                let codes: Vec<i64> = wanted.iter().map(|one| one.code()).collect();
                narrow(&mut plan.kinds, &codes, term.negated);
            }
            Some("team") => teams(cx, &mut plan, term)?,
            Some("owner") => {
                let who = person(cx, term)?;
                plan.owner(term, who)?;
            }
            Some("requester") => match person(cx, term)? {
                Some(who) if !term.negated => plan.requester = once(term, plan.requester, who)?,
                _ => return Err(bad(term, "Name one person, as in requester:me or requester:sam.")),
            },
            Some("asset") => assets(cx, &mut plan, term)?,
            Some(_) => return Err(term.unknown(KNOWN)),
        }
    }
    Ok(plan)
}

fn word(plan: &mut Plan, term: &Term) -> Result<()> {
    if term.negated {
        return Err(bad(term, "Words can only be looked for, not excluded. Take the dash away."));
    }
    plan.words.push(term.value().to_owned());
    Ok(())
}

fn teams(cx: &mut Cx, plan: &mut Plan, term: &Term) -> Result<()> {
    let mut found = Vec::new();
    for value in &term.values {
        let team = if value == "none" { Some(0) } else { directory::team(cx, value)? };
        found.push(team.ok_or_else(|| {
            bad(term, &format!("There is no team \"{}\". Use its short name.", kernel::text::shorten(value, 40)))
        })?);
    }
    found.sort_unstable();
    found.dedup();
    if term.negated {
        plan.not_teams.extend(found);
    } else if plan.teams.is_empty() {
        plan.teams = found;
    } else {
        plan.teams.retain(|team| found.contains(team));
        if plan.teams.is_empty() {
            plan.stages.clear();
        }
    }
    Ok(())
}

fn person(cx: &mut Cx, term: &Term) -> Result<Option<Who>> {
    let [value] = term.values.as_slice() else {
        return Err(bad(term, "This field can only be one person. Leave one out."));
    };
    match value.as_str() {
        "me" => Ok(Some(Who::Me)),
        "none" => Ok(None),
        login => match directory::user(cx, login)? {
            Some(user) => Ok(Some(Who::User(user))),
            None => {
                Err(bad(term, &format!("There is nobody with the login \"{}\".", kernel::text::shorten(login, 60))))
            }
        },
    }
}

fn assets(cx: &mut Cx, plan: &mut Plan, term: &Term) -> Result<()> {
    if term.negated || !plan.assets.is_empty() {
        return Err(bad(term, "Name the things in one term, as in asset:LT-2291,sw-core-01."));
    }
    for value in &term.values {
        plan.assets.extend(directory::assets(cx, value)?);
    }
    if plan.assets.is_empty() {
        return Err(bad(term, &format!("There is no thing \"{}\".", kernel::text::shorten(term.value(), 60))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use people::filter::Filter;

    fn only(text: &str) -> Term {
        Filter::parse(text).unwrap().terms().first().unwrap().clone()
    }

    #[test]
    fn statuses_are_sets_of_stages_and_a_dash_turns_them_around() {
        let mut plan = Plan::default();
        plan.status(&only("status:new,waiting")).unwrap();
        assert_eq!(plan.stages, [0, 1, 4, 5]);
        plan.owner(&only("owner:none"), None).unwrap();
        assert_eq!(plan.stages, [0, 4]);
        let mut plan = Plan::default();
        plan.is(&only("-is:open")).unwrap();
        assert_eq!(plan.stages, [6, 7, 8, 9]);
        plan.status(&only("-status:closed")).unwrap();
        assert_eq!(plan.stages, [6, 7]);
    }

    #[test]
    fn an_unknown_value_names_the_known_ones_and_the_place() {
        let error = Plan::default().status(&only("status:done")).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("filter"));
        assert!(error.message.contains("At character 1") && error.message.contains("in_progress"), "{}", error.message);
    }

    #[test]
    fn two_owners_are_refused_and_one_owner_needs_an_owned_stage() {
        let mut plan = Plan::default();
        plan.owner(&only("owner:me"), Some(Who::Me)).unwrap();
        assert_eq!(plan.stages, [1, 3, 5, 7, 9]);
        assert!(plan.owner(&only("owner:sam"), Some(Who::User(4))).is_err());
    }

    #[test]
    fn a_plan_survives_being_stored() {
        let plan = Plan { owner: Some(Who::Me), teams: vec![3], ..Plan::default() };
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}
