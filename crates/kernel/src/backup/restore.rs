//! Restoring: an empty database of either engine is filled in one transaction, its epoch moves on, its effects are held.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Contents, Line, Reader, broken, decode, known, read, store, unusable};
use crate::db::{Db, Migration, Options, Priority, Source, Tx};
use crate::error::{Error, Result};
use crate::lock::DataLock;
use crate::time::Time;

/// Where a backup is restored to.
pub struct Into<'a> {
    /// The database; it must not hold anything yet.
    pub source: &'a Source,
    /// The data folder for the files.
    pub data: &'a Path,
    /// Name and migrations of every domain, the kernel's first.
    pub migrations: &'a [(&'static str, &'static [Migration])],
    /// The version that restores.
    pub version: &'static str,
    /// The present moment.
    pub now: Time,
}

/// Restores a backup: proves it, fills the empty database in one transaction, and writes the files. Jobs and mail are held
/// afterwards until an administrator releases them.
pub fn restore(path: &Path, into: &Into<'_>) -> Result<Contents> {
    let (contents, applied) = read(path)?;
    let migrations = known(&contents, &applied, into.migrations)?;
    crate::lock::make_folder(into.data)?;
    let _lock = DataLock::take(into.data)?;
    let db = Db::open(into.source, &Options { writers: 1, readers: 1, ..Options::default() })?;
    db.migrate(&migrations, into.version, into.now, &|| Ok(()))?;
    if !db.read(store::is_empty)? {
        return Err(Error::conflict(
            "The database holds data already. Restore into an empty one: another file, or another schema.",
        ));
    }
    files(path, into.data)?;
    let from = path.to_owned();
    db.write("kernel.restore", Priority::Interactive, move |tx| fill(tx, &from))?;
    Ok(contents)
}

fn fill(tx: &mut Tx<'_>, path: &Path) -> Result<()> {
    tx.without_time_limit()?;
    store::defer_foreign_keys(tx)?;
    let tables = store::tables(tx)?;
    store::empty(tx, &tables)?;
    let mut reader = Reader::open(path)?;
    let mut insert = None;
    loop {
        match reader.next()? {
            Line::Manifest { .. } => {}
            Line::Table { name, columns, last_id } => {
                let known = tables.iter().find(|table| table.name == name);
                let known = known.ok_or_else(|| broken(path, &format!("the table {name} is unknown")))?;
                if columns.iter().any(|column| !known.columns.contains(column)) {
                    return Err(broken(path, &format!("the table {name} has unknown columns")));
                }
                store::set_last_id(tx, &name, last_id)?;
                insert = Some(store::Insert::new(&name, &columns));
            }
            Line::Row(values) => {
                let row: Option<Vec<_>> = values.into_iter().map(decode).collect();
                let row = row.ok_or_else(|| broken(path, "a value cannot be read"))?;
                let insert = insert.as_ref().ok_or_else(|| broken(path, "a row has no table"))?;
                insert.run(tx, &row)?;
            }
            Line::File { .. } => {}
            Line::End { .. } => break,
        }
    }
    store::check_foreign_keys(tx)?;
    crate::search::store::rebuild(tx)?;
    crate::meta::restored(tx)
}

/// Writes the files; those that exist already with the same name are replaced.
fn files(path: &Path, data: &Path) -> Result<()> {
    let mut reader = Reader::open(path)?;
    let mut open: Option<(String, PathBuf, std::fs::File)> = None;
    loop {
        match reader.next()? {
            Line::File { path: name, part } => {
                let bytes = STANDARD.decode(part).map_err(|error| broken(path, &error.to_string()))?;
                if open.as_ref().is_none_or(|(current, ..)| *current != name) {
                    close(open.take())?;
                    open = Some(create(path, data, name)?);
                }
                if let Some((_, target, file)) = &mut open {
                    file.write_all(&bytes).map_err(|error| unusable(target, &error))?;
                }
            }
            Line::End { .. } => return close(open.take()),
            _ => {}
        }
    }
}

fn create(path: &Path, data: &Path, name: String) -> Result<(String, PathBuf, std::fs::File)> {
    let plain = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(broken(path, &format!("\"{}\" leads out of the data folder", crate::text::shorten(&name, 80))));
    }
    let target = data.join(&name);
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    }
    let file = std::fs::File::create(&target).map_err(|error| unusable(&target, &error))?;
    Ok((name, target, file))
}

fn close(open: Option<(String, PathBuf, std::fs::File)>) -> Result<()> {
    match open {
        Some((_, target, file)) => file.sync_all().map_err(|error| unusable(&target, &error)),
        None => Ok(()),
    }
}
