//! Installed packages: key is the name, value the version. The package database is asked again only when it changed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use agent_proto::facts::Section;

use super::Sheet;
use crate::subprocess;

const DEADLINE: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

const DPKG: &str = "/var/lib/dpkg/status";
const RPM: [&str; 3] = ["/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages"];
const APK: &str = "/lib/apk/db/installed";

#[derive(Default)]
pub(super) struct Packages {
    seen: Option<SystemTime>,
}

impl Packages {
    /// `None` when nothing changed since the last look, or the database does not answer.
    pub(super) async fn look(&mut self) -> Option<Section> {
        let (path, argv): (&str, &[&str]) = if Path::new(DPKG).exists() {
            (DPKG, &["dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${db:Status-Abbrev}\n"])
        } else if let Some(path) = RPM.into_iter().find(|path| Path::new(path).exists()) {
            (path, &["rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\tii\n"])
        } else if Path::new(APK).exists() {
            (APK, &["apk", "list", "--installed"])
        } else {
            return None;
        };
        self.ask(Path::new(path), argv).await
    }

    async fn ask(&mut self, path: &Path, argv: &[&str]) -> Option<Section> {
        let changed = path.metadata().and_then(|meta| meta.modified()).ok();
        if changed.is_some() && changed == self.seen {
            return None;
        }
        let said = subprocess::ask(argv, DEADLINE, ANSWER_BYTES_MAX).await.ok()?;
        self.seen = changed;
        let mut sheet = Sheet::new("packages");
        let read = if path == Path::new(APK) { apk_line } else { tabbed_line };
        for (name, version) in said.output.lines().filter_map(read) {
            sheet.put_bare(name.to_owned(), version);
        }
        if said.capped {
            sheet.put("cut", true);
        }
        Some(sheet.section)
    }
}

/// Name, version, and a state whose second letter says installed. The own architecture is not part of a name.
fn tabbed_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split('\t');
    let (name, version, state) = (words.next()?, words.next()?, words.next()?);
    let version = version.strip_prefix("0:").unwrap_or(version);
    (state.as_bytes().get(1) == Some(&b'i')).then_some((name, version))
}

/// `name-version-rN arch {origin} (licence) [installed]`: the version begins at the last dash but one.
fn apk_line(line: &str) -> Option<(&str, &str)> {
    let full = line.split(' ').next()?;
    let (start, _) = full.rsplit_once('-')?;
    let (name, _) = start.rsplit_once('-')?;
    Some((name, full.get(name.len() + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_each_database_are_read() {
        assert_eq!(tabbed_line("bash\t5.2-1\tii "), Some(("bash", "5.2-1")));
        assert_eq!(tabbed_line("gone\t1.0\trc "), None);
        assert_eq!(tabbed_line("bash.x86_64\t0:5.2-1.el9\tii"), Some(("bash.x86_64", "5.2-1.el9")));
        assert_eq!(tabbed_line("damaged"), None);
        assert_eq!(apk_line("py3-x-1.2.3-r0 x86_64 {a} (MIT) [installed]"), Some(("py3-x", "1.2.3-r0")));
    }

    #[tokio::test]
    async fn a_database_that_did_not_change_is_not_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let (database, answer) = (dir.path().join("status"), dir.path().join("answer"));
        std::fs::write(&answer, "bash\t5.2-1\tii \ngone\t1.0\trc \n").unwrap();
        let file = std::fs::File::create(&database).unwrap();
        let written_at = |seconds| file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        let tool = ["cat", answer.to_str().unwrap()];
        let mut packages = Packages::default();
        written_at(1_000);
        let section = packages.ask(&database, &tool).await.unwrap();
        assert_eq!(section.get("bash").map(String::as_str), Some("\"5.2-1\""));
        assert_eq!(section.len(), 1);
        assert_eq!(packages.ask(&database, &tool).await, None, "it did not change");
        written_at(2_000);
        assert_eq!(packages.ask(&database, &["no-such-tool"]).await, None);
        assert_eq!(packages.ask(&database, &tool).await, Some(section), "what was not answered is asked again");
    }
}
