//! Releases of the agent's program: signed elsewhere, with a key that this server does not have, and imported here.

use std::io::Read as _;
use std::path::Path;

use agent_proto::SignedRelease;
use agent_proto::limits::{RELEASE_BYTES_MAX, RELEASE_TEXT_BYTES_MAX};
use kernel::blobs::Blob;
use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Ref, Result, Route, Time, get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::list_page::{self, ListPage};

pub(crate) mod store;

/// The operation that decides who sees releases.
pub(crate) const NAME: &str = "fleet.release.list";
/// The folder in the data folder that releases are imported from.
pub(crate) const FOLDER: &str = "releases";

/// The reference of a release.
pub(crate) fn release_ref(id: i64) -> Ref {
    Ref::new("agent_release", id)
}

/// A release as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) signed: SignedRelease,
    pub(crate) imported_at: Time,
    pub(crate) imported_by: String,
    pub(crate) withdrawn_at: Time,
}

/// A release of the agent's program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseView {
    /// Its number.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// What it was built for.
    pub target: String,
    /// Length of the program in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the program.
    pub sha256: String,
    /// It is signed to take the place of a newer version too.
    pub downgrade: bool,
    /// The key that signed it: agents whose policy pins it take the release.
    pub public_key: String,
    /// When it was imported.
    pub imported_at: Time,
    /// By whom.
    pub imported_by: String,
    /// It is not to be rolled out any more.
    pub withdrawn: bool,
}

impl Stored {
    pub(crate) fn view(self) -> ReleaseView {
        let release = self.signed.release;
        ReleaseView {
            id: self.id,
            version: release.version,
            target: release.target,
            size_bytes: release.size_bytes,
            sha256: kernel::text::hex(&release.sha256),
            downgrade: release.downgrade,
            public_key: kernel::text::hex(&self.signed.public_key),
            imported_at: self.imported_at,
            imported_by: self.imported_by,
            withdrawn: self.withdrawn_at.0 != 0,
        }
    }
}

/// Import a signed release of the agent's program.
///
/// Put the program and, beside it, the file NAME.release that "mainstay release sign" made into the folder
/// `releases` of the data folder. Nothing is sent to any machine before it is rolled out.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ImportRelease {
    /// The name of the program's file in the folder `releases`.
    pub name: String,
    #[serde(skip)]
    #[schemars(skip)]
    read: Option<(SignedRelease, Blob)>,
}

impl Operation for ImportRelease {
    const NAME: &'static str = "fleet.release.import";
    const ROUTE: Route = post("/fleet/releases");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = ReleaseView;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        if !cx.actor.reach(Self::NAME, cx.now).is_some_and(|reach| reach.everything) {
            return Err(Error::denied(Self::NAME));
        }
        let signed = signed(&cx.kernel.data().join(FOLDER), &self.name)?;
        let program = program(&cx.kernel.data().join(FOLDER), &self.name)?;
        let release = &signed.release;
        if program.len() as u64 != release.size_bytes
            || kernel::text::sha256_hex(&program) != kernel::text::hex(&release.sha256)
        {
            return Err(wrong(format!("{} is not the program that was signed. Copy it again.", self.name)));
        }
        let blob = cx.kernel.put_blob(&program)?;
        self.read = Some((signed, blob));
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ReleaseView> {
        cx.reach_everything(Self::NAME)?;
        let (signed, blob) = self.read.as_ref().ok_or_else(|| Error::internal("release-not-read", &self.name))?;
        let (by, now) = (cx.actor.name.clone(), cx.now);
        if let Some(known) = store::by_signature(cx.tx, &signed.signature)? {
            if known.withdrawn_at.0 == 0 {
                let version = known.signed.release.version;
                return Err(Error::conflict(format!("This release was imported already, as version {version}.")));
            }
            store::restore(cx.tx, known.id, &by, now)?;
            cx.keep_blob(blob, &release_ref(known.id))?;
            cx.changed(&release_ref(known.id), "withdrawn", true, false)?;
            return find(cx, known.id).map(Stored::view);
        }
        let id = store::insert(cx.tx, signed, &by, now)?;
        cx.keep_blob(blob, &release_ref(id))?;
        cx.changed(&release_ref(id), "version", serde_json::Value::Null, &signed.release.version)?;
        find(cx, id).map(Stored::view)
    }
}

fn wrong(message: String) -> Error {
    Error::invalid("name", message)
}

/// The text beside a program, with its signature verified.
fn signed(folder: &Path, name: &str) -> Result<SignedRelease> {
    let plain = !name.is_empty()
        && name.len() <= 128
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !plain {
        return Err(wrong("Give the name of a file in the folder releases, without a path.".to_owned()));
    }
    let text = read(folder, &format!("{name}.release"), RELEASE_TEXT_BYTES_MAX as u64)?;
    let text = String::from_utf8(text).map_err(|_| wrong(format!("{name}.release is not text.")))?;
    text.parse().map_err(|error| wrong(format!("{name}.release: {error}.")))
}

fn program(folder: &Path, name: &str) -> Result<Vec<u8>> {
    read(folder, name, RELEASE_BYTES_MAX)
}

/// A file of that folder. Nothing that leads elsewhere is read.
fn read(folder: &Path, name: &str, bytes_max: u64) -> Result<Vec<u8>> {
    let path = folder.join(name);
    let shown = path.display();
    let known = path.symlink_metadata().map_err(|error| wrong(format!("{shown} cannot be read: {error}.")))?;
    if !known.is_file() {
        return Err(wrong(format!("{shown} is no ordinary file.")));
    }
    if known.len() > bytes_max {
        return Err(wrong(format!("{shown} is longer than {bytes_max} bytes.")));
    }
    let file = std::fs::File::open(&path).map_err(|error| wrong(format!("{shown} cannot be read: {error}.")))?;
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes).map_err(|error| wrong(format!("{shown} cannot be read: {error}.")))?;
    Ok(bytes)
}

/// List releases of the agent's program, newest first.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListReleases {
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

impl Operation for ListReleases {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/fleet/releases");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<ReleaseView>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<ReleaseView>> {
        cx.reach_everything(Self::NAME)?;
        let limit = list_page::limit(self.limit)?;
        let rows = store::page(cx.tx, list_page::before(self.cursor.as_deref())?, limit + 1)?;
        let count = store::count(cx.tx)?;
        Ok(ListPage::new(rows.into_iter().map(Stored::view).collect(), limit, count, |row| row.id))
    }
}

/// Take a release back: it is not rolled out any more, and its program is removed. Machines that have it keep it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct WithdrawRelease {
    /// The release's number.
    #[schemars(extend("x-kind" = "agent_release"))]
    pub id: i64,
}

impl Operation for WithdrawRelease {
    const NAME: &'static str = "fleet.release.withdraw";
    const ROUTE: Route = post("/fleet/releases/{id}/withdraw");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = ReleaseView;

    fn run(&self, cx: &mut Cx) -> Result<ReleaseView> {
        cx.reach_everything(Self::NAME)?;
        let release = find(cx, self.id)?;
        if release.withdrawn_at.0 != 0 {
            return Err(Error::conflict("This release was withdrawn already."));
        }
        if let Some(open) = crate::rollout::store::open_of(cx.tx, None, Some(self.id))? {
            return Err(Error::conflict(format!("Rollout {open} brings it to machines. End that first.")));
        }
        let now = cx.now;
        store::withdraw(cx.tx, self.id, now)?;
        cx.drop_blob(&kernel::text::hex(&release.signed.release.sha256), &release_ref(self.id))?;
        cx.changed(&release_ref(self.id), "withdrawn", false, true)?;
        find(cx, self.id).map(Stored::view)
    }
}

/// A release by its number.
pub(crate) fn find(cx: &mut Cx, id: i64) -> Result<Stored> {
    store::find(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The release {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ordinary_file_of_the_folder_is_read() {
        let folder = tempfile_dir();
        for name in ["", "../secret", "a/b", ".hidden", "a b", "\u{202e}x", &"x".repeat(200)] {
            assert!(signed(&folder, name).unwrap_err().message.contains("without a path"), "{name}");
        }
        assert!(signed(&folder, "agent").unwrap_err().message.contains("cannot be read"));
        std::os::unix::fs::symlink("/etc/passwd", folder.join("agent.release")).unwrap();
        assert!(signed(&folder, "agent").unwrap_err().message.contains("no ordinary file"));
        std::fs::write(folder.join("other.release"), "x".repeat(5_000)).unwrap();
        assert!(signed(&folder, "other").unwrap_err().message.contains("longer than"));
        std::fs::write(folder.join("third.release"), "mainstay-release 1\n").unwrap();
        assert!(signed(&folder, "third").unwrap_err().message.contains("not a signed release"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    fn tempfile_dir() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("mainstay-releases-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}
