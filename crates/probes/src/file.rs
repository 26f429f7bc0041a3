//! A file has the age and size it should have.

use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::text::{long, size};
use crate::{Around, Seen, closed, guard};

/// A file has the age and size it should have. Value: its age in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct File {
    /// Its path.
    pub path: String,
    /// It must not be there.
    pub absent: bool,
    /// Most seconds since it was changed.
    pub max_age_s: Option<i64>,
    /// Fewest seconds since it was changed.
    pub min_age_s: Option<i64>,
    /// Fewest bytes.
    pub min_bytes: Option<u64>,
    /// Most bytes.
    pub max_bytes: Option<u64>,
}

/// Looks.
pub(crate) async fn look(file: &File, around: &Around) -> Seen {
    if let Err(why) = closed::refuse(&file.path, around).await {
        return Seen::unknown(why);
    }
    match tokio::fs::metadata(&file.path).await {
        Ok(found) => {
            let changed = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let changed_s = changed.and_then(|at| i64::try_from(at.as_secs()).ok()).unwrap_or(0);
            judge(file, Some((around.now_s.saturating_sub(changed_s), found.len())))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => judge(file, None),
        Err(e) => Seen::unknown(format!("{} cannot be looked at: {}", file.path, guard::plain(&e))),
    }
}

/// Judges age in seconds and size in bytes; nothing means that it is not there.
fn judge(file: &File, found: Option<(i64, u64)>) -> Seen {
    let path = &file.path;
    let Some((age, bytes)) = found else {
        let there = "is not there";
        return if file.absent {
            Seen::good(0.0, format!("{path} {there}"))
        } else {
            Seen::bad(None, format!("{path} {there}"))
        };
    };
    let wrong = if file.absent {
        Some(format!("{path} is there, and should not be"))
    } else if let Some(max) = file.max_age_s.filter(|max| age > *max) {
        Some(format!("{path} was changed {} ago, at most {} are allowed", long(age), long(max)))
    } else if let Some(min) = file.min_age_s.filter(|min| age < *min) {
        Some(format!("{path} was changed {} ago, at least {} should have passed", long(age), long(min)))
    } else if let Some(min) = file.min_bytes.filter(|min| bytes < *min) {
        Some(format!("{path} has {}, at least {} should be there", size(bytes), size(min)))
    } else {
        let max = file.max_bytes.filter(|max| bytes > *max);
        max.map(|max| format!("{path} has {}, at most {} are allowed", size(bytes), size(max)))
    };
    Seen::judged(age as f64, wrong, format!("{path} was changed {} ago and has {}", long(age), size(bytes)))
        .figure("size_bytes", bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn a_file_is_judged_by_age_and_size() {
        let file = File {
            path: "/x".into(),
            max_age_s: Some(7_200),
            min_age_s: Some(10),
            min_bytes: Some(100),
            max_bytes: Some(10_000),
            absent: false,
        };
        for (found, outcome, part) in [
            (Some((3_600, 500)), Outcome::Good, "was changed 60 minutes ago and has 500 bytes"),
            (Some((7_201, 500)), Outcome::Bad, "at most 2 hours"),
            (Some((5, 500)), Outcome::Bad, "at least 10 seconds"),
            (Some((3_600, 99)), Outcome::Bad, "has 99 bytes"),
            (Some((3_600, 10_001)), Outcome::Bad, "has 9.8 KiB"),
            (None, Outcome::Bad, "is not there"),
        ] {
            let seen = judge(&file, found);
            assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
            assert!(seen.evidence.contains(part), "{}", seen.evidence);
        }
        let gone = File { path: "/x".into(), absent: true, ..File::default() };
        assert_eq!((judge(&gone, None).outcome, judge(&gone, Some((1, 1))).outcome), (Outcome::Good, Outcome::Bad));
    }
}
