//! How relations come, change and go, whoever says so: the row, the change set and the event together.

use kernel::{Change, Cx, Error, Operation, Ref, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::add::AddRelation;
use super::events::{RelationAdded, RelationChanged, RelationRemoved};
use super::remove::RemoveRelation;
use super::update::UpdateRelation;
use super::{Relation, RelationKind, discover, store};
use crate::thing::Thing;
use crate::thing::change::reached;

/// A relation as the change set keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The name of the thing it stands on.
    thing: String,
    group: String,
    #[serde(default)]
    discovered: bool,
}

/// Notes in the change set of the thing that would suffer how a relation was and is.
fn record(cx: &mut Cx, from: &Thing, to: &Thing, was: Option<&Relation>, is: Option<&Relation>) -> Result<()> {
    let Some(kind) = was.or(is).map(|relation| relation.kind) else { return Ok(()) };
    let kept = |relation: &Relation| Kept {
        thing: to.name.clone(),
        group: relation.group.clone(),
        discovered: relation.discovered,
    };
    let field = format!("relation {} {}", kind.as_str(), to.reference);
    cx.changed(&from.reference, &field, was.map(kept), is.map(kept))
}

/// Adds a relation between two things.
pub(super) fn put(cx: &mut Cx, from: &Thing, to: &Thing, new: Relation) -> Result<Relation> {
    let new = Relation { id: store::insert(cx.tx, &new)?, ..new };
    record(cx, from, to, None, Some(&new))?;
    cx.emit(&RelationAdded {
        relation: new.id,
        from: from.reference.clone(),
        from_name: from.name.clone(),
        kind: new.kind,
        to: to.reference.clone(),
        to_name: to.name.clone(),
        group: new.group.clone(),
        discovered: new.discovered,
    })?;
    Ok(new)
}

/// Puts a relation into another group of alternatives.
pub(super) fn regroup(cx: &mut Cx, from: &Thing, to: &Thing, old: &Relation, group: String) -> Result<Relation> {
    let new = Relation { group, ..old.clone() };
    store::set_group(cx.tx, new.id, &new.group)?;
    record(cx, from, to, Some(old), Some(&new))?;
    cx.emit(&RelationChanged {
        relation: new.id,
        from: from.reference.clone(),
        from_name: from.name.clone(),
        kind: new.kind,
        to: to.reference.clone(),
        to_name: to.name.clone(),
        group: new.group.clone(),
        group_before: old.group.clone(),
        discovered: new.discovered,
    })?;
    Ok(new)
}

/// Takes a relation away that another takes the place of, without a word.
pub(super) fn give_way(cx: &mut Cx, from: &Thing, to: &Thing, old: &Relation) -> Result<()> {
    store::delete(cx.tx, old.id)?;
    record(cx, from, to, Some(old), None)
}

/// Takes a relation away.
pub(super) fn take_away(cx: &mut Cx, from: &Thing, to: &Thing, old: &Relation) -> Result<()> {
    give_way(cx, from, to, old)?;
    cx.emit(&RelationRemoved {
        from: from.reference.clone(),
        from_name: from.name.clone(),
        kind: old.kind,
        to: to.reference.clone(),
        to_name: to.name.clone(),
    })
}

/// Sets a relation of a thing to what it was, for undo: `field` is its kind and what it points at.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let lost = || Error::internal("relation-field", field);
    let (kind, to) = field.split_once(' ').ok_or_else(lost)?;
    let kind = RelationKind::parse(kind).ok_or_else(lost)?;
    let to = to.parse::<Ref>().map_err(|_| lost())?.id;
    let known = store::known(cx.tx, id, kind, to)?;
    if value.is_null() {
        return known.map_or(Ok(()), |relation| none_again(cx, &relation));
    }
    let kept: Kept = serde_json::from_value(value.clone()).map_err(|error| Error::internal("relation-kept", error))?;
    let relation = match known {
        None if kept.discovered => {
            reached(cx, id, RemoveRelation::NAME)?;
            store::allow(cx.tx, id, kind, to)?;
            discover::settle(cx, id)?;
            store::known(cx.tx, id, kind, to)?
        }
        None => return cx.call(&AddRelation { id, kind, to, group: kept.group }).map(drop),
        known => known,
    };
    // The facts may say something else by now.
    let Some(relation) = relation.map(|one| one.id) else { return Ok(()) };
    let group = if kept.group.is_empty() { Change::Clear } else { Change::Set(kept.group) };
    cx.call(&UpdateRelation { relation, group }).map(drop)
}

/// A relation that was not there is gone again. One that facts speak for was declined then, any other leaves it to them.
fn none_again(cx: &mut Cx, known: &Relation) -> Result<()> {
    cx.call(&RemoveRelation { relation: known.id })?;
    if known.discovered {
        return Ok(());
    }
    store::allow(cx.tx, known.from, known.kind, known.to)?;
    discover::settle(cx, known.from)
}
