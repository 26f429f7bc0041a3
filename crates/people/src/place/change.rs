//! Add, change, move and remove places.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, delete, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list::reached;
use super::{DEPTH_MAX, NAME_CHARS_MAX, Place, kind, store};

/// Add a place inside another one. A place that is in none is a client.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CreatePlace {
    /// Its name.
    pub name: String,
    /// client, site, building, floor, room or rack.
    pub kind: String,
    /// The place it is in; empty for a new client.
    #[serde(default)]
    #[schemars(extend("x-kind" = "place"))]
    pub parent: Option<i64>,
}

impl Operation for CreatePlace {
    const NAME: &'static str = "people.place.create";
    const ROUTE: Route = post("/people/places");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Place;

    fn run(&self, cx: &mut Cx) -> Result<Place> {
        let name = kernel::text::line("name", &self.name, NAME_CHARS_MAX)?;
        let kind = kind(&self.kind, self.parent.is_none())?;
        let parent = match self.parent {
            Some(id) => Some(reached(cx, id, Self::NAME).map_err(|error| error.at("parent"))?),
            None if cx.reach(Self::NAME)?.everything => None,
            None => return Err(Error::invalid("parent", "Choose the place it is in: you may not add clients.")),
        };
        if parent.as_ref().is_some_and(|one| one.depth() >= DEPTH_MAX) {
            return Err(Error::over_limit(format!("Places go at most {DEPTH_MAX} levels deep.")));
        }
        let id = store::insert(cx.tx, parent.as_ref(), &kind, &name, cx.now)?;
        let place = store::get(cx.tx, id)?.ok_or_else(|| Error::internal("place-not-inserted", id))?;
        cx.changed(&place.reference, "name", None::<&str>, Some(&place.name))?;
        cx.changed(&place.reference, "parent", None::<i64>, place.parent)?;
        Ok(place)
    }
}

/// Change a place's name or kind, or move it with everything in it.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdatePlace {
    /// The place's number.
    pub id: i64,
    /// The new name.
    #[serde(default)]
    pub name: Option<String>,
    /// The new kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// The place it moves into.
    #[serde(default)]
    #[schemars(extend("x-kind" = "place"))]
    pub parent: Option<i64>,
    /// The version you changed; refused when somebody was faster.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for UpdatePlace {
    const NAME: &'static str = "people.place.update";
    const ROUTE: Route = patch("/people/places/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Place;

    fn run(&self, cx: &mut Cx) -> Result<Place> {
        let old = reached(cx, self.id, Self::NAME)?;
        cx.expect_version(&old.reference, self.expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, NAME_CHARS_MAX)?;
        }
        if let Some(parent) = self.parent.filter(|parent| Some(*parent) != old.parent) {
            move_into(cx, &mut new, parent)?;
        }
        if let Some(word) = &self.kind {
            new.kind = kind(word, new.parent.is_none())?;
        }
        save(cx, &old, new)
    }
}

/// Moving changes who sees what is there, so the actor must reach both ends.
fn move_into(cx: &mut Cx, place: &mut Place, parent: i64) -> Result<()> {
    let parent = reached(cx, parent, UpdatePlace::NAME).map_err(|error| error.at("parent"))?;
    if parent.path.starts_with(&place.path) {
        return Err(Error::invalid("parent", "A place cannot be moved into itself or into what is in it."));
    }
    if place.parent.is_none() {
        return Err(Error::invalid("parent", "A client stays at the root. Move the places in it instead."));
    }
    let below = store::subtree(cx.tx, place)?;
    let deepest = below.iter().map(Place::depth).max().unwrap_or_default() + 1 - place.depth();
    if parent.depth() + deepest > DEPTH_MAX {
        return Err(Error::over_limit(format!("Places go at most {DEPTH_MAX} levels deep.")));
    }
    let path = format!("{}{}/", parent.path, place.id);
    for one in &below {
        let rest = one.path.strip_prefix(&place.path).unwrap_or_default();
        store::set_path(cx.tx, one.id, &format!("{path}{rest}"))?;
    }
    place.parent = Some(parent.id);
    place.path = path;
    Ok(())
}

fn save(cx: &mut Cx, old: &Place, new: Place) -> Result<Place> {
    if *old == new {
        return Ok(new);
    }
    store::update(cx.tx, &new)?;
    cx.changed(&new.reference, "name", &old.name, &new.name)?;
    cx.changed(&new.reference, "kind", &old.kind, &new.kind)?;
    cx.changed(&new.reference, "parent", old.parent, new.parent)?;
    Ok(Place { version: old.version + 1, ..new })
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let old = reached(cx, id, UpdatePlace::NAME)?;
    let mut new = old.clone();
    match (field, value.as_str(), value.as_i64()) {
        ("name", Some(name), _) => new.name = name.to_owned(),
        ("kind", Some(kind), _) => new.kind = kind.to_owned(),
        ("parent", _, Some(parent)) => move_into(cx, &mut new, parent)?,
        _ => return Err(Error::conflict(format!("The field {field} of a place cannot be undone."))),
    }
    save(cx, &old, new).map(|_| ())
}

/// Remove a place that nothing is in.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemovePlace {
    /// The place's number.
    pub id: i64,
}

impl Operation for RemovePlace {
    const NAME: &'static str = "people.place.remove";
    const ROUTE: Route = delete("/people/places/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = Place;

    fn run(&self, cx: &mut Cx) -> Result<Place> {
        let place = reached(cx, self.id, Self::NAME)?;
        if place.parent.is_none() || store::in_use(cx.tx, place.id)? {
            return Err(Error::conflict(format!(
                "{} is a client, or other places, people or given roles point at it. Move them first.",
                place.name
            )));
        }
        store::delete(cx.tx, place.id)?;
        cx.changed(&place.reference, "name", Some(&place.name), None::<&str>)?;
        Ok(place)
    }
}

/// Refuses a place that is not known.
pub(crate) fn must_exist(cx: &mut Cx, id: i64) -> Result<()> {
    match store::get(cx.tx, id)? {
        Some(_) => Ok(()),
        None => Err(Error::invalid("place", format!("place:{id} is not known. Choose another place."))),
    }
}
