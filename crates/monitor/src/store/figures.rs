//! What figures show besides lines, in SQL: when alerts were out, and when people were not told.

use kernel::db::{Query, Tx};
use kernel::permission::Reach;
use kernel::{Result, Time};

use crate::silence::Matchers;

/// An alert that fired (true) or cleared: when, of which check, its name.
pub(crate) type Turn = (Time, i64, String, bool);

const TURNS: &str = "SELECT t.at, t.check_id, c.name, t.fired FROM monitor_transitions t JOIN monitor_checks c ON c.id = t.check_id \
     WHERE (t.fired = 1 OR t.cleared = 1)";

/// Alerts of an asset that fired or cleared up to a moment, the newest ones, oldest first.
pub(crate) fn turns_of_asset(tx: &mut Tx<'_>, asset: i64, to: Time, reach: &Reach, limit: i64) -> Result<Vec<Turn>> {
    let mut query = Query::new(TURNS);
    query.push(" AND t.asset_id = ").bind(asset).push(" AND t.at <= ").bind(to);
    super::CHECKS.narrow(&mut query, reach);
    query.push(" ORDER BY t.at DESC, t.id DESC LIMIT ").bind(limit);
    turns(tx, &query)
}

/// The same of one check, which the caller has found visible.
pub(crate) fn turns_of_check(tx: &mut Tx<'_>, check: i64, to: Time, limit: i64) -> Result<Vec<Turn>> {
    let mut query = Query::new(TURNS);
    query.push(" AND t.check_id = ").bind(check).push(" AND t.at <= ").bind(to);
    query.push(" ORDER BY t.id DESC LIMIT ").bind(limit);
    turns(tx, &query)
}

fn turns(tx: &mut Tx<'_>, query: &Query) -> Result<Vec<Turn>> {
    let rows = tx.run(query)?;
    rows.iter().rev().map(|row| Ok((row.time(0)?, row.int(1)?, row.text(2)?, row.bool(3)?))).collect()
}

/// Silences of an asset or a check, and for a check those by labels alone, that overlap a time, oldest first: from, until,
/// why, and which labels.
pub(crate) fn silences(
    tx: &mut Tx<'_>,
    (asset, check): (Option<i64>, Option<i64>),
    (from, to): (Time, Time),
    reach: &Reach,
    limit: i64,
) -> Result<Vec<(Time, Time, String, Matchers)>> {
    let mut query =
        Query::new("SELECT s.from_at, s.until_at, s.reason, s.matchers FROM monitor_silences s WHERE s.until_at >= ");
    query.bind(from).push(" AND s.from_at <= ").bind(to);
    // A silence of another check on the same asset is not about this one.
    query.push(" AND (s.check_id = ").bind(check.unwrap_or(0));
    query.push(" OR (s.asset_id = ").bind(asset.unwrap_or(0)).push(" AND s.check_id IS NULL)");
    if check.is_some() {
        query.push(" OR (s.asset_id IS NULL AND s.check_id IS NULL AND s.team_id IS NULL AND s.matchers <> '')");
    }
    query.push(")");
    super::SILENCES.narrow(&mut query, reach);
    query.push(" ORDER BY s.until_at, s.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(|row| Ok((row.time(0)?, row.time(1)?, row.text(2)?, row.text(3)?.into()))).collect()
}
