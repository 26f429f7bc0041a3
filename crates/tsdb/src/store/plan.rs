//! What is to be merged and rolled up next: a pure function of the blocks there are.

use crate::Options;
use crate::block::Block;
use crate::options::TIERS_MS;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Late blocks wait for company before the merged file of their span is written again: until there are so many,
const LATE_BLOCKS: usize = 4;
/// or they have this part of its bytes,
const LATE_SHARE: u64 = 4;
/// or the span is over for as many spans.
const LATE_SPANS: i64 = 2;

/// Work on the blocks of one class in one span.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) class: Box<str>,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    /// Blocks of samples of the span.
    pub(super) inputs: Vec<Arc<Block>>,
    pub(super) task: Task,
}

#[derive(Debug)]
pub(super) enum Task {
    /// All inputs become one block.
    Merge,
    /// New blocks of roll-ups, by resolution, each with the ones it replaces.
    RollUp(Vec<(u32, Vec<Arc<Block>>)>),
}

/// The oldest work there is, given that the head is cut up to `border_ms`.
pub(super) fn next(blocks: &[Arc<Block>], options: &Options, border_ms: i64) -> Option<Plan> {
    let mut spans: BTreeMap<(i64, i64, &str), Vec<Arc<Block>>> = BTreeMap::new();
    for block in blocks.iter().filter(|block| block.is_sound && block.says.resolution_ms == 0) {
        let (from_ms, to_ms) = options.file_span(block.says.from_ms);
        spans.entry((from_ms, to_ms, &block.says.class)).or_default().push(block.clone());
    }
    for ((from_ms, to_ms, class), inputs) in spans {
        if to_ms > border_ms {
            break;
        }
        let task = if needs_merging(&inputs, (from_ms, to_ms), border_ms) {
            Task::Merge
        } else {
            // The samples at the very end of the span lie in the window after it.
            let is_whole = to_ms.saturating_add(options.window_ms) <= border_ms;
            let stale = |resolution_ms: &u32| {
                let age_ms = options.age_ms(class, *resolution_ms);
                let is_old = to_ms <= border_ms.saturating_add(2 * options.window_ms).saturating_sub(age_ms);
                let old = tier_of(blocks, class, (from_ms, to_ms), *resolution_ms);
                (is_whole && !is_old && needs_rolling_up(&inputs, &old)).then_some((*resolution_ms, old))
            };
            Task::RollUp(TIERS_MS.iter().filter_map(stale).collect())
        };
        if !matches!(&task, Task::RollUp(tiers) if tiers.is_empty()) {
            return Some(Plan { class: class.into(), from_ms, to_ms, inputs, task });
        }
    }
    None
}

fn needs_merging(inputs: &[Arc<Block>], (from_ms, to_ms): (i64, i64), border_ms: i64) -> bool {
    let is_whole = |block: &&Arc<Block>| block.says.from_ms <= from_ms && block.says.to_ms >= to_ms;
    let Some(whole) = inputs.iter().find(is_whole) else { return inputs.len() > 1 };
    let late = inputs.len() - 1;
    let late_bytes = inputs.iter().map(|block| block.bytes).sum::<u64>() - whole.bytes;
    let is_over = border_ms.saturating_sub(to_ms) >= LATE_SPANS.saturating_mul(to_ms - from_ms);
    late > 0 && (late >= LATE_BLOCKS || late_bytes.saturating_mul(LATE_SHARE) >= whole.bytes || is_over)
}

fn tier_of(blocks: &[Arc<Block>], class: &str, span: (i64, i64), resolution_ms: u32) -> Vec<Arc<Block>> {
    let is_it = |block: &&Arc<Block>| {
        let says = &block.says;
        (says.resolution_ms, says.from_ms, says.to_ms) == (resolution_ms, span.0, span.1) && *says.class == *class
    };
    blocks.iter().filter(is_it).cloned().collect()
}

/// True if there are no roll-ups of the inputs, or the inputs hold all that the roll-ups were made of, and more.
fn needs_rolling_up(inputs: &[Arc<Block>], old: &[Arc<Block>]) -> bool {
    if old.iter().all(|block| !block.is_sound) {
        return true;
    }
    let covered: HashSet<&str> = old.iter().flat_map(|block| &block.lineage.covers).map(String::as_str).collect();
    let is_covered = |block: &Arc<Block>| {
        let made_of = &block.lineage.replaces;
        covered.contains(block.name.as_str())
            || (!made_of.is_empty() && made_of.iter().all(|name| covered.contains(name.as_str())))
    };
    if inputs.len() > 1 || inputs.iter().all(is_covered) {
        return false;
    }
    let there: HashSet<&str> = inputs
        .iter()
        .flat_map(|block| std::iter::once(&block.name).chain(&block.lineage.replaces))
        .map(String::as_str)
        .collect();
    covered.is_subset(&there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{BlockName, Lineage};

    const HOUR: i64 = 3_600_000;

    fn block(hours: (i64, i64), number: u32, bytes: u64, resolution_ms: u32, lineage: Lineage) -> Arc<Block> {
        let says =
            BlockName { from_ms: hours.0 * HOUR, to_ms: hours.1 * HOUR, number, class: "".into(), resolution_ms };
        let (name, samples) = (number.to_string(), 1);
        let (first_ms, last_ms) = (says.from_ms, says.to_ms);
        let path = std::path::PathBuf::new();
        Arc::new(Block { path, name, says, bytes, samples, first_ms, last_ms, is_sound: true, lineage })
    }

    fn raw(hours: (i64, i64), number: u32, bytes: u64, replaces: &[&str]) -> Arc<Block> {
        let replaces = replaces.iter().map(|name| (*name).to_owned()).collect();
        block(hours, number, bytes, 0, Lineage { replaces, ..Lineage::default() })
    }

    fn tier(number: u32, resolution_ms: u32, covers: &[&str]) -> Arc<Block> {
        let covers = covers.iter().map(|name| (*name).to_owned()).collect();
        block((0, 24), number, 9, resolution_ms, Lineage { covers, ..Lineage::default() })
    }

    /// What is done next at an hour: the numbers of the inputs, and "merge" or the tiers.
    fn check(blocks: &[Arc<Block>], hour: i64, expected: &str) {
        let said = next(blocks, &Options::default(), hour * HOUR).map(|plan| {
            let inputs: Vec<_> = plan.inputs.iter().map(|block| block.name.as_str()).collect();
            let task = match plan.task {
                Task::Merge => "merge".to_owned(),
                Task::RollUp(tiers) => {
                    let one = |(resolution, old): &(u32, Vec<Arc<Block>>)| format!("{resolution}/{}", old.len());
                    tiers.iter().map(one).collect::<Vec<_>>().join(" ")
                }
            };
            format!("{} {task}", inputs.join("+"))
        });
        assert_eq!(said.unwrap_or_default(), expected);
    }

    #[test]
    fn a_day_is_merged_when_it_is_over_and_rolled_up_when_the_window_after_it_is() {
        let (a, b) = (raw((0, 2), 1, 50, &[]), raw((2, 4), 2, 50, &[]));
        check(&[a.clone(), b.clone()], 23, "");
        check(&[a.clone(), b], 24, "1+2 merge");
        check(std::slice::from_ref(&a), 24, "");
        check(std::slice::from_ref(&a), 26, "1 300000/0 3600000/0");
        check(&[a.clone(), tier(3, 300_000, &["1"])], 26, "1 3600000/0");
        check(&[a, tier(3, 300_000, &["1"]), tier(4, 3_600_000, &["1"])], 26, "");
    }

    #[test]
    fn late_blocks_wait_until_a_second_merge_pays() {
        let whole = raw((0, 24), 5, 1_000, &["1", "2"]);
        let tiers = [tier(6, 300_000, &["5"]), tier(7, 3_600_000, &["5"])];
        let late = |number, bytes| raw((4, 6), number, bytes, &[]);
        let with = |late: &[Arc<Block>]| [std::slice::from_ref(&whole), &tiers[..], late].concat();
        check(&with(&[late(8, 10)]), 30, "");
        check(&with(&[late(8, 250)]), 30, "5+8 merge");
        check(&with(&[late(8, 10), late(9, 10), late(10, 10), late(11, 10)]), 30, "5+8+9+10+11 merge");
        check(&with(&[late(8, 10)]), 72, "5+8 merge");
    }

    #[test]
    fn roll_ups_are_made_again_only_from_all_that_they_were_made_of() {
        let old = [tier(6, 300_000, &["5"]), tier(7, 3_600_000, &["5"])];
        let merged = raw((0, 24), 9, 1_000, &["1", "2", "5", "8"]);
        check(&[&[merged], &old[..]].concat(), 30, "9 300000/1 3600000/1");
        check(&[&[raw((0, 24), 9, 1_000, &["8"])], &old[..]].concat(), 30, "");
        check(&[&[raw((0, 24), 9, 1_000, &["5"])], &old[..]].concat(), 30, "");
    }

    #[test]
    fn what_would_be_deleted_at_once_is_not_made() {
        check(&[raw((0, 24), 1, 10, &[])], 100 * 24, "1 3600000/0");
        check(&[raw((0, 24), 1, 10, &[])], 800 * 24, "");
    }
}
