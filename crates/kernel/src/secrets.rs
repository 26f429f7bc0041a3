//! Sealed secrets: ChaCha20-Poly1305 (RFC 8439) under a master key that lives outside the data folder.

use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::cx::Cx;
use crate::error::{Error, Result};

mod store;

pub(crate) use store::any;

/// The master keys: the last one seals, all of them open.
pub(crate) struct Keys {
    keys: Vec<(String, [u8; 32])>,
}

impl Keys {
    /// Reads the key file; each line is `id hex`. Where nothing is sealed yet, a missing file is made with one new key;
    /// where something is, a missing file is an error, because a new key would open nothing.
    pub(crate) fn open(path: &Path, may_make: bool) -> Result<Self> {
        let unusable = |error: &dyn std::fmt::Display| {
            Error::unavailable(format!(
                "The master key file {} cannot be used: {error}. Secrets cannot be opened without it; restore it from the recovery sheet.",
                path.display()
            ))
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_make => {
                let text = new_line()?;
                write_private(path, &text).and_then(|()| sync_folder(path)).map_err(|error| unusable(&error))?;
                text
            }
            Err(error) => return Err(unusable(&error)),
        };
        let keys: Option<Vec<_>> = text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Self { keys }),
            _ => Err(unusable(&"a line is not \"id hex\" with 64 hexadecimal digits")),
        }
    }

    fn newest(&self) -> Result<&(String, [u8; 32])> {
        self.keys.last().ok_or_else(|| Error::internal("no-master-key", ""))
    }

    fn by_id(&self, id: &str) -> Result<&[u8; 32]> {
        let found = self.keys.iter().find(|(known, _)| known == id);
        found.map(|(_, key)| key).ok_or_else(|| Error::unavailable(format!("A secret was sealed with the master key \"{id}\", which is not in the key file. Add it from the recovery sheet.")))
    }
}

/// Something sealed, as it lies in a table of its own.
pub(crate) struct Sealed {
    pub(crate) key: String,
    pub(crate) nonce: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

impl Keys {
    /// Seals bytes under a name that must be given again to open them.
    pub(crate) fn seal(&self, name: &str, secret: &[u8]) -> Result<Sealed> {
        let (id, key) = self.newest()?;
        let mut nonce = [0; 12];
        SystemRandom::new().fill(&mut nonce).map_err(|_| Error::internal("no-random-bytes", name))?;
        let mut bytes = secret.to_vec();
        cipher(key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut bytes)
            .map_err(|_| Error::internal("secret-not-sealed", name))?;
        Ok(Sealed { key: id.clone(), nonce: nonce.to_vec(), bytes })
    }

    /// Opens what was sealed under a name.
    pub(crate) fn unseal(&self, name: &str, mut sealed: Sealed) -> Result<Vec<u8>> {
        let nonce =
            Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| Error::internal("secret-nonce", name))?;
        let opened = cipher(self.by_id(&sealed.key)?)?
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed.bytes)
            .map_err(|_| Error::internal("secret-damaged", name))?;
        Ok(opened.to_vec())
    }

    /// A digest that says nothing to whoever lacks the master key: a short secret cannot be found by trying.
    pub(crate) fn keyed_digest(&self, text: &str) -> Result<String> {
        let (_, key) = self.newest()?;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
        Ok(crate::text::hex(ring::hmac::sign(&key, text.as_bytes()).as_ref()))
    }
}

fn parse(line: &str) -> Option<(String, [u8; 32])> {
    let (id, digits) = line.trim().split_once(' ')?;
    let mut key = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((id.to_owned(), key))
}

fn new_line() -> Result<String> {
    let mut bytes = [0; 36];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("no-random-bytes", ""))?;
    let (id, key) = bytes.split_at(4);
    Ok(format!("k{} {}\n", crate::text::hex(id), crate::text::hex(key)))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Puts a new text in the place of the file, whole or not at all, for the same owner, and on disk when it answers.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let next = path.with_extension("new");
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let owner = std::fs::metadata(path)?;
    write_private(&next, text)?;
    std::os::unix::fs::chown(&next, Some(owner.uid()), Some(owner.gid()))?;
    std::fs::rename(&next, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key)
        .map(LessSafeKey::new)
        .map_err(|_| Error::internal("master-key", "refused by the cipher"))
}

/// Adds a new master key to the file; secrets sealed from now on use it, and `Cx::reseal` moves the old ones.
pub fn rotate(path: &Path) -> Result<()> {
    let mut text = std::fs::read_to_string(path)
        .map_err(|error| Error::unavailable(format!("The master key file cannot be read: {error}.")))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&new_line()?);
    replace(path, &text).map_err(|error| Error::unavailable(format!("The master key file cannot be written: {error}.")))
}

impl Cx<'_, '_> {
    /// Seals a secret under a name; an earlier one of that name is replaced.
    pub fn put_secret(&mut self, name: &str, secret: &[u8]) -> Result<()> {
        let sealed = self.kernel.keys().seal(name, secret)?;
        store::put(self.tx, name, &sealed, self.now)
    }

    /// Opens a secret; `None` when there is none of that name.
    pub fn secret(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(sealed) = store::get(self.tx, name)? else { return Ok(None) };
        self.kernel.keys().unseal(name, sealed).map(Some)
    }

    /// Removes a secret.
    pub fn drop_secret(&mut self, name: &str) -> Result<()> {
        store::delete(self.tx, name)
    }

    /// Seals every secret that uses an older master key again with the newest; answers how many.
    pub fn reseal(&mut self) -> Result<usize> {
        let newest = self.kernel.keys().newest()?.0.clone();
        let names = store::sealed_with_other(self.tx, &newest)?;
        for name in &names {
            if let Some(secret) = self.secret(name)? {
                self.put_secret(name, &secret)?;
            }
        }
        Ok(names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_with_a_broken_line_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "k1 zz\n").unwrap();
        assert!(Keys::open(&path, true).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "k1 zz\n");
    }

    #[test]
    fn a_missing_key_file_is_an_error_where_something_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(Keys::open(&path, false).is_err_and(|error| error.message.contains("recovery sheet")));
        assert!(!path.exists(), "no new key stands in for the lost one");
    }

    #[test]
    fn rotation_keeps_the_old_key_and_seals_with_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = Keys::open(&path, true).unwrap().newest().unwrap().0.clone();
        // As an editor may leave it, and as a crash in the middle of an earlier rotation does.
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().trim_end()).unwrap();
        std::fs::write(path.with_extension("new"), "half").unwrap();
        rotate(&path).unwrap();
        assert!(!path.with_extension("new").exists());
        let keys = Keys::open(&path, true).unwrap();
        assert_ne!(keys.newest().unwrap().0, first);
        assert!(keys.by_id(&first).is_ok());
    }
}
