//! Change things: one in every field, many in what they have in common, and retire what is gone.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Result, Route, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::create::within_reach;
use super::{Criticality, NAME_CHARS_MAX, Status, Thing, ThingChanged, ThingRetired, store};
use crate::api;

/// Change a thing. Fields that are left out stay.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateThing {
    /// The thing's number.
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is.
    #[serde(default)]
    pub kind: Option<String>,
    /// The number on its label.
    #[serde(default)]
    pub tag: Option<String>,
    /// Where it is in its life; to retire it, your role must have assets.thing.retire.
    #[serde(default)]
    pub status: Option<Status>,
    /// How much it hurts when it fails.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// Where it stands; null for nowhere known.
    #[serde(default)]
    pub place: Change<i64>,
    /// The team that looks after it; null for none.
    #[serde(default)]
    pub team: Change<i64>,
    /// The person who answers for it; null for nobody.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub owner: Change<i64>,
    /// What else there is to know; null for nothing.
    #[serde(default)]
    pub notes: Change<String>,
    /// The version you changed; refused when somebody was faster.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for UpdateThing {
    const NAME: &'static str = "assets.thing.update";
    const ROUTE: Route = patch("/assets/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Thing;

    fn run(&self, cx: &mut Cx) -> Result<Thing> {
        let old = reached(cx, self.id, Self::NAME)?;
        cx.expect_version(&old.reference, self.expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, NAME_CHARS_MAX)?;
        }
        if let Some(kind) = &self.kind {
            new.kind = super::kind(kind)?;
        }
        if let Some(tag) = self.tag.as_deref().filter(|tag| *tag != old.tag) {
            new.tag = super::tag(tag)?;
            api::free_tag(cx.tx, &new.tag, old.id)?;
        }
        new.status = self.status.unwrap_or(old.status);
        new.criticality = self.criticality.unwrap_or(old.criticality);
        new.place = self.place.apply(old.place);
        new.team = self.team.apply(old.team);
        new.owner = self.owner.apply(old.owner);
        if !self.notes.is_keep() {
            new.notes = super::notes(&self.notes.apply(None).unwrap_or_default())?;
        }
        save(cx, &old, new, Self::NAME)
    }
}

/// Hand a thing over or put it to use: change its team, owner, place, status or criticality. What is left empty stays,
/// so that it fits many things at once.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct AssignThing {
    /// The thing's number.
    pub id: i64,
    /// The team that looks after it.
    #[serde(default)]
    pub team: Option<i64>,
    /// The person who answers for it.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub owner: Option<i64>,
    /// Where it stands.
    #[serde(default)]
    pub place: Option<i64>,
    /// Where it is in its life; to retire it, your role must have assets.thing.retire.
    #[serde(default)]
    pub status: Option<Status>,
    /// How much it hurts when it fails.
    #[serde(default)]
    pub criticality: Option<Criticality>,
}

impl Operation for AssignThing {
    const NAME: &'static str = "assets.thing.assign";
    const ROUTE: Route = post("/assets/{id}/assign");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Thing;

    fn run(&self, cx: &mut Cx) -> Result<Thing> {
        let old = reached(cx, self.id, Self::NAME)?;
        let new = Thing {
            team: self.team.or(old.team),
            owner: self.owner.or(old.owner),
            place: self.place.or(old.place),
            status: self.status.unwrap_or(old.status),
            criticality: self.criticality.unwrap_or(old.criticality),
            ..old.clone()
        };
        save(cx, &old, new, Self::NAME)
    }
}

/// Retire a thing that is gone. Its history stays.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RetireThing {
    /// The thing's number.
    pub id: i64,
    /// Why, or where it went.
    pub reason: String,
}

impl Operation for RetireThing {
    const NAME: &'static str = "assets.thing.retire";
    const ROUTE: Route = post("/assets/{id}/retire");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Thing;

    fn run(&self, cx: &mut Cx) -> Result<Thing> {
        let old = reached(cx, self.id, Self::NAME)?;
        let reason = kernel::text::line("reason", &self.reason, 200)?;
        if old.status == Status::Retired {
            return Err(Error::conflict(format!("{} is retired already.", old.name)));
        }
        let new = Thing { status: Status::Retired, ..old.clone() };
        write(cx, &old, &new)?;
        cx.emit(&ThingRetired { asset: old.reference.clone(), name: old.name.clone(), reason })?;
        Ok(Thing { version: old.version + 1, updated_at: cx.now, ..new })
    }
}

/// A thing the actor's grant for an operation reaches.
pub(crate) fn reached(cx: &mut Cx, id: i64, operation: &str) -> Result<Thing> {
    let reach = cx.reach(operation)?;
    store::find(cx.tx, &[id], &reach)?.pop().ok_or_else(|| Error::not_found(Thing::subject(id)))
}

fn write(cx: &mut Cx, old: &Thing, new: &Thing) -> Result<()> {
    store::update(cx.tx, new, cx.now)?;
    super::record(cx, Some(old), new)?;
    if (old.status == Status::Retired) != (new.status == Status::Retired) {
        crate::address::follow_all(cx, new.id)?;
    }
    api::index(cx, new)
}

/// Checks, writes, records and tells what differs.
fn save(cx: &mut Cx, old: &Thing, new: Thing, operation: &str) -> Result<Thing> {
    if *old == new {
        return Ok(new);
    }
    // Only what is changed must be known: what was, stays, even if the owner has left since.
    let newly = |now: Option<i64>, was: Option<i64>| now.filter(|_| now != was);
    let place = newly(new.place, old.place);
    api::known(cx.tx, place, newly(new.team, old.team), newly(new.owner, old.owner))?;
    within_reach(cx, operation, new.place, new.team, new.owner)?;
    let retires = new.status == Status::Retired && old.status != Status::Retired;
    if retires {
        may_retire(cx, old.id)?;
    }
    write(cx, old, &new)?;
    let (fields, what) = in_words(cx, old, &new)?;
    cx.emit(&ThingChanged { asset: new.reference.clone(), name: new.name.clone(), fields, what })?;
    if retires {
        cx.emit(&ThingRetired { asset: new.reference.clone(), name: new.name.clone(), reason: "status".into() })?;
    }
    Ok(Thing { version: old.version + 1, updated_at: cx.now, ..new })
}

/// Retiring by the status does what [`RetireThing`] does, so it takes the grant for that.
fn may_retire(cx: &mut Cx, id: i64) -> Result<()> {
    let denied = || Error::denied(RetireThing::NAME).at("status");
    let reach = cx.reach(RetireThing::NAME).map_err(|_| denied())?;
    if store::find(cx.tx, &[id], &reach)?.is_empty() { Err(denied()) } else { Ok(()) }
}

/// What differs: the fields, and a sentence with the names of people and places.
fn in_words(cx: &mut Cx, old: &Thing, new: &Thing) -> Result<(Vec<String>, String)> {
    let mut fields = Vec::new();
    let mut parts = Vec::new();
    let mut note = |field: &str, was: &str, is: &str| {
        if was != is {
            fields.push(field.to_owned());
            let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
            parts.push(format!("{field} from {} to {}", shown(was), shown(is)));
        }
    };
    note("name", &old.name, &new.name);
    note("kind", &old.kind, &new.kind);
    note("tag", &old.tag, &new.tag);
    note("status", &old.status.title().to_lowercase(), &new.status.title().to_lowercase());
    note("criticality", old.criticality.as_str(), new.criticality.as_str());
    for (field, kind, was, is) in [
        ("place", "place", old.place, new.place),
        ("team", "team", old.team, new.team),
        ("owner", "user", old.owner, new.owner),
    ] {
        if was != is {
            let ids: Vec<i64> = was.into_iter().chain(is).collect();
            let names = people::names(cx.tx, kind, &ids)?;
            let name = |id: Option<i64>| id.and_then(|id| names.get(&id)).map_or("", String::as_str);
            note(field, name(was), name(is));
        }
    }
    if old.notes != new.notes {
        fields.push("notes".to_owned());
        parts.push("notes".to_owned());
    }
    Ok((fields, parts.join(", ")))
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    if let Some(relation) = field.strip_prefix("relation ") {
        return crate::relation::write::set_back(cx, id, relation, value);
    }
    if field == "addresses" {
        return crate::address::set::set_back(cx, id, value);
    }
    let old = reached(cx, id, UpdateThing::NAME)?;
    let mut new = old.clone();
    let lost = || Error::conflict(format!("The field {field} of a thing cannot be undone."));
    let text = || value.as_str().ok_or_else(lost);
    match field {
        "name" => new.name = text()?.to_owned(),
        "kind" => new.kind = text()?.to_owned(),
        "tag" => {
            new.tag = text()?.to_owned();
            api::free_tag(cx.tx, &new.tag, id)?;
        }
        "notes" => new.notes = text()?.to_owned(),
        "status" => new.status = Status::parse(text()?).ok_or_else(lost)?,
        "criticality" => new.criticality = Criticality::parse(text()?).ok_or_else(lost)?,
        "place" => new.place = value.as_i64(),
        "team" => new.team = value.as_i64(),
        "owner" => new.owner = value.as_i64(),
        _ => return Err(lost()),
    }
    save(cx, &old, new, UpdateThing::NAME).map(|_| ())
}
