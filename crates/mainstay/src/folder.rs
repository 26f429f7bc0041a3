//! The data folder: where things are in it, and the key file that must not be in it.

use std::path::{Path, PathBuf};

/// The paths of one installation.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder itself.
    pub data: PathBuf,
    /// The master key, outside of `data`.
    pub key_file: PathBuf,
}

impl Folder {
    /// The paths for a data folder. The key is named on the command line, given by systemd, or lies beside the folder.
    pub fn new(data: &Path, key_file: Option<&Path>) -> Self {
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|folder| PathBuf::from(folder).join("mainstay-key"))
            .filter(|path| path.exists());
        let beside = || {
            let mut name = data.as_os_str().to_owned();
            name.push(".key");
            PathBuf::from(name)
        };
        let key_file = key_file.map(Path::to_owned).or(credential).unwrap_or_else(beside);
        Self { data: data.to_owned(), key_file }
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.data.join("mainstay.db")
    }

    /// The local socket.
    pub fn socket(&self) -> PathBuf {
        self.data.join("mainstay.sock")
    }

    /// This machine's agent.
    pub fn agent(&self) -> PathBuf {
        self.data.join("agent")
    }
}
