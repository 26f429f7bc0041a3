//! Symptoms as they are judged.

use std::collections::BTreeMap;

use crate::looks::Known;
use crate::spread::Worse;
use crate::words::What;

/// A bad result that has not fired counts so much.
const SUSPECTED: f64 = 0.6;

/// Trouble of a thing that began so much later than what was known of it is news, in milliseconds.
pub(crate) const GROWS_MS: i64 = 2 * 3_600_000;

/// A symptom in the case at hand.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) key: u64,
    pub(crate) thing: u64,
    pub(crate) what: What,
    pub(crate) vantage: Option<u64>,
    pub(crate) since: i64,
    pub(crate) interval: i64,
    /// When it was good again.
    pub(crate) until: Option<i64>,
    /// An alert is or was out; else a bad result is only suspected to be one.
    pub(crate) fired: bool,
}

impl Sign {
    pub(crate) fn of(known: &Known) -> Option<Self> {
        let since = known.bad_since?;
        let until = known.good.map(|(since, _)| since).filter(|_| !known.is_bad());
        Some(Self {
            key: known.look.key,
            thing: known.look.thing,
            what: known.what,
            vantage: known.look.vantage,
            since,
            interval: known.look.interval_ms,
            until,
            fired: known.fired,
        })
    }

    pub(crate) fn strength(&self) -> f64 {
        if self.fired { 1.0 } else { SUSPECTED }
    }

    /// What it said first was still so when the other began, not long after, and the other is worse: one trouble that
    /// grew.
    pub(crate) fn grew_to(&self, other: &Self) -> bool {
        self.may_grow_to(other.what, other.since) && other.since > self.since
    }

    /// What it said first was still so at a moment not long after, and a worse state is the same trouble.
    pub(crate) fn may_grow_to(&self, state: What, at: i64) -> bool {
        let lasted = self.until.is_none_or(|until| until >= at);
        let grew = matches!((depth(self.what), depth(state)), (Some(one), Some(next)) if next > one);
        self.fired && lasted && grew && (self.since..=self.since + GROWS_MS).contains(&at)
    }
}

/// How deep in trouble a thing is; none for what is trouble of another sort, such as a certificate.
const fn depth(what: What) -> Option<u8> {
    match what {
        What::PowerLost | What::Degraded | What::DiskFull | What::Overloaded => Some(1),
        What::Slow => Some(2),
        What::Errors => Some(3),
        What::Unreachable | What::Down | What::NoData => Some(4),
        What::NameFails | What::CertInvalid | What::ClockOff | What::Other => None,
    }
}

/// The things that were seen to get worse, by place; of several looks that saw the same, how long it took at the
/// longest.
pub(super) fn worse(signs: &[Sign], at: &BTreeMap<u32, Vec<u32>>) -> BTreeMap<u32, Vec<Worse>> {
    let mut found: BTreeMap<u32, Vec<Worse>> = BTreeMap::new();
    for (place, numbers) in at.iter().filter(|(_, numbers)| numbers.len() > 1) {
        let all = || numbers.iter().filter_map(|number| signs.get(*number as usize));
        for (first, then) in all().flat_map(|first| all().map(move |then| (first, then))) {
            if first.grew_to(then) {
                let lost = depth(then.what) == depth(What::Down);
                let to = if lost { What::Down } else { then.what };
                let after_ms = then.since - first.since;
                let row = found.entry(*place).or_default();
                match row.iter_mut().find(|one| one.from == first.what && one.to == to) {
                    Some(known) => known.after_ms = known.after_ms.max(after_ms),
                    None => row.push(Worse { from: first.what, to, after_ms }),
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(key: u64, what: What, since: i64) -> Sign {
        Sign { key, thing: 1, what, vantage: None, since, interval: 10_000, until: None, fired: true }
    }

    #[test]
    fn trouble_grows_within_two_hours_and_only_to_what_is_worse() {
        let slow = sign(1, What::Slow, 0);
        assert!(slow.grew_to(&sign(2, What::Down, GROWS_MS)));
        assert!(!slow.grew_to(&sign(2, What::Down, GROWS_MS + 1)), "long after it is news");
        assert!(!slow.grew_to(&sign(2, What::Degraded, 60_000)) && !slow.grew_to(&sign(2, What::CertInvalid, 60_000)));
        let over = Sign { until: Some(30_000), ..slow };
        assert!(!over.grew_to(&sign(2, What::Down, 60_000)), "it was over by then");
    }

    #[test]
    fn of_several_looks_that_saw_the_same_the_longest_time_counts() {
        let signs = [sign(1, What::Slow, 0), sign(2, What::Slow, 60_000), sign(3, What::Down, 90_000)];
        let found = worse(&signs, &BTreeMap::from([(0, vec![1, 0, 2])]));
        let times: Vec<i64> = found.values().flatten().map(|one| one.after_ms).collect();
        assert_eq!(times, [90_000]);
    }
}
