//! Proposals in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::permission::Reach;
use kernel::{Error, Result, Time};

use crate::probe::Kind;
use crate::proposal::{Proposal, ProposalState, Suggested};

const COLUMNS: &str = "SELECT p.id, p.asset_id, p.kind, p.name, p.why, p.fields, p.state, p.check_id, p.created_at, p.decided_by, p.version \
     FROM monitor_proposals p WHERE 1 = 1";

fn proposal(row: &Row) -> Result<Proposal> {
    let broken = |what: &str| Error::internal("monitor-proposal-row", what);
    Ok(Proposal {
        id: row.int(0)?,
        asset: row.int(1)?,
        kind: Kind::parse(row.str(2)?).ok_or_else(|| broken("kind"))?,
        name: row.text(3)?,
        why: row.text(4)?,
        fields: row.json(5)?,
        state: ProposalState::parse(row.str(6)?).ok_or_else(|| broken("state"))?,
        check: row.opt_int(7)?,
        created_at: row.time(8)?,
        decided_by: Some(row.text(9)?).filter(|name| !name.is_empty()),
        version: row.int(10)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, asset: i64, new: &Suggested, brief: &assets::Brief, now: Time) -> Result<()> {
    let fields = serde_json::to_string(&new.fields).map_err(|error| Error::internal("fields-not-json", error))?;
    tx.execute(
        "INSERT INTO monitor_proposals (asset_id, target, kind, name, why, fields, state, check_id, team_id, place_id, owner_id, created_at, \
         decided_by, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', NULL, ?7, ?8, ?9, ?10, '', 1) ON CONFLICT (asset_id, target) DO NOTHING",
        &[
            asset.into(),
            (&new.target).into(),
            new.kind.as_str().into(),
            (&new.name).into(),
            (&new.why).into(),
            fields.into(),
            brief.team.into(),
            brief.place.into(),
            brief.owner.into(),
            now.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, ids: &[i64]) -> Result<()> {
    for id in ids {
        tx.execute("DELETE FROM monitor_proposals WHERE id = ?1 AND state <> 'dismissed'", &[(*id).into()])?;
    }
    Ok(())
}

/// What was ever proposed for an asset: by target, its number and what became of it.
pub(crate) fn of_asset(tx: &mut Tx<'_>, asset: i64) -> Result<BTreeMap<String, (i64, ProposalState)>> {
    let rows = tx.query("SELECT target, id, state FROM monitor_proposals WHERE asset_id = ?1", &[asset.into()])?;
    let broken = || Error::internal("monitor-proposal-row", "state");
    let one = |row: &Row| {
        let state = ProposalState::parse(row.str(2)?).ok_or_else(broken)?;
        Ok((row.text(0)?, (row.int(1)?, state)))
    };
    rows.iter().map(one).collect()
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Proposal>> {
    Ok(visible(tx, &[id], reach)?.into_iter().next())
}

pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Proposal>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND p.id IN ").list(ids);
    super::PROPOSALS.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(proposal).collect()
}

fn narrowed(query: &mut Query, state: ProposalState, asset: Option<i64>, reach: &Reach) {
    query.push(" AND p.state = ").bind(state.as_str());
    if let Some(asset) = asset {
        query.push(" AND p.asset_id = ").bind(asset);
    }
    super::PROPOSALS.narrow(query, reach);
}

pub(super) fn page_query(state: ProposalState, asset: Option<i64>, reach: &Reach, before: i64, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, state, asset, reach);
    query.push(" AND p.id < ").bind(before).push(" ORDER BY p.id DESC LIMIT ").bind(limit);
    query
}

/// One page, newest first.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    state: ProposalState,
    asset: Option<i64>,
    reach: &Reach,
    before: i64,
    limit: usize,
) -> Result<Vec<Proposal>> {
    tx.run(&page_query(state, asset, reach, before, limit))?.iter().map(proposal).collect()
}

/// How many fit, counted up to `cap`.
pub(crate) fn count(tx: &mut Tx<'_>, state: ProposalState, asset: Option<i64>, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query = Query::new("SELECT p.id FROM monitor_proposals p WHERE 1 = 1");
    narrowed(&mut query, state, asset, reach);
    tx.count(&query.counted(cap))
}

pub(crate) fn decide(tx: &mut Tx<'_>, id: i64, state: ProposalState, check: Option<i64>, by: &str) -> Result<()> {
    tx.execute(
        "UPDATE monitor_proposals SET state = ?1, check_id = ?2, decided_by = ?3, version = version + 1 WHERE id = ?4",
        &[state.as_str().into(), check.into(), by.into(), id.into()],
    )?;
    Ok(())
}

/// Who sees proposals follows the asset.
pub(crate) fn follow_asset(
    tx: &mut Tx<'_>,
    asset: i64,
    team: Option<i64>,
    place: Option<i64>,
    owner: Option<i64>,
) -> Result<u64> {
    tx.execute(
        "UPDATE monitor_proposals SET team_id = ?1, place_id = ?2, owner_id = ?3 WHERE asset_id = ?4",
        &[team.into(), place.into(), owner.into(), asset.into()],
    )
}

/// Nothing is proposed for what is retired.
pub(crate) fn forget_open(tx: &mut Tx<'_>, asset: i64) -> Result<u64> {
    tx.execute("DELETE FROM monitor_proposals WHERE asset_id = ?1 AND state = 'open'", &[asset.into()])
}
