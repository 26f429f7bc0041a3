//! A backup: one file that either engine can be restored from. A zstd stream of JSON lines: a manifest, every table's
//! rows from one snapshot, the files of some folders, and an end line with counts and a digest over all before it. It is
//! read back and proven before it gets its name. The master key is not in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::db::{Db, Migration, Value};
use crate::error::{Error, Result};
use crate::text::hex;
use crate::time::Time;

mod files;
mod restore;
mod store;

pub use restore::{Into, restore};

/// The format's number; a reader refuses others.
const FORMAT: u32 = 1;
/// Bytes of a file in one line.
const PART_BYTES: usize = 256 * 1024;
/// Longest line a reader takes.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The version of Mainstay that wrote it.
    pub version: String,
    /// When.
    pub at: Time,
    /// Rows in each table.
    pub rows: BTreeMap<String, u64>,
    /// Files from folders.
    pub files: u64,
    /// SHA-256 over everything before the end line.
    pub sha256: String,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
struct Applied {
    domain: String,
    number: i64,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Manifest { format: u32, version: String, at: Time, migrations: Vec<Applied> },
    Table { name: String, columns: Vec<String>, last_id: i64 },
    Row(Vec<Json>),
    File { path: String, part: String },
    End { rows: BTreeMap<String, u64>, files: u64, sha256: String },
}

/// Writes a backup of a database and of folders below its data folder (`blobs`, `tsdb/head` ..) to `to`, then reads it back.
/// An existing file of that name stays until the new one is proven. The server may run meanwhile.
///
/// Folders are copied in their order. What moves from one folder to a later one meanwhile is met twice, never not at all.
///
/// # Errors
/// Something cannot be read or written, or what was read back differs.
pub fn write(db: &Db, data: &Path, now: Time, to: &Path, folders: &[&str]) -> Result<Contents> {
    // A name of its own: another backup may be on its way to the same place.
    let beside = to.with_extension(format!("unfinished-{}", std::process::id()));
    let outcome = write_all(db, data, now, &beside, folders).and_then(|written| {
        let read = verify(&beside)?;
        if read != written {
            return Err(Error::internal("backup-differs", "what was read back is not what was written"));
        }
        std::fs::rename(&beside, to).map_err(|error| unusable(to, &error))?;
        Ok(read)
    });
    if outcome.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    outcome
}

fn write_all(db: &Db, data: &Path, at: Time, to: &Path, folders: &[&str]) -> Result<Contents> {
    let mut writer = Writer::create(to)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut rows = BTreeMap::new();
    db.read_long(|tx| {
        let migrations = store::migrations(tx)?;
        writer.line(&Line::Manifest { format: FORMAT, version: version.clone(), at, migrations })?;
        for table in store::tables(tx)? {
            let last_id = store::last_id(tx, &table.name)?;
            let (name, columns) = (table.name.clone(), table.columns.clone());
            writer.line(&Line::Table { name, columns, last_id })?;
            let mut count = 0;
            store::each_row(tx, &table, &mut |row| {
                count += 1;
                writer.line(&Line::Row(row.0.iter().map(encode).collect()))
            })?;
            rows.insert(table.name, count);
        }
        Ok(())
    })?;
    let mut files = 0;
    for folder in folders {
        files += files::each(&data.join(folder), |path, file| writer.file(data, path, file))?;
    }
    let sha256 = writer.finish(&rows, files)?;
    Ok(Contents { version, at, rows, files, sha256 })
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::unavailable(format!("The backup {} cannot be used: {error}.", path.display()))
}

fn broken(path: &Path, why: &str) -> Error {
    Error::conflict(format!("The backup {} is damaged: {why}. Use another one.", path.display()))
}

/// A value as JSON: bytes in an object, the rest as itself.
fn encode(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(value) => (*value).into(),
        Value::Real(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::Bytes(value) => serde_json::json!({ "bytes": STANDARD.encode(value) }),
    }
}

fn decode(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Real))?,
        Json::String(text) => Value::Text(text),
        Json::Object(fields) => Value::Bytes(STANDARD.decode(fields.get("bytes")?.as_str()?).ok()?),
        Json::Bool(_) | Json::Array(_) => return None,
    })
}

struct Writer {
    path: PathBuf,
    stream: zstd::Encoder<'static, File>,
    digest: Context,
}

impl Writer {
    fn create(path: &Path) -> Result<Self> {
        let mut options = File::options();
        // Password hashes and everybody's words are in it: only its owner may read it.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.write(true).create(true).truncate(true).open(path).map_err(|error| unusable(path, &error))?;
        let stream = zstd::Encoder::new(file, 3).map_err(|error| unusable(path, &error))?;
        Ok(Self { path: path.to_owned(), stream, digest: Context::new(&SHA256) })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|error| Error::internal("backup-line", error))?;
        text.push(b'\n');
        self.digest.update(&text);
        self.stream.write_all(&text).map_err(|error| unusable(&self.path, &error))
    }

    fn file(&mut self, data: &Path, path: &Path, file: &File) -> Result<()> {
        let name = path.strip_prefix(data).ok().and_then(Path::to_str);
        let name = name.ok_or_else(|| Error::internal("backup-file-name", path.display()))?.to_owned();
        let mut first = true;
        loop {
            let mut part = Vec::new();
            file.take(PART_BYTES as u64).read_to_end(&mut part).map_err(|error| unusable(path, &error))?;
            if part.is_empty() && !first {
                return Ok(());
            }
            first = false;
            self.line(&Line::File { path: name.clone(), part: STANDARD.encode(&part) })?;
        }
    }

    fn finish(mut self, rows: &BTreeMap<String, u64>, files: u64) -> Result<String> {
        let sha256 = hex(self.digest.clone().finish().as_ref());
        self.line(&Line::End { rows: rows.clone(), files, sha256: sha256.clone() })?;
        let file = self.stream.finish().map_err(|error| unusable(&self.path, &error))?;
        file.sync_all().map_err(|error| unusable(&self.path, &error))?;
        Ok(sha256)
    }
}

/// What a reader meets, in order; it ends with the contents.
struct Reader {
    path: PathBuf,
    stream: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    digest: Context,
}

impl Reader {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unusable(path, &error))?;
        let stream = zstd::Decoder::new(file).map_err(|error| unusable(path, &error))?;
        Ok(Self { path: path.to_owned(), stream: BufReader::new(stream), digest: Context::new(&SHA256) })
    }

    fn next(&mut self) -> Result<Line> {
        let mut text = Vec::new();
        let read = self.stream.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        read.map_err(|error| broken(&self.path, &error.to_string()))?;
        if text.last() != Some(&b'\n') {
            return Err(broken(&self.path, "it ends too early"));
        }
        let line = serde_json::from_slice(&text).map_err(|error| broken(&self.path, &error.to_string()))?;
        if !matches!(line, Line::End { .. }) {
            self.digest.update(&text);
        }
        Ok(line)
    }
}

/// Reads a whole backup and proves it: format, counts and digest. Answers what it holds.
pub fn verify(path: &Path) -> Result<Contents> {
    read(path).map(|(contents, _)| contents)
}

fn read(path: &Path) -> Result<(Contents, Vec<Applied>)> {
    let mut reader = Reader::open(path)?;
    let Line::Manifest { format, version, at, migrations } = reader.next()? else {
        return Err(broken(path, "it does not begin with a manifest"));
    };
    if format != FORMAT {
        return Err(Error::conflict(format!(
            "The backup {} has format {format}, written by Mainstay {version}. Restore it with that version.",
            path.display()
        )));
    }
    let (mut counted, mut table, mut seen) = (BTreeMap::new(), None, std::collections::BTreeSet::new());
    loop {
        match reader.next()? {
            Line::Table { name, .. } => {
                counted.insert(name.clone(), 0);
                table = Some(name);
            }
            Line::Row(_) => {
                let count = table.as_ref().and_then(|name| counted.get_mut(name));
                *count.ok_or_else(|| broken(path, "a row has no table"))? += 1;
            }
            Line::File { path, .. } => {
                seen.insert(path);
            }
            Line::End { rows, files, sha256 } => {
                let digest = hex(reader.digest.clone().finish().as_ref());
                if digest != sha256 || rows != counted || files != seen.len() as u64 {
                    return Err(broken(path, "its digest or its counts do not fit"));
                }
                return Ok((Contents { version, at, rows, files, sha256 }, migrations));
            }
            Line::Manifest { .. } => return Err(broken(path, "it has two manifests")),
        }
    }
}

/// The migrations that a backup was written with, or why this program cannot restore it.
fn known(
    contents: &Contents,
    applied: &[Applied],
    ours: &[(&'static str, &'static [Migration])],
) -> Result<Vec<(&'static str, &'static [Migration])>> {
    for one in applied {
        let found = ours
            .iter()
            .find(|(domain, _)| *domain == one.domain)
            .and_then(|(_, migrations)| migrations.iter().find(|migration| migration.number == one.number));
        match found {
            Some(found) if crate::text::sha256_hex(found.sql.as_bytes()) == one.checksum => {}
            _ => {
                return Err(Error::conflict(format!(
                    "This backup was written by Mainstay {} (it has {}/{}), which this program does not know. Restore it with that version or a later one.",
                    contents.version, one.domain, one.number
                )));
            }
        }
    }
    let then = |domain: &str, migrations: &'static [Migration]| {
        let count = applied.iter().filter(|one| one.domain == domain).count();
        migrations.get(..count).unwrap_or(migrations)
    };
    Ok(ours.iter().map(|(domain, migrations)| (*domain, then(domain, migrations))).collect())
}
