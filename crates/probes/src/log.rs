//! A log has no new lines of a kind. It is read from where the last look stopped; a log that was replaced or cut is read
//! from its start. The first look only takes the place: what was written before is history.

use std::io::SeekFrom;
use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::text::{pattern, shorten};
use crate::{Around, Memory, Seen, closed, guard};

/// Most bytes that one look reads; a log that grows faster is read to its end with the rest skipped, and says so.
const READ_BYTES_MAX: u64 = 4 << 20;

/// A log has no new lines of a kind. Value: how many came since the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Log {
    /// Its path.
    pub path: String,
    /// A regular expression; the lines that match it count.
    pub pattern: String,
    /// A regular expression; the lines that match it too do not count.
    pub ignore: Option<String>,
    /// Most new lines that are good.
    pub max_lines: u32,
}

/// Where reading stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    device: u64,
    file: u64,
    offset: u64,
}

/// Looks.
pub(crate) async fn look(log: &Log, around: &Around, memory: &mut Memory) -> Seen {
    match read(log, around, memory.log).await {
        Ok((place, new)) => {
            memory.log = Some(place);
            judge(log, new.as_ref())
        }
        Err(e) => Seen::unknown(e),
    }
}

/// What is new: the lines that count, and whether a part was skipped.
#[derive(Debug, Default)]
struct New {
    count: u32,
    last: String,
    skipped: u64,
}

async fn read(log: &Log, around: &Around, before: Option<Place>) -> Result<(Place, Option<New>), String> {
    let failed = |e: std::io::Error| format!("{} cannot be read: {}", log.path, guard::plain(&e));
    let wanted = pattern(&log.pattern)?;
    let ignored = log.ignore.as_deref().map(pattern).transpose()?;
    let mut file = closed::open(&log.path, around).await?;
    let found = file.metadata().await.map_err(failed)?;
    if !found.is_file() {
        return Err(format!("{} is no file", log.path));
    }
    let mut place = Place { device: found.dev(), file: found.ino(), offset: found.len() };
    let Some(before) = before else { return Ok((place, None)) };
    let same = before.device == place.device && before.file == place.file && before.offset <= found.len();
    let from = if same { before.offset } else { 0 };
    let skipped = (found.len() - from).saturating_sub(READ_BYTES_MAX);
    file.seek(SeekFrom::Start(from.saturating_add(skipped))).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(READ_BYTES_MAX).read_to_end(&mut bytes).await.map_err(failed)?;
    // A line that is still being written is left for the next look.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    place.offset = from.saturating_add(skipped).saturating_add(whole as u64);
    let mut new = New { skipped, ..New::default() };
    for line in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line.get(..2_000).unwrap_or(line));
        if wanted.is_match(&line) && !ignored.as_ref().is_some_and(|ignored| ignored.is_match(&line)) {
            new.count = new.count.saturating_add(1);
            new.last = shorten(line.trim(), 300);
        }
    }
    Ok((place, Some(new)))
}

fn judge(log: &Log, new: Option<&New>) -> Seen {
    let Some(new) = new else { return Seen::good(0.0, format!("{} is read from here on", log.path)) };
    let lines = if new.count == 1 { "1 new line".to_owned() } else { format!("{} new lines", new.count) };
    let mut words = format!("{lines} in {} match {:?}", log.path, log.pattern);
    if new.count > 0 {
        words.push_str(&format!("; the last: {}", new.last));
    }
    if new.skipped > 0 {
        words.push_str(&format!(" ({} bytes came faster than they can be read, and were not)", new.skipped));
    }
    let wrong = (new.count > log.max_lines).then(|| words.clone());
    Seen::judged(f64::from(new.count), wrong, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[tokio::test]
    async fn new_lines_count_once_and_a_replaced_or_cut_log_is_read_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        std::fs::write(&path, "ERROR old\n").unwrap();
        let log = Log {
            path: path.to_str().unwrap().into(),
            pattern: "ERROR".into(),
            ignore: Some("harmless".into()),
            max_lines: 0,
        };
        let mut memory = Memory::default();
        let mut next = async |expected: f64, outcome| {
            let seen = look(&log, &Around::default(), &mut memory).await;
            assert_eq!((seen.value, seen.outcome), (Some(expected), outcome), "{}", seen.evidence);
            seen.evidence
        };
        let add = |text: &str| std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + text).unwrap();
        next(0.0, Outcome::Good).await;
        add("ERROR one\nfine\nERROR harmless\nERROR not yet whole");
        assert!(next(1.0, Outcome::Bad).await.ends_with("the last: ERROR one"));
        next(0.0, Outcome::Good).await;
        add("\n");
        next(1.0, Outcome::Bad).await;
        std::fs::rename(&path, dir.path().join("app.log.1")).unwrap();
        std::fs::write(
            &path,
            "ERROR after the rotation, in a file that is longer than what was read of the old one\nERROR\n",
        )
        .unwrap();
        next(2.0, Outcome::Bad).await;
        std::fs::write(&path, "ERROR cut\n").unwrap();
        next(1.0, Outcome::Bad).await;
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look(&log, &Around::default(), &mut memory).await.outcome, Outcome::Unknown);
    }
}
