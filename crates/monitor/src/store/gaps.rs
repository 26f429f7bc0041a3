//! Reported gaps in SQL.

use kernel::Result;
use kernel::Time;
use kernel::db::Tx;

use crate::samples::GapMark;

/// Keeps a gap; the same one again changes nothing.
pub(crate) fn insert(tx: &mut Tx<'_>, gap: &GapMark, now: Time) -> Result<bool> {
    let written = tx.execute(
        "INSERT INTO monitor_gaps (asset_id, lane, from_at, to_at, dropped, why, reported_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (asset_id, lane, from_at, to_at) DO NOTHING",
        &[
            gap.asset.into(),
            gap.lane.into(),
            gap.from.into(),
            gap.to.into(),
            gap.dropped.into(),
            (&gap.why).into(),
            now.into(),
        ],
    )?;
    Ok(written > 0)
}

/// Gaps of an asset that overlap a time, oldest first: from, to, why.
pub(crate) fn between(
    tx: &mut Tx<'_>,
    asset: i64,
    from: Time,
    to: Time,
    limit: i64,
) -> Result<Vec<(Time, Time, String)>> {
    tx.query(
        "SELECT from_at, to_at, why FROM monitor_gaps WHERE asset_id = ?1 AND to_at >= ?2 AND from_at <= ?3 ORDER BY from_at LIMIT ?4",
        &[asset.into(), from.into(), to.into(), limit.into()],
    )?
    .iter()
    .map(|row| Ok((row.time(0)?, row.time(1)?, row.text(2)?)))
    .collect()
}
