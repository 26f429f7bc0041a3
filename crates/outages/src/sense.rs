//! What can be played and yet makes no sense, said before it is played.

use crate::file::File;
use crate::scenario::{Act, LookAt, Thing, What};

/// Refuses what would play without showing what it is about.
pub(crate) fn check(file: &File, things: &[Thing], looks: &[LookAt], script: &[Act]) -> Result<(), String> {
    for (number, act) in (1..).zip(script) {
        if let Some(length) = file.length.filter(|length| length.0 <= act.at_ms) {
            let (ends, begins) = (length.0 / 1_000, act.at_ms / 1_000);
            return Err(format!(
                "length: it ends after {ends}s, before entry {number} of the script begins at {begins}s; write a longer \
                 one, or leave it out."
            ));
        }
    }
    let name = |at: usize| things.get(at).map_or("", |thing| thing.name.as_str());
    for (number, act) in (1..).zip(script) {
        let What::Fault { seen_by, .. } = &act.what else { continue };
        if let Some(blind) = seen_by.iter().find(|vantage| !looks.iter().any(|look| look.vantage == **vantage)) {
            let blind = name(*blind);
            return Err(format!(
                "script, entry {number}: seen_by \"{blind}\", from which nothing is looked at; name a vantage of checks (from)."
            ));
        }
    }
    Ok(())
}
