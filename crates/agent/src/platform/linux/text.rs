//! Reading the small texts of `/proc` and `/sys`.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::OnceLock;

/// No file of the kernel that is read here is longer, but one may grow.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A small file's text without the white space around it. `None` when it cannot be read or says nothing.
pub(super) fn word(path: impl AsRef<Path>) -> Option<String> {
    let text = whole(path)?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// What the executor read for us.
static GIVEN: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// Takes words of files that this process may not read itself. Those of the first time stay.
pub(crate) fn give_guarded(words: Vec<(String, String)>) {
    let _ = GIVEN.set(words);
}

/// A word that may be kept from all but root: read, or else as it was given.
pub(super) fn guarded(path: &str) -> Option<String> {
    word(path).or_else(|| given(path))
}

/// A word as it was given.
pub(super) fn given(path: &str) -> Option<String> {
    GIVEN.get()?.iter().find(|(given, _)| given == path).map(|(_, word)| word.clone())
}

/// A file's text.
pub(super) fn whole(path: impl AsRef<Path>) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A file that is read again and again: opened once, read into a buffer that is kept.
pub(super) struct Kept {
    path: &'static str,
    file: Option<File>,
}

impl Kept {
    pub(super) const fn new(path: &'static str) -> Self {
        Self { path, file: None }
    }

    /// The text of now. `None` when the file is not there; it is looked for again next time.
    pub(super) fn read<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Option<&'a str> {
        buffer.clear();
        if self.file.is_none() {
            self.file = File::open(self.path).ok();
        }
        let file = self.file.as_mut()?;
        let read = file.rewind().and_then(|()| file.take(BYTES_MAX).read_to_end(buffer));
        if read.is_err() {
            self.file = None;
            return None;
        }
        std::str::from_utf8(buffer).ok()
    }
}

/// The white-space separated number at a place in a line.
pub(super) fn number(line: &str, at: usize) -> Option<f64> {
    line.split_ascii_whitespace().nth(at)?.parse().ok()
}
