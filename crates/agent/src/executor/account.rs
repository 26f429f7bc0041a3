//! Whom the collector runs as, and the folder that is its own. What the executor goes by lies outside that folder.

use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;

/// Looked for in this order when the settings name nobody.
const USERS: [&str; 2] = ["mainstay-agent", "nobody"];
/// What an agent of one process kept beside its policy.
const MOVED: [&str; 6] = ["key", "ring", "facts", "series", "checks", "status.json"];

/// A user without rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Who the collector is, and in words how far it is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Apart {
    /// Nobody else: it runs as the executor does.
    pub(crate) account: Option<Account>,
    pub(crate) words: String,
}

/// Chooses by the settings, by who we are, and by whose the collector's folder is: a user that is made later takes over
/// with the folder, not before.
///
/// # Errors
/// The user that the settings name is not in `/etc/passwd`.
pub(crate) fn choose(wanted: Option<&str>, dir: &Path) -> Result<Apart, Error> {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let owner = home(dir).symlink_metadata().ok().map(|folder| folder.uid());
    decide(wanted, rustix::process::geteuid().as_raw(), &passwd, owner)
}

fn home(dir: &Path) -> PathBuf {
    dir.join("collector")
}

fn decide(wanted: Option<&str>, us: u32, passwd: &str, owner: Option<u32>) -> Result<Apart, Error> {
    let together = |why: String| Apart { account: None, words: format!("no: {why}, so both processes run as it") };
    if us != 0 {
        return Ok(together(format!("the agent was started by user {us}, who cannot be another")));
    }
    let account = match wanted {
        Some(name) => Some(find(name, passwd).ok_or_else(|| {
            Error::new(format!("there is no user {name} in /etc/passwd; make it, or change `user` in agent.toml"))
        })?),
        None => {
            let mut known = USERS.iter().filter_map(|name| find(name, passwd));
            known.clone().find(|account| owner == Some(account.uid)).or_else(|| known.next())
        }
    };
    Ok(match account {
        None => together("there is no user mainstay-agent, the agent was started by root".into()),
        Some(account) if account.uid == 0 => together("agent.toml names root".into()),
        Some(account) => {
            let words = format!("yes: the collector runs as {}, what runs jobs as root", account.name);
            Apart { account: Some(account), words }
        }
    })
}

/// A line is `name:password:uid:gid:..`.
fn find(name: &str, passwd: &str) -> Option<Account> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Account { name: name.to_owned(), uid, gid })
}

/// Makes the collector's folder, and gives it to whom the collector runs as.
///
/// # Errors
/// It cannot be made or given, or it belongs to a third user.
pub(crate) fn folder(dir: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    let home = home(dir);
    files::make_folder(&home).map_err(|e| Error::io("make the folder", &home, &e))?;
    for name in MOVED {
        let (old, new) = (dir.join(name), home.join(name));
        if old.exists() && !new.exists() {
            std::fs::rename(&old, &new).map_err(|e| Error::io("move", &old, &e))?;
        }
    }
    let Some(account) = account else { return Ok(home) };
    let owner = home.metadata().map_err(|e| Error::io("look at", &home, &e))?.uid();
    if owner == account.uid {
        // What lies in it may have been put there to be given away: it stays as it is.
        return Ok(home);
    }
    if owner != 0 {
        let (home, name) = (home.display(), &account.name);
        return Err(Error::new(format!("{home} belongs to user {owner}, not to {name}; use chown -R {name} on it")));
    }
    give(&home, account).map_err(|e| Error::io("give away", &home, &e))?;
    Ok(home)
}

/// The folder itself goes last: until then it is root's, and nobody else can put anything into it.
fn give(path: &Path, account: &Account) -> std::io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), account)?;
        }
    }
    lchown(path, Some(account.uid), Some(account.gid))
}

/// What is wrong with the agent's folder, if others can change what the executor goes by.
pub(crate) fn exposed(dir: &Path) -> Option<String> {
    let folder = dir.metadata().ok()?;
    let ours = folder.uid() == 0 && folder.mode() & 0o022 == 0;
    (!ours).then(|| format!("no: {} can be changed by others than root; use chown root and chmod go-w", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nada:x:1000:1000::/:/bin/sh\n";

    #[test]
    fn root_runs_its_collector_as_somebody_without_rights() {
        let chosen = |wanted, passwd| decide(wanted, 0, passwd, None).unwrap();
        let nobody = chosen(None, PASSWD).account.unwrap();
        assert_eq!((nobody.name.as_str(), nobody.uid, nobody.gid), ("nobody", 65_534, 65_533));
        let own = format!("{PASSWD}mainstay-agent:x:990:991::/:/bin/false\n");
        assert_eq!(chosen(None, &own).account.unwrap().uid, 990);
        assert_eq!(chosen(Some("ada"), &own).account.unwrap().uid, 1_000);
        assert_eq!(chosen(Some("root"), PASSWD).account, None);
        assert!(decide(Some("ad"), 0, PASSWD, None).unwrap_err().to_string().contains("no user ad "));
    }

    #[test]
    fn a_user_that_is_made_after_the_enrolment_takes_over_with_the_folder_and_not_before() {
        let own = format!("{PASSWD}mainstay-agent:x:990:991::/:/bin/false\n");
        let chosen = |wanted, owner| decide(wanted, 0, &own, owner).unwrap().account.unwrap().name;
        assert_eq!(chosen(None, Some(65_534)), "nobody", "it was enrolled before the user was made");
        assert_eq!(chosen(None, Some(990)), "mainstay-agent");
        for owner in [None, Some(0), Some(1_000)] {
            assert_eq!(chosen(None, owner), "mainstay-agent", "{owner:?}");
        }
        assert_eq!(chosen(Some("mainstay-agent"), Some(65_534)), "mainstay-agent", "the settings count first");
    }

    #[test]
    fn where_it_cannot_be_somebody_else_it_says_so() {
        for (wanted, us, passwd) in [(Some("nobody"), 1_000, PASSWD), (None, 0, ""), (Some("root"), 0, PASSWD)] {
            let apart = decide(wanted, us, passwd, None).unwrap();
            assert!(apart.account.is_none() && apart.words.starts_with("no: "), "{}", apart.words);
        }
    }

    #[test]
    fn what_one_process_kept_is_moved_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), "old").unwrap();
        let home = folder(dir.path(), None).unwrap();
        assert_eq!(std::fs::read_to_string(home.join("key")).unwrap(), "old");
        std::fs::write(dir.path().join("key"), "planted").unwrap();
        folder(dir.path(), None).unwrap();
        assert_eq!(std::fs::read_to_string(home.join("key")).unwrap(), "old");
    }
}
