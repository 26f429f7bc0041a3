//! What other domains call in their own transactions. Permission was checked by the operation that calls; rows are not
//! hidden here.

use std::collections::BTreeMap;

use kernel::db::Tx;
use kernel::search::{Document, ScopeToken};
use kernel::{Cx, Error, Result, Time};

pub use crate::facts::{FactsDelta, StoredFacts, at_addresses, fact, facts_of, section, store_facts};
pub use crate::identity::{Evidence, Identified, identify, record_evidence};
pub use crate::relation::{Relation, children, parents};
use crate::thing::{self, Criticality, Status, Thing, ThingCreated, store};

/// A thing to be added. Only the name and the kind must be there.
#[derive(Clone, Debug, Default)]
pub struct NewAsset {
    /// Its name.
    pub name: String,
    /// What it is, one of [`crate::KINDS`].
    pub kind: String,
    /// The number on its label; given by itself when there is none.
    pub tag: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// How much it hurts when it fails.
    pub criticality: Criticality,
    /// Where it stands.
    pub place: Option<i64>,
    /// The team that looks after it.
    pub team: Option<i64>,
    /// The person who answers for it.
    pub owner: Option<i64>,
    /// What else there is to know.
    pub notes: String,
}

/// The few fields of a thing that others show and route by.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// The number on its label.
    pub tag: String,
    /// Where it is in its life.
    pub status: Status,
    /// How much it hurts when it fails.
    pub criticality: Criticality,
    /// Where it stands.
    pub place: Option<i64>,
    /// The team that looks after it.
    pub team: Option<i64>,
    /// The person who answers for it.
    pub owner: Option<i64>,
}

/// Adds a thing, tells it, and makes it findable. Answers its number.
///
/// # Errors
/// A field does not fit, the tag is taken, or the place, team or owner is not known.
pub fn create(cx: &mut Cx, new: NewAsset) -> Result<i64> {
    let name = kernel::text::line("name", &new.name, thing::NAME_CHARS_MAX)?;
    let kind = thing::kind(&new.kind)?;
    let notes = crate::thing::notes(&new.notes)?;
    let given = new.tag.as_deref().filter(|text| !text.trim().is_empty()).map(thing::tag).transpose()?;
    if let Some(tag) = &given {
        free_tag(cx.tx, tag, 0)?;
    }
    known(cx.tx, new.place, new.team, new.owner)?;
    let passing = kernel::text::hex(&cx.random_id()?);
    let mut thing = Thing {
        id: 0,
        reference: Thing::subject(0),
        name,
        kind,
        tag: given.clone().unwrap_or(passing),
        status: new.status,
        criticality: new.criticality,
        place: new.place,
        team: new.team,
        owner: new.owner,
        notes,
        last_seen_at: None,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    thing.id = store::insert(cx.tx, &thing)?;
    thing.reference = Thing::subject(thing.id);
    if given.is_none() {
        thing.tag = thing::own_tag(thing.id);
        store::set_tag(cx.tx, thing.id, &thing.tag)?;
    }
    thing::record(cx, None, &thing)?;
    cx.emit(&ThingCreated {
        asset: thing.reference.clone(),
        name: thing.name.clone(),
        kind: thing.kind.clone(),
        tag: thing.tag.clone(),
    })?;
    index(cx, &thing)?;
    Ok(thing.id)
}

pub(crate) fn free_tag(tx: &mut Tx<'_>, tag: &str, except: i64) -> Result<()> {
    if store::tag_taken(tx, tag, except)? {
        return Err(Error::invalid("tag", format!("Another thing has the tag {tag} already. Use another.")));
    }
    Ok(())
}

/// Refuses a place, team or owner that is not known.
pub(crate) fn known(tx: &mut Tx<'_>, place: Option<i64>, team: Option<i64>, owner: Option<i64>) -> Result<()> {
    if let Some(id) = place
        && !people::place_known(tx, id)?
    {
        return Err(Error::invalid("place", format!("place:{id} is not known. Choose another place.")));
    }
    if let Some(id) = team
        && !people::team_known(tx, id)?
    {
        return Err(Error::invalid("team", format!("team:{id} is not known. Choose another team.")));
    }
    if let Some(id) = owner
        && !people::user_active(tx, id)?
    {
        return Err(Error::invalid("owner", format!("user:{id} is not known or has left. Choose another owner.")));
    }
    Ok(())
}

/// Makes a thing findable by name, tag, kind and the signs it is known by.
pub(crate) fn index(cx: &mut Cx, thing: &Thing) -> Result<()> {
    let signs = crate::identity::store::values(cx.tx, thing.id)?;
    let scopes =
        [thing.place.map(ScopeToken::Place), thing.team.map(ScopeToken::Team), thing.owner.map(ScopeToken::User)];
    cx.index(&Document {
        subject: thing.reference.clone(),
        title: thing.name.clone(),
        body: format!("{} {} {} {}", thing.tag, thing::kind_title(&thing.kind), signs.join(" "), thing.notes),
        scopes: scopes.into_iter().flatten().collect(),
        at: thing.updated_at,
    })
}

/// Things after a number with the few fields that others show, in order of their numbers: for reading all of them in slices.
pub fn things_after(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<(i64, Brief)>> {
    store::briefs_after(tx, after, limit)
}

/// The few fields of things that others show; numbers that are not known are left out.
pub fn brief(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Brief>> {
    if ids.is_empty() { Ok(BTreeMap::new()) } else { store::briefs(tx, ids) }
}

/// The things in use with these names, or whose machine calls itself so; a name of several things means none of them.
pub fn named(tx: &mut Tx<'_>, names: &[String]) -> Result<BTreeMap<String, i64>> {
    let mut found: BTreeMap<String, Option<i64>> = BTreeMap::new();
    for (name, asset) in store::named(tx, names)? {
        let one = found.entry(name).or_insert(Some(asset));
        if *one != Some(asset) {
            *one = None;
        }
    }
    Ok(found.into_iter().filter_map(|(name, asset)| Some((name, asset?))).collect())
}

/// Stamps when a thing's agent was last heard. Stamps less than a minute after the last one are not written.
pub fn seen(cx: &mut Cx, asset: i64, at: Time) -> Result<()> {
    if store::seen(cx.tx, asset, at)? {
        cx.touch(Thing::subject(asset));
    }
    Ok(())
}
