//! Make, change and delete rotas.

use std::collections::BTreeSet;

use kernel::search::{Document, ScopeToken};
use kernel::{Access, Change, Cx, Effect, Error, Operation, Result, Route, delete, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::{RotaChanged, RotaCreated, RotaDeleted};
use super::plan::few_cuts;
use super::preview::WINDOW_DAYS_MAX;
use super::text::{self, Rotation};
use super::wall::DAY;
use super::{ROTAS_MAX, Rota, reached, store, watch};
use crate::team::Team;
use crate::{choices, user};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Longest description, in characters.
const ABOUT_CHARS_MAX: usize = 500;
/// Most people of one rota.
const PEOPLE_MAX: usize = 200;

/// Make an on-call rota. Rotations can be given at once or later.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct CreateRota {
    /// Its name.
    pub name: String,
    /// The short name that programs know it by, such as infrastructure. It cannot be changed.
    pub slug: String,
    /// What it is for.
    #[serde(default)]
    pub about: String,
    /// The number of the team it belongs to.
    #[serde(default)]
    pub team: Option<i64>,
    /// The zone whose clocks count, for example Europe/Oslo; your own when left out.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The rotations from the bottom up. A participant is a login, a name that only one user has, or user:17.
    #[serde(default)]
    pub rotations: Vec<Rotation>,
}

impl Operation for CreateRota {
    const NAME: &'static str = "people.rota.create";
    const ROUTE: Route = post("/people/rotas");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Rota;

    fn run(&self, cx: &mut Cx) -> Result<Rota> {
        team_within_reach(cx, Self::NAME, self.team)?;
        let slug = kernel::text::slug("slug", self.slug.trim(), 40)?;
        let time_zone = match self.time_zone.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => own_zone(cx)?,
        };
        let mut new = Rota {
            id: 0,
            reference: Rota::subject(0),
            slug,
            name: kernel::text::line("name", &self.name, NAME_CHARS_MAX)?,
            about: about(&self.about)?,
            team: self.team,
            rotations: rotations(cx, &self.rotations, &time_zone, &[])?,
            time_zone,
            created_at: cx.now,
            changed_at: cx.now,
            version: 1,
        };
        if store::by_slug(cx.tx, &new.slug)?.is_some() {
            return Err(Error::invalid("slug", format!("Another rota is called {} already. Use another.", new.slug)));
        }
        if usize::try_from(store::count(cx.tx)?).unwrap_or(usize::MAX) >= ROTAS_MAX {
            return Err(Error::over_limit(format!("There are {ROTAS_MAX} rotas already. Delete one first.")));
        }
        let uid = kernel::text::hex(&cx.random_id()?);
        new.id = store::insert(cx.tx, &new, &uid)?;
        new.reference = Rota::subject(new.id);
        record(cx, None, &new)?;
        cx.emit(&RotaCreated {
            rota: new.reference.clone(),
            name: new.name.clone(),
            team: new.team.map(Team::subject),
        })?;
        after(cx, &new)?;
        Ok(new)
    }
}

fn own_zone(cx: &mut Cx) -> Result<String> {
    let me = match cx.actor.user() {
        Some(id) => user::store::get(cx.tx, id)?,
        None => None,
    };
    Ok(me.map_or_else(|| "UTC".to_owned(), |user| user.zone))
}

fn about(text: &str) -> Result<String> {
    if text.trim().is_empty() { Ok(String::new()) } else { kernel::text::body("about", text, ABOUT_CHARS_MAX) }
}

/// Refuses a team beyond the grant: a rota without a team is for those who reach everything.
fn team_within_reach(cx: &mut Cx, operation: &str, team: Option<i64>) -> Result<()> {
    let reach = cx.reach(operation)?;
    match team {
        None if reach.everything => Ok(()),
        None => Err(Error::invalid("team", "Choose a team that your role is for.")),
        Some(id) if !crate::team_known(cx.tx, id)? => Err(Error::invalid("team", "There is no such team.")),
        Some(id) if reach.everything || reach.teams.contains(&id) => Ok(()),
        Some(_) => Err(Error::invalid("team", "Your role does not reach this team. Choose one that it is for.")),
    }
}

/// Checks rotations and finds who is meant by their participants. Those in `known` may stay even when they have left.
pub(crate) fn rotations(cx: &mut Cx, wanted: &[Rotation], time_zone: &str, known: &[i64]) -> Result<Vec<Rotation>> {
    let zone = text::zone(time_zone)?;
    text::few_enough(wanted)?;
    let mut people = BTreeSet::new();
    let mut checked = Vec::new();
    for (place, one) in wanted.iter().enumerate() {
        let field = format!("rotations[{place}]");
        let mut one = one.checked(&field, &zone)?;
        for (place, text) in one.participants.iter_mut().enumerate() {
            let field = format!("{field}.participants[{place}]");
            let id = whom(cx, &field, text)?;
            *text = format!("user:{id}");
            people.insert(id);
            if people.len() > PEOPLE_MAX {
                return Err(Error::invalid(&field, format!("A rota names at most {PEOPLE_MAX} people.")));
            }
        }
        checked.push(one);
    }
    let layers =
        checked.iter().map(|one| one.layer::<i64>("rotations", &zone, Vec::new())).collect::<Result<Vec<_>>>()?;
    few_cuts(&layers, WINDOW_DAYS_MAX * DAY)?;
    must_be_active(cx, "rotations", people.iter().copied().filter(|id| !known.contains(id)).collect())?;
    Ok(checked)
}

/// Who is meant by a text: a login, a name or `user:17`.
pub(crate) fn whom(cx: &mut Cx, field: &str, text: &str) -> Result<i64> {
    choices::typed(cx, text).map_err(|error| if error.field.is_some() { error.at(field) } else { error })
}

/// Refuses who is not known or can no longer be called.
pub(crate) fn must_be_active(cx: &mut Cx, field: &str, people: Vec<i64>) -> Result<()> {
    let found = store::people(cx.tx, &people)?;
    for id in people {
        match found.get(&id) {
            Some(one) if one.active => {}
            Some(one) => {
                return Err(Error::invalid(
                    field,
                    format!("{} can no longer sign in. Choose somebody else.", one.name),
                ));
            }
            None => return Err(Error::invalid(field, format!("There is no user:{id}."))),
        }
    }
    Ok(())
}

/// Change a rota. The rotations are replaced as a whole; who is on call follows at once.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateRota {
    /// The rota's number.
    pub id: i64,
    /// The new name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub about: Option<String>,
    /// The number of the team it belongs to; null for none.
    #[serde(default)]
    pub team: Change<i64>,
    /// The zone whose clocks count. Turns stay at the same times of the wall clock.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// All rotations from the bottom up. A participant is a login, a name that only one user has, or user:17.
    #[serde(default)]
    pub rotations: Option<Vec<Rotation>>,
    /// The version you changed; refused when somebody was faster.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for UpdateRota {
    const NAME: &'static str = "people.rota.update";
    const ROUTE: Route = patch("/people/rotas/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Rota;

    fn run(&self, cx: &mut Cx) -> Result<Rota> {
        let old = reached(cx, self.id, Self::NAME)?;
        cx.expect_version(&old.reference, self.expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, NAME_CHARS_MAX)?;
        }
        if let Some(text) = &self.about {
            new.about = about(text)?;
        }
        new.team = self.team.apply(old.team);
        if new.team != old.team {
            team_within_reach(cx, Self::NAME, new.team)?;
        }
        if let Some(name) = &self.time_zone {
            text::zone(name)?;
            new.time_zone = name.trim().to_owned();
        }
        if let Some(wanted) = &self.rotations {
            new.rotations = rotations(cx, wanted, &new.time_zone, &old.participants())?;
        }
        save(cx, &old, new)
    }
}

fn save(cx: &mut Cx, old: &Rota, new: Rota) -> Result<Rota> {
    if *old == new {
        return Ok(new);
    }
    store::update(cx.tx, &new, cx.now)?;
    record(cx, Some(old), &new)?;
    cx.emit(&RotaChanged { rota: new.reference.clone(), name: new.name.clone(), team: new.team.map(Team::subject) })?;
    after(cx, &new)?;
    Ok(Rota { version: old.version + 1, changed_at: cx.now, ..new })
}

fn record(cx: &mut Cx, old: Option<&Rota>, new: &Rota) -> Result<()> {
    let at = &new.reference;
    cx.changed(at, "name", old.map(|one| &one.name), Some(&new.name))?;
    cx.changed(at, "slug", old.map(|one| &one.slug), Some(&new.slug))?;
    cx.changed(at, "about", old.map(|one| &one.about), Some(&new.about))?;
    cx.changed(at, "team", old.and_then(|one| one.team), new.team)?;
    cx.changed(at, "time_zone", old.map(|one| &one.time_zone), Some(&new.time_zone))?;
    cx.changed(at, "rotations", old.map(|one| &one.rotations), Some(&new.rotations))
}

/// What follows from every change of a rota.
fn after(cx: &mut Cx, rota: &Rota) -> Result<()> {
    cx.index(&Document {
        subject: rota.reference.clone(),
        title: rota.name.clone(),
        body: format!("{} {} on call", rota.slug, rota.about),
        scopes: rota.team.map(ScopeToken::Team).into_iter().collect(),
        at: rota.created_at,
    })?;
    watch::look(cx, rota.id)
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    if let Some(number) = field.strip_prefix("override ") {
        return super::overrides::set_back(cx, id, number, value);
    }
    let old = reached(cx, id, UpdateRota::NAME)?;
    let mut new = old.clone();
    let text = value.as_str().unwrap_or_default().to_owned();
    match field {
        "name" => new.name = text,
        "about" => new.about = text,
        "time_zone" => new.time_zone = text,
        "team" => {
            new.team = value.as_i64();
            team_within_reach(cx, UpdateRota::NAME, new.team)?;
        }
        "rotations" => {
            new.rotations =
                serde_json::from_value(value.clone()).map_err(|error| Error::internal("rotations-not-json", error))?;
        }
        _ => return Err(Error::conflict(format!("The field {field} of a rota cannot be undone."))),
    }
    save(cx, &old, new).map(|_| ())
}

/// Delete a rota with its overrides and the addresses of its calendar. This cannot be undone.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct DeleteRota {
    /// The rota's number.
    pub id: i64,
}

impl Operation for DeleteRota {
    const NAME: &'static str = "people.rota.delete";
    const ROUTE: Route = delete("/people/rotas/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = Rota;

    fn run(&self, cx: &mut Cx) -> Result<Rota> {
        let rota = reached(cx, self.id, Self::NAME)?;
        store::delete(cx.tx, rota.id)?;
        cx.changed(&rota.reference, "name", Some(&rota.name), None::<&str>)?;
        cx.changed(&rota.reference, "rotations", Some(&rota.rotations), None::<&str>)?;
        cx.emit(&RotaDeleted { rota: rota.reference.clone(), name: rota.name.clone() })?;
        cx.unindex(&rota.reference)?;
        watch::look(cx, rota.id)?;
        Ok(rota)
    }
}
