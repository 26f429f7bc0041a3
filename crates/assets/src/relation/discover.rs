//! Relations that facts speak for: whose address a machine names as its gateway, its name server or its storage. What a
//! person says of a kind goes before what facts say of it, and what a person declined is left out.

use std::collections::BTreeSet;

use kernel::{Cx, Result};

use super::{Relation, RelationKind, store, write};
use crate::address::{self, Role};
use crate::thing::{self, Status, Thing};

/// Who says so.
const SOURCE: &str = "agent";

/// Makes the relations of a thing that facts speak for what the facts say now. When that is so already, nothing changes.
pub(crate) fn settle(cx: &mut Cx, asset: i64) -> Result<()> {
    let Some(from) = thing::store::get(cx.tx, asset)?.filter(|thing| thing.status != Status::Retired) else {
        return Ok(());
    };
    let known = store::from(cx.tx, asset)?;
    let wanted = wanted(cx, &from, &known)?;
    for gone in known.iter().filter(|one| one.discovered && !wanted.contains(&(one.kind, one.to))) {
        if let Some(to) = thing::store::get(cx.tx, gone.to)? {
            write::take_away(cx, &from, &to, gone)?;
        }
    }
    for (kind, to) in wanted {
        if known.iter().any(|one| one.kind == kind && one.to == to) {
            continue;
        }
        if let Some(to) = thing::store::get(cx.tx, to)? {
            let (group, source, since) = (String::new(), SOURCE.to_owned(), cx.now);
            let new = Relation { id: 0, from: asset, kind, to: to.id, group, source, since, discovered: true };
            write::put(cx, &from, &to, new)?;
        }
    }
    Ok(())
}

/// Somebody took a relation back: when facts speak for it, it does not come back by itself.
pub(super) fn decline(cx: &mut Cx, from: &Thing, (kind, to): (RelationKind, i64)) -> Result<()> {
    let known = store::from(cx.tx, from.id)?;
    if wanted(cx, from, &known)?.contains(&(kind, to)) {
        let by = cx.actor.name.clone();
        store::decline(cx.tx, from.id, (kind, to), &by, cx.now)?;
    }
    settle(cx, from.id)
}

/// What the facts of a thing speak for.
fn wanted(cx: &mut Cx, from: &Thing, known: &[Relation]) -> Result<BTreeSet<(RelationKind, i64)>> {
    let said = address::store::of(cx.tx, from.id)?;
    let mut wanted = BTreeSet::new();
    for (role, address) in &said {
        let Role::Of(kind) = *role else { continue };
        let is_declared = known.iter().any(|one| one.kind == kind && !one.discovered);
        if is_declared || said.contains(&(Role::Own, address.clone())) || said.contains(&(Role::Given, address.clone()))
        {
            continue;
        }
        let mut owners = address::store::owners(cx.tx, address)?;
        if kind == RelationKind::RoutesBy {
            // The same private address is a gateway at many places.
            owners.retain(|(_, place)| from.place.is_none() || place.is_none() || *place == from.place);
        }
        match owners.as_slice() {
            [] => {}
            [(one, _)] => _ = wanted.insert((kind, *one)),
            // While one takes over from another both may have it: what was known stays until it is clear.
            many => {
                let stays = |one: &&Relation| {
                    one.discovered && one.kind == kind && many.iter().any(|(owner, _)| *owner == one.to)
                };
                wanted.extend(known.iter().filter(stays).map(|one| (kind, one.to)));
            }
        }
    }
    if !wanted.is_empty() {
        let declined = store::declined(cx.tx, from.id)?;
        wanted.retain(|one| !declined.contains(one));
    }
    Ok(wanted)
}
