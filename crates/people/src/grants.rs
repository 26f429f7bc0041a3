//! Grants: a role given to a person or a team, with how far it reaches, a reason, who gave it and until when.

use kernel::{Event, Mark, Ref, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod give;
pub(crate) mod list;
pub(crate) mod reach;
pub(crate) mod revoke;
pub(crate) mod store;

/// How far a given role reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GrantScope {
    /// Everywhere.
    Everything,
    /// A place and all below it.
    Place,
    /// What belongs to a team.
    Team,
    /// Only what belongs to the person.
    Own,
}

impl GrantScope {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Place => "place",
            Self::Team => "team",
            Self::Own => "own",
        }
    }

    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "everything" => Self::Everything,
            "place" => Self::Place,
            "team" => Self::Team,
            // What is not known reaches least.
            _ => Self::Own,
        }
    }
}

/// A role that was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Given {
    /// Its number.
    pub id: i64,
    /// The role.
    pub role: String,
    /// The person who holds it.
    pub user: Option<i64>,
    /// The team whose members hold it.
    pub team: Option<i64>,
    /// How far it reaches.
    pub scope: GrantScope,
    /// The place of the scope.
    pub scope_place: Option<i64>,
    /// The team of the scope.
    pub scope_team: Option<i64>,
    /// Why it was given.
    pub reason: String,
    /// Who gave it.
    pub given_by: String,
    /// When.
    pub given_at: Time,
    /// Until when it counts.
    pub expires_at: Option<Time>,
    /// Since when it no longer counts.
    pub revoked_at: Option<Time>,
    /// Who took it back.
    pub revoked_by: String,
    /// Why it was taken back.
    pub revoke_reason: String,
}

impl Given {
    /// True while it counts.
    pub fn current(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Who holds it.
    pub(crate) fn holder(&self) -> Ref {
        match (self.user, self.team) {
            (Some(user), _) => Ref::new("user", user),
            (None, team) => Ref::new("team", team.unwrap_or_default()),
        }
    }
}

/// A role was given.
#[derive(Serialize)]
pub(crate) struct GrantGiven {
    pub(crate) grant: i64,
    pub(crate) holder: Ref,
    pub(crate) holder_name: String,
    pub(crate) role: String,
    pub(crate) scope: String,
    pub(crate) reason: String,
    pub(crate) expires_at: Option<Time>,
}

impl Event for GrantGiven {
    const NAME: &'static str = "people.grant.given";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.holder.clone()]
    }
    fn title(&self) -> String {
        format!("{} got the role {} for {}: {}", self.holder_name, self.role, self.scope, self.reason)
    }
    fn sample() -> Self {
        Self {
            grant: 1,
            holder: Ref::new("user", 1),
            holder_name: "Sam Reyes".into(),
            role: "technician".into(),
            scope: "everything".into(),
            reason: "Joined the service desk".into(),
            expires_at: None,
        }
    }
}

/// A role was taken back.
#[derive(Serialize)]
pub(crate) struct GrantRevoked {
    pub(crate) grant: i64,
    pub(crate) holder: Ref,
    pub(crate) holder_name: String,
    pub(crate) role: String,
    pub(crate) reason: String,
}

impl Event for GrantRevoked {
    const NAME: &'static str = "people.grant.revoked";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.holder.clone()]
    }
    fn title(&self) -> String {
        format!("{} lost the role {}: {}", self.holder_name, self.role, self.reason)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self {
            grant: 1,
            holder: Ref::new("user", 1),
            holder_name: "Sam Reyes".into(),
            role: "technician".into(),
            reason: "Moved to another team".into(),
        }
    }
}
