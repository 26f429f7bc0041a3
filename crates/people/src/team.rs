//! Teams: groups of people that own work and things.

use kernel::{Event, Ref, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod store;

/// A team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    /// Its number.
    pub id: i64,
    /// `team:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The short name used in filters and on the command line.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it looks after.
    pub about: String,
    /// Since when it is known.
    pub created_at: Time,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl Team {
    /// The reference of a team.
    pub const fn subject(id: i64) -> Ref {
        Ref::new("team", id)
    }
}

/// Somebody's place in a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The user's number.
    pub user: i64,
    /// Their name.
    pub name: String,
    /// Leads the team.
    pub lead: bool,
    /// Since when.
    pub since: Time,
}

/// Somebody joined a team, or became or ceased to be its lead.
#[derive(Serialize)]
pub(crate) struct MemberAdded {
    pub(crate) team: Ref,
    pub(crate) team_name: String,
    pub(crate) user: Ref,
    pub(crate) user_name: String,
    pub(crate) lead: bool,
}

impl Event for MemberAdded {
    const NAME: &'static str = "people.team.member_added";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.team.clone(), self.user.clone()]
    }
    fn title(&self) -> String {
        let role = if self.lead { "leads" } else { "is in" };
        format!("{} {role} {}", self.user_name, self.team_name)
    }
    fn sample() -> Self {
        Self {
            team: Ref::new("team", 1),
            team_name: "Infrastructure".into(),
            user: Ref::new("user", 1),
            user_name: "Sam Reyes".into(),
            lead: false,
        }
    }
}

/// Somebody left a team.
#[derive(Serialize)]
pub(crate) struct MemberRemoved {
    pub(crate) team: Ref,
    pub(crate) team_name: String,
    pub(crate) user: Ref,
    pub(crate) user_name: String,
}

impl Event for MemberRemoved {
    const NAME: &'static str = "people.team.member_removed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.team.clone(), self.user.clone()]
    }
    fn title(&self) -> String {
        format!("{} left {}", self.user_name, self.team_name)
    }
    fn sample() -> Self {
        Self {
            team: Ref::new("team", 1),
            team_name: "Infrastructure".into(),
            user: Ref::new("user", 1),
            user_name: "Sam Reyes".into(),
        }
    }
}
