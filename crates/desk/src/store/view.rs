//! Saved views.

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

/// A filter with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) filter: String,
    /// The plan as JSON.
    pub(crate) plan: String,
    pub(crate) owner: i64,
    pub(crate) shared: bool,
    pub(crate) version: i64,
}

const COLUMNS: &str = "SELECT id, name, filter, plan, owner_id, shared, version FROM desk_views ";

fn view(row: &Row) -> Result<View> {
    Ok(View {
        id: row.int(0)?,
        name: row.text(1)?,
        filter: row.text(2)?,
        plan: row.text(3)?,
        owner: row.int(4)?,
        shared: row.bool(5)?,
        version: row.int(6)?,
    })
}

/// Adds a view; its own number is not read.
pub(crate) fn insert(tx: &mut Tx<'_>, one: &View, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO desk_views (name, filter, plan, owner_id, shared, version, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) RETURNING id",
        &[
            (&one.name).into(),
            (&one.filter).into(),
            (&one.plan).into(),
            one.owner.into(),
            one.shared.into(),
            now.into(),
        ],
    )
}

/// Writes a view again with the next version.
pub(crate) fn save(tx: &mut Tx<'_>, one: &View, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE desk_views SET name = ?1, filter = ?2, plan = ?3, shared = ?4, version = version + 1, updated_at = ?5 WHERE id = ?6",
        &[
            (&one.name).into(),
            (&one.filter).into(),
            (&one.plan).into(),
            one.shared.into(),
            now.into(),
            one.id.into(),
        ],
    )?;
    Ok(())
}

/// Removes a view.
pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM desk_views WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// A view that somebody may use: their own or a shared one.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, user: i64) -> Result<Option<View>> {
    let mut query = kernel::db::Query::new(COLUMNS);
    query.push("WHERE id = ").bind(id).push(" AND (owner_id = ").bind(user).push(" OR shared = 1)");
    tx.run(&query)?.first().map(view).transpose()
}

/// The views that somebody may use, by name.
pub(crate) fn of(tx: &mut Tx<'_>, user: i64, limit: i64) -> Result<Vec<View>> {
    let mut query = kernel::db::Query::new(COLUMNS);
    query.push("WHERE owner_id = ").bind(user).push(" OR shared = 1 ORDER BY name, id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(view).collect()
}

/// How many views somebody has.
pub(crate) fn count(tx: &mut Tx<'_>, user: i64) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM desk_views WHERE owner_id = ?1", &[user.into()])?.int(0)
}
