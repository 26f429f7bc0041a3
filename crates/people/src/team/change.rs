//! Add and change teams and who is in them.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, delete, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list::reached;
use super::{MemberAdded, MemberRemoved, Team, store};
use crate::grants::{self, reach, revoke};
use crate::{actor, user};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Longest description, in characters.
const ABOUT_CHARS_MAX: usize = 500;

/// Add a team.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CreateTeam {
    /// Its name.
    pub name: String,
    /// The short name for filters and the command line, such as service-desk. It cannot be changed.
    pub slug: String,
    /// What it looks after.
    #[serde(default)]
    pub about: String,
}

impl Operation for CreateTeam {
    const NAME: &'static str = "people.team.create";
    const ROUTE: Route = post("/people/teams");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Team;

    fn run(&self, cx: &mut Cx) -> Result<Team> {
        if !cx.reach(Self::NAME)?.everything {
            return Err(
                Error::denied(Self::NAME).says("A team is for everybody, so it takes a role that is for everything.")
            );
        }
        let name = kernel::text::line("name", &self.name, NAME_CHARS_MAX)?;
        let slug = kernel::text::slug("slug", self.slug.trim(), 40)?;
        let about = about(&self.about)?;
        if store::by_slug(cx.tx, &slug)?.is_some() {
            return Err(Error::invalid("slug", format!("Another team is called {slug} already. Use another.")));
        }
        let id = store::insert(cx.tx, &slug, &name, &about, cx.now)?;
        let team = store::get(cx.tx, id)?.ok_or_else(|| Error::internal("team-not-inserted", id))?;
        cx.changed(&team.reference, "name", None::<&str>, Some(&team.name))?;
        cx.changed(&team.reference, "slug", None::<&str>, Some(&team.slug))?;
        Ok(team)
    }
}

fn about(text: &str) -> Result<String> {
    if text.trim().is_empty() { Ok(String::new()) } else { kernel::text::body("about", text, ABOUT_CHARS_MAX) }
}

/// Change a team's name or description.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateTeam {
    /// The team's number.
    pub id: i64,
    /// The new name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it looks after.
    #[serde(default)]
    pub about: Option<String>,
    /// The version you changed; refused when somebody was faster.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for UpdateTeam {
    const NAME: &'static str = "people.team.update";
    const ROUTE: Route = patch("/people/teams/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Team;

    fn run(&self, cx: &mut Cx) -> Result<Team> {
        let old = reached(cx, self.id, Self::NAME)?;
        cx.expect_version(&old.reference, self.expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, NAME_CHARS_MAX)?;
        }
        if let Some(text) = &self.about {
            new.about = about(text)?;
        }
        save(cx, &old, new)
    }
}

fn save(cx: &mut Cx, old: &Team, new: Team) -> Result<Team> {
    if *old == new {
        return Ok(new);
    }
    store::update(cx.tx, &new)?;
    cx.changed(&new.reference, "name", &old.name, &new.name)?;
    cx.changed(&new.reference, "about", &old.about, &new.about)?;
    Ok(Team { version: old.version + 1, ..new })
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let old = reached(cx, id, UpdateTeam::NAME)?;
    let mut new = old.clone();
    let text = value.as_str().unwrap_or_default().to_owned();
    match field {
        "name" => new.name = text,
        "about" => new.about = text,
        _ => return Err(Error::conflict(format!("The field {field} of a team cannot be undone."))),
    }
    save(cx, &old, new).map(|_| ())
}

/// Put a user into a team, or make a member its lead. Roles that were given to the team count for them at once.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct AddMember {
    /// The team's number.
    pub id: i64,
    /// The user's number.
    pub user: i64,
    /// Leads the team.
    #[serde(default)]
    pub lead: bool,
}

impl Operation for AddMember {
    const NAME: &'static str = "people.team.add-member";
    const ROUTE: Route = post("/people/teams/{id}/members");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Team;

    fn run(&self, cx: &mut Cx) -> Result<Team> {
        let team = reached(cx, self.id, Self::NAME)?;
        let user = user::seen(cx, self.user, Self::NAME)?;
        if user.disabled_at.is_some() {
            return Err(Error::not_found(user::User::subject(user.id)));
        }
        for given in grants::store::list(cx.tx, &[], &[team.id], false, cx.now)? {
            let held = actor::expand(cx.tx, &given)?;
            reach::must_cover(cx, &held)?;
        }
        let was = store::membership(cx.tx, team.id, user.id)?;
        store::add_member(cx.tx, team.id, user.id, self.lead, cx.now)?;
        let word = |lead: bool| if lead { "lead" } else { "member" };
        let field = format!("member {}", user.name);
        cx.changed(&team.reference, &field, was.map(word), Some(word(self.lead)))?;
        if was != Some(self.lead) {
            cx.emit(&MemberAdded {
                team: team.reference.clone(),
                team_name: team.name.clone(),
                user: user.reference.clone(),
                user_name: user.name.clone(),
                lead: self.lead,
            })?;
        }
        user::index(cx, &user)?;
        Ok(team)
    }
}

/// Take a user out of a team. Roles that were given to the team no longer count for them.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemoveMember {
    /// The team's number.
    pub id: i64,
    /// The user's number.
    pub user: i64,
}

impl Operation for RemoveMember {
    const NAME: &'static str = "people.team.remove-member";
    const ROUTE: Route = delete("/people/teams/{id}/members/{user}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Team;

    fn run(&self, cx: &mut Cx) -> Result<Team> {
        let team = reached(cx, self.id, Self::NAME)?;
        let missing = || Error::not_found(format!("user:{} in {}", self.user, team.name));
        let lead = store::membership(cx.tx, team.id, self.user)?.ok_or_else(missing)?;
        let user = user::store::get(cx.tx, self.user)?.ok_or_else(missing)?;
        revoke::keep_one(cx, None, None, Some((team.id, user.id)))?;
        store::remove_member(cx.tx, team.id, user.id)?;
        let field = format!("member {}", user.name);
        cx.changed(&team.reference, &field, Some(if lead { "lead" } else { "member" }), None::<&str>)?;
        cx.emit(&MemberRemoved {
            team: team.reference.clone(),
            team_name: team.name.clone(),
            user: user.reference.clone(),
            user_name: user.name.clone(),
        })?;
        user::index(cx, &user)?;
        Ok(team)
    }
}
