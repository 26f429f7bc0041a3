//! The people of the town, written straight to their tables.

use kernel::Result;
use kernel::db::Tx;

pub(crate) fn person(tx: &mut Tx<'_>, login: &str, name: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_users (login, name, email, password_hash, zone, locale, created_at, updated_at, version) \
         VALUES (?1, ?2, '', '', 'UTC', 'en', 0, 0, 1) RETURNING id",
        &[login.into(), name.into()],
    )
}

pub(crate) fn team(tx: &mut Tx<'_>, slug: &str, name: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_teams (slug, name, about, created_at, version) VALUES (?1, ?2, '', 0, 1) RETURNING id",
        &[slug.into(), name.into()],
    )
}

pub(crate) fn place(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_places (kind, name, path, created_at, version) VALUES ('client', ?1, '/1/', 0, 1) RETURNING id",
        &[name.into()],
    )
}
