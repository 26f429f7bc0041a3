//! What monitoring asks the layer below: names and owners of assets, and what they stand on.

use std::collections::{BTreeMap, BTreeSet};

use kernel::db::Tx;
use kernel::{Cx, Error, Reach, Result};

use crate::limits::{HOPS_MAX, RELATED_MAX};

/// An asset that the actor's grant for `operation` covers, or an error at `field`.
pub(crate) fn visible_asset(cx: &mut Cx, operation: &str, asset: i64, field: &str) -> Result<assets::Brief> {
    let reach = cx.reach(operation)?;
    let found = assets::brief(cx.tx, &[asset])?.remove(&asset);
    found.filter(|brief| covers(&reach, brief)).ok_or_else(|| {
        Error::invalid(
            field,
            format!("The asset {asset} was not found. It may have been removed, or you may not see it."),
        )
    })
}

/// True when a reach covers rows about this asset.
pub(crate) fn covers(reach: &Reach, brief: &assets::Brief) -> bool {
    reach.everything
        || brief.place.is_some_and(|place| reach.places.contains(&place))
        || brief.team.is_some_and(|team| reach.teams.contains(&team))
        || (reach.own.is_some() && brief.owner == reach.own)
}

/// Names of assets; what is not known is "asset N".
pub(crate) fn asset_names(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let briefs = assets::brief(tx, ids)?;
    Ok(ids
        .iter()
        .map(|id| (*id, briefs.get(id).map_or_else(|| format!("asset {id}"), |one| one.name.clone())))
        .collect())
}

/// The name of one asset, if there is one.
pub(crate) fn name_of(tx: &mut Tx<'_>, asset: Option<i64>) -> Result<Option<String>> {
    let Some(id) = asset else { return Ok(None) };
    Ok(asset_names(tx, &[id])?.remove(&id))
}

/// What an asset stands on, nearest first, without itself.
pub(crate) fn ancestors(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<i64>> {
    walk(asset, |ring| {
        Ok(assets::parents(tx, ring)?.into_iter().filter(|one| one.kind.spreads()).map(|one| one.to).collect())
    })
}

/// What an asset stands on, if there is an asset.
pub(crate) fn below(tx: &mut Tx<'_>, asset: Option<i64>) -> Result<Vec<i64>> {
    asset.map_or_else(|| Ok(Vec::new()), |asset| ancestors(tx, asset))
}

/// Everything that stands on an asset, or is a part of it, within so many hops, without itself.
pub(crate) fn dependents(tx: &mut Tx<'_>, asset: i64, hops: usize, most: usize) -> Result<Vec<i64>> {
    let next = |ring: &[i64]| Ok(assets::children(tx, ring)?.into_iter().map(|one| one.from).collect());
    walk_far(asset, hops, most, next)
}

/// Everything that an asset stands on, or consists of, within so many hops, without itself.
pub(crate) fn foundations(tx: &mut Tx<'_>, asset: i64, hops: usize, most: usize) -> Result<Vec<i64>> {
    let next = |ring: &[i64]| {
        let on = assets::parents(tx, ring)?.into_iter().filter(carries).map(|one| one.to);
        let mut all: Vec<i64> = on.collect();
        all.extend(
            assets::children(tx, ring)?
                .into_iter()
                .filter(|one| one.kind == assets::RelationKind::PartOf)
                .map(|one| one.from),
        );
        Ok(all)
    };
    walk_far(asset, hops, most, next)
}

/// What a thing itself stands on: not the network and the power that it shares with everything else.
fn carries(relation: &assets::Relation) -> bool {
    relation.kind.spreads() && !relation.kind.is_shared()
}

/// Breadth first over at most [`HOPS_MAX`] hops and [`RELATED_MAX`] things, one question a hop; circles end by themselves.
fn walk(from: i64, next: impl FnMut(&[i64]) -> Result<Vec<i64>>) -> Result<Vec<i64>> {
    walk_far(from, HOPS_MAX, RELATED_MAX, next)
}

fn walk_far(from: i64, hops: usize, most: usize, mut next: impl FnMut(&[i64]) -> Result<Vec<i64>>) -> Result<Vec<i64>> {
    let mut seen = BTreeSet::from([from]);
    let (mut found, mut ring) = (Vec::new(), vec![from]);
    for _ in 0..hops {
        if ring.is_empty() {
            break;
        }
        let mut further = Vec::new();
        for other in next(&ring)? {
            if found.len() < most && seen.insert(other) {
                found.push(other);
                further.push(other);
            }
        }
        ring = further;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inventory_has_a_kind_for_every_set_that_causes_speak_of() {
        let known = |kind: &String| assets::KINDS.iter().any(|(word, ..)| word == kind);
        let rules = causes::Rules::built_in();
        let unknown = rules.sets().filter(|(name, kinds)| *name != "monitor" && !kinds.iter().any(known));
        assert_eq!(unknown.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&str>::new());
        for kind in assets::RelationKind::ALL {
            assert!(causes::RelationKind::parse(kind.as_str()).is_some(), "{kind:?} tells the search nothing");
        }
    }

    #[test]
    fn a_walk_goes_three_hops_nearest_first_and_survives_circles() {
        let edges = BTreeMap::from([(1, vec![2, 3]), (2, vec![4, 1]), (3, vec![4]), (4, vec![5]), (5, vec![6, 1])]);
        let mut asked = 0;
        let found = walk(1, |ring| {
            asked += 1;
            Ok(ring.iter().flat_map(|id| edges.get(id).cloned().unwrap_or_default()).collect())
        });
        assert_eq!((found.unwrap(), asked), (vec![2, 3, 4, 5], 3));
    }
}
