//! Give a role.

use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Given, GrantGiven, GrantScope, reach, store};
use crate::{actor, names, place, roles, team, user};

/// Give a role to a user or to a team, with how far it reaches, why, and until when. You can only give what you hold
/// yourself.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct GiveGrant {
    /// The role: requester, watcher, approver, technician, lead, administrator, auditor or external.
    pub role: String,
    /// The user who gets it. Leave it empty when a team does.
    #[serde(default)]
    pub user: Option<i64>,
    /// The team whose members get it.
    #[serde(default)]
    pub team: Option<i64>,
    /// How far it reaches.
    #[serde(default = "everything")]
    pub scope: GrantScope,
    /// The place of the scope; the role reaches everything below it.
    #[serde(default)]
    pub scope_place: Option<i64>,
    /// The team of the scope.
    #[serde(default)]
    pub scope_team: Option<i64>,
    /// Why.
    pub reason: String,
    /// Until when. Leave it empty for no end.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// For how many days, instead of a date.
    #[serde(default)]
    pub days: Option<i64>,
}

const fn everything() -> GrantScope {
    GrantScope::Everything
}

impl Operation for GiveGrant {
    const NAME: &'static str = "people.grant.give";
    const ROUTE: Route = post("/people/grants");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Given;

    fn run(&self, cx: &mut Cx) -> Result<Given> {
        let role = roles::role(&self.role).ok_or_else(|| {
            let known: Vec<&str> = roles::ROLES.iter().map(|role| role.name).collect();
            Error::invalid("role", format!("There is no such role. Known: {}.", known.join(", ")))
        })?;
        let reason = kernel::text::line("reason", &self.reason, 200)?;
        let holder_name = self.holder(cx)?;
        self.check_scope(cx)?;
        let mut given = Given {
            id: 0,
            role: role.name.to_owned(),
            user: self.user,
            team: self.team,
            scope: self.scope,
            scope_place: self.scope_place,
            scope_team: self.scope_team,
            reason,
            given_by: cx.actor.name.clone(),
            given_at: cx.now,
            expires_at: self.end(cx.now)?,
            revoked_at: None,
            revoked_by: String::new(),
            revoke_reason: String::new(),
        };
        let held = actor::expand(cx.tx, &given)?;
        reach::must_cover(cx, &held)?;
        given.id = store::insert(cx.tx, &given)?;
        let scope = in_words(cx, &given)?;
        cx.changed(&given.holder(), "role", None::<&str>, Some(format!("{} for {scope}", given.role)))?;
        cx.emit(&GrantGiven {
            grant: given.id,
            holder: given.holder(),
            holder_name,
            role: role.title.to_lowercase(),
            scope,
            reason: given.reason.clone(),
            expires_at: given.expires_at,
        })?;
        Ok(given)
    }
}

impl GiveGrant {
    /// The name of who gets it: one user who may sign in, or one team.
    fn holder(&self, cx: &mut Cx) -> Result<String> {
        match (self.user, self.team) {
            (Some(id), None) => {
                let user = user::seen(cx, id, Self::NAME)?;
                match user.disabled_at {
                    None => Ok(user.name),
                    Some(_) => {
                        Err(Error::invalid("user", format!("{} may not sign in. Enable the user first.", user.name)))
                    }
                }
            }
            (None, Some(id)) => {
                let team = team::store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(team::Team::subject(id)))?;
                Ok(team.name)
            }
            _ => Err(Error::invalid("user", "Say who gets the role: either a user or a team.")),
        }
    }

    fn check_scope(&self, cx: &mut Cx) -> Result<()> {
        match (self.scope, self.scope_place, self.scope_team) {
            (GrantScope::Everything | GrantScope::Own, None, None) => Ok(()),
            (GrantScope::Place, Some(place), None) if place::store::get(cx.tx, place)?.is_some() => Ok(()),
            (GrantScope::Team, None, Some(team)) if team::store::get(cx.tx, team)?.is_some() => Ok(()),
            (GrantScope::Place, ..) => {
                Err(Error::invalid("scope_place", "Choose the place the role is for, and no team."))
            }
            (GrantScope::Team, ..) => {
                Err(Error::invalid("scope_team", "Choose the team the role is for, and no place."))
            }
            _ => Err(Error::invalid("scope", "A place or team fits only a role that is given for one.")),
        }
    }

    fn end(&self, now: Time) -> Result<Option<Time>> {
        let end = match (self.expires_at, self.days) {
            (Some(_), Some(_)) => return Err(Error::invalid("days", "Give either a date or a number of days.")),
            (None, Some(days)) if !(1..=3650).contains(&days) => {
                return Err(Error::invalid("days", "Use a number of days from 1 to 3650."));
            }
            (None, Some(days)) => Some(now.plus(days * DAY)),
            (end, None) => end,
        };
        match end {
            Some(end) if end <= now => Err(Error::invalid("expires_at", "This moment has passed. Choose a later one.")),
            end => Ok(end),
        }
    }
}

/// The scope of a given role in words: "everything", "Head office and below", "team Infrastructure", "what is their own".
pub(crate) fn in_words(cx: &mut Cx, given: &Given) -> Result<String> {
    let name = |cx: &mut Cx, kind: &str, id: i64| -> Result<String> {
        Ok(names(cx.tx, kind, &[id])?.remove(&id).unwrap_or_else(|| format!("{kind}:{id}")))
    };
    Ok(match (given.scope, given.scope_place, given.scope_team) {
        (GrantScope::Place, Some(place), _) => format!("{} and below", name(cx, "place", place)?),
        (GrantScope::Team, _, Some(team)) => format!("team {}", name(cx, "team", team)?),
        (GrantScope::Everything, ..) => "everything".to_owned(),
        _ => "what is their own".to_owned(),
    })
}
