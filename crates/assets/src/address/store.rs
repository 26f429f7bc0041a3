//! Addresses in SQL.

use kernel::db::Tx;
use kernel::{Error, Result};

use super::{Role, Said};

/// Addresses of one thing that are read: those of a few roles, each with a limit of its own.
const ROWS_MAX: usize = 500;
/// Most things with one address that are looked at.
const OWNERS_MAX: usize = 100;

/// What is said about the addresses of a thing.
pub(crate) fn of(tx: &mut Tx<'_>, asset: i64) -> Result<Said> {
    let sql = "SELECT role, address FROM assets_addresses WHERE asset_id = ?1 ORDER BY role, address LIMIT ?2";
    let rows = tx.query(sql, &[asset.into(), ROWS_MAX.into()])?;
    let said = rows.iter().map(|row| {
        let role = Role::parse(row.str(0)?).ok_or_else(|| Error::internal("address-role", row.str(0).unwrap_or("")))?;
        Ok((role, row.text(1)?))
    });
    said.collect()
}

/// The addresses that a person says a thing has.
pub(crate) fn given(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<String>> {
    let said = of(tx, asset)?.into_iter();
    Ok(said.filter(|(role, _)| *role == Role::Given).map(|(_, address)| address).collect())
}

pub(crate) fn put(tx: &mut Tx<'_>, asset: i64, role: Role, address: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO assets_addresses (address, role, asset_id) VALUES (?1, ?2, ?3) ON CONFLICT (address, role, asset_id) DO NOTHING",
        &[address.into(), role.as_str().into(), asset.into()],
    )?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, asset: i64, role: Role, address: &str) -> Result<()> {
    let sql = "DELETE FROM assets_addresses WHERE address = ?1 AND role = ?2 AND asset_id = ?3";
    tx.execute(sql, &[address.into(), role.as_str().into(), asset.into()])?;
    Ok(())
}

/// The things in use that have an address, and their places; where a person says who has it, no agent has a say.
pub(crate) fn owners(tx: &mut Tx<'_>, address: &str) -> Result<Vec<(i64, Option<i64>)>> {
    let sql = "SELECT d.asset_id, a.place_id FROM assets_addresses d JOIN assets_things a ON a.id = d.asset_id \
               WHERE d.address = ?1 AND d.role = ?2 AND a.status <> 'retired' ORDER BY d.asset_id LIMIT ?3";
    for role in [Role::Given, Role::Own] {
        let rows = tx.query(sql, &[address.into(), role.as_str().into(), OWNERS_MAX.into()])?;
        if !rows.is_empty() {
            return rows.iter().map(|row| Ok((row.int(0)?, row.opt_int(1)?))).collect();
        }
    }
    Ok(Vec::new())
}

/// Things after a number that name an address as that of something they stand on, in order of their numbers.
pub(crate) fn naming(tx: &mut Tx<'_>, address: &str, after: i64, limit: usize) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT asset_id FROM assets_addresses WHERE address = ?1 AND role NOT IN ('own', 'given') \
               AND asset_id > ?2 ORDER BY asset_id LIMIT ?3";
    tx.query(sql, &[address.into(), after.into(), limit.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Things after a number with facts of a section, of whose addresses nothing is known.
pub(crate) fn unread(tx: &mut Tx<'_>, section: &str, after: i64, limit: usize) -> Result<Vec<i64>> {
    let sql = "SELECT s.asset_id FROM assets_sections s WHERE s.section = ?1 AND s.asset_id > ?2 \
               AND NOT EXISTS (SELECT 1 FROM assets_addresses d WHERE d.asset_id = s.asset_id) ORDER BY s.asset_id LIMIT ?3";
    tx.query(sql, &[section.into(), after.into(), limit.into()])?.iter().map(|row| row.int(0)).collect()
}
