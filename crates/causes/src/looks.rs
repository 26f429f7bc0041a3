//! What is known of each look: a check, a rule, a test, whatever says good or bad about one thing.

use std::collections::{BTreeMap, BTreeSet};

use crate::words::What;

/// A result that came later than this after it was made was kept while its machine could not be reached, for as long as
/// a connection may be gone before an agent counts as away: it tells how the thing was, not that anybody was heard.
const LATE_MS: i64 = 60_000;

/// How much of it is left for what a thing's own agent says.
const LOCAL: f64 = 0.5;

/// A look at a thing that is taken again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its number: a check's, a rule's alert's.
    pub key: u64,
    /// The thing it is about.
    pub thing: u64,
    /// What it means when it is bad, unless a symptom says otherwise. A look that gets further says more when it is
    /// good: that a page comes without errors speaks against "down" too.
    pub what: What,
    /// The thing that looks; none for the server itself.
    pub vantage: Option<u64>,
    /// From one result to the next, in milliseconds.
    pub interval_ms: i64,
    /// It looks up a name first.
    pub by_name: bool,
    /// What it has in common with looks at other things beside its word: the rule that it comes from, for one. Empty
    /// when nothing is known.
    pub label: String,
}

/// A thing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What belongs together: the number of a change, the name of a package, a job. Changes of many things with one
    /// label may be one cause.
    pub label: String,
    /// The thing that was changed.
    pub thing: u64,
    /// When, in milliseconds.
    pub at_ms: i64,
    /// In words, behind the thing's name: "its firmware was changed".
    pub words: String,
}

/// A look with what it said.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) look: Look,
    /// The alert is out.
    pub(crate) fired: bool,
    /// What the alert or the newest bad result says.
    pub(crate) what: What,
    /// The first bad result of the newest bad time.
    pub(crate) bad_since: Option<i64>,
    /// The newest bad result.
    pub(crate) bad_at: Option<i64>,
    /// The first and the newest result of the newest good time.
    pub(crate) good: Option<(i64, i64)>,
    /// Since when each result came when it was made; none while they come late.
    prompt_since: Option<i64>,
    pub(crate) evidence: String,
}

impl Known {
    fn new(look: Look) -> Self {
        let what = look.what;
        let (bad_since, bad_at, good, prompt_since, evidence) = (None, None, None, None, String::new());
        Self { look, fired: false, what, bad_since, bad_at, good, prompt_since, evidence }
    }

    /// Whether what it says can come from a state at all: what is looked at by its address answers, and in time,
    /// whatever became of names; a thing's own agent finds what stopped for want of them, seldom.
    pub(crate) fn tells(&self, state: What, what: What) -> f64 {
        let answers = matches!(what, What::Down | What::Unreachable | What::Slow);
        match state {
            What::NameFails if answers && !self.look.by_name => {
                if self.look.vantage == Some(self.look.thing) {
                    LOCAL
                } else {
                    0.0
                }
            }
            _ => 1.0,
        }
    }

    /// The time of the newest result.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.good.map(|(_, at)| at).max(self.bad_at)
    }

    /// The newest result was bad.
    pub(crate) fn is_bad(&self) -> bool {
        match (self.bad_at, self.good) {
            (Some(bad), Some((_, good))) => bad > good,
            (bad, None) => bad.is_some(),
            (None, _) => false,
        }
    }

    /// It was good at some time from `from` to `until`.
    pub(crate) fn good_within(&self, from: i64, until: i64) -> Option<i64> {
        let (since, at) = self.good?;
        let (first, last) = (since.max(from), at.min(until));
        // Between two good results it was good as well, if the time between holds one.
        let surely = at <= until || since >= from || last - first >= self.look.interval_ms;
        (last >= first && surely).then_some(last)
    }

    /// Who looks was heard at some time from `from` to `until`: a result of it was made then, whatever it said, and
    /// came at once.
    pub(crate) fn heard_within(&self, from: i64, until: i64) -> bool {
        let Some(from) = self.prompt_since.map(|since| since.max(from)) else { return false };
        self.good_within(from, until).is_some() || self.bad_at.is_some_and(|at| (from..=until).contains(&at))
    }
}

/// All looks, by what they are about and by who looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks {
    known: BTreeMap<u64, Known>,
    by_thing: BTreeMap<u64, BTreeSet<u64>>,
    by_vantage: BTreeMap<Option<u64>, BTreeSet<u64>>,
}

impl Looks {
    pub(crate) fn get(&self, key: u64) -> Option<&Known> {
        self.known.get(&key)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    /// The looks at a thing.
    pub(crate) fn at(&self, thing: u64) -> impl Iterator<Item = &Known> {
        self.by_thing.get(&thing).into_iter().flatten().filter_map(|key| self.known.get(key))
    }

    /// The looks from a vantage.
    pub(crate) fn from(&self, vantage: Option<u64>) -> impl Iterator<Item = &Known> {
        self.by_vantage.get(&vantage).into_iter().flatten().filter_map(|key| self.known.get(key))
    }

    pub(crate) fn vantages(&self) -> impl Iterator<Item = Option<u64>> {
        self.by_vantage.keys().copied()
    }

    /// The look with this key, known from now on as it is told.
    fn told(&mut self, look: &Look) -> &mut Known {
        let same = self.known.get(&look.key).is_some_and(|known| known.look == *look);
        if !same {
            if let Some(old) = self.known.get(&look.key).map(|known| known.look.clone()) {
                self.unlist(&old);
            }
            self.by_thing.entry(look.thing).or_default().insert(look.key);
            self.by_vantage.entry(look.vantage).or_default().insert(look.key);
        }
        let known = self.known.entry(look.key).or_insert_with(|| Known::new(look.clone()));
        if !same {
            known.look = look.clone();
        }
        known
    }

    fn unlist(&mut self, look: &Look) {
        if let Some(keys) = self.by_thing.get_mut(&look.thing) {
            keys.remove(&look.key);
        }
        if let Some(keys) = self.by_vantage.get_mut(&look.vantage) {
            keys.remove(&look.key);
        }
    }

    /// A result came, at `now_ms`. True when it turned from bad to good or from good to bad.
    pub(crate) fn seen(&mut self, look: &Look, good: bool, at_ms: i64, now_ms: i64) -> bool {
        let known = self.told(look);
        let was_bad = known.is_bad();
        if known.newest().is_some_and(|newest| newest > at_ms) {
            return false;
        }
        let late = now_ms.saturating_sub(at_ms) > LATE_MS;
        known.prompt_since = if late { None } else { known.prompt_since.or(Some(at_ms)) };
        if good {
            let since = known.good.filter(|_| !was_bad).map_or(at_ms, |(since, _)| since);
            known.good = Some((since, at_ms));
        } else {
            if !was_bad {
                known.bad_since = Some(at_ms);
                if !known.fired {
                    known.what = look.what;
                }
            }
            known.bad_at = Some(at_ms);
        }
        was_bad == good
    }

    /// An alert is out.
    pub(crate) fn fired(&mut self, look: &Look, what: What, since_ms: i64, evidence: &str, now_ms: i64) {
        let known = self.told(look);
        if !known.is_bad() {
            known.bad_at = Some(now_ms.max(known.good.map_or(since_ms, |(_, at)| at + 1)));
        }
        known.fired = true;
        known.what = what;
        known.bad_since = Some(since_ms);
        evidence.clone_into(&mut known.evidence);
    }

    /// An alert is gone.
    pub(crate) fn cleared(&mut self, key: u64, at_ms: i64) {
        let Some(known) = self.known.get_mut(&key) else { return };
        known.fired = false;
        if known.is_bad() {
            let at = at_ms.max(known.bad_at.map_or(at_ms, |bad| bad + 1));
            known.good = Some((at, at));
        }
    }

    /// Nobody looks any more.
    pub(crate) fn forget(&mut self, key: u64) {
        if let Some(known) = self.known.remove(&key) {
            self.unlist(&known.look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> Look {
        Look {
            key: 1,
            thing: 7,
            what: What::Down,
            vantage: None,
            interval_ms: 10_000,
            by_name: false,
            label: String::new(),
        }
    }

    #[test]
    fn a_good_time_lasts_from_its_first_to_its_newest_result() {
        let mut looks = Looks::default();
        for (good, at) in [(false, 0), (true, 10_000), (true, 20_000), (true, 30_000)] {
            looks.seen(&look(), good, at, at);
        }
        let known = looks.get(1).unwrap();
        assert_eq!(known.good, Some((10_000, 30_000)));
        assert_eq!(known.good_within(25_000, 90_000), Some(30_000));
        assert_eq!(known.good_within(12_000, 15_000), None, "no result lies between");
        assert_eq!(known.good_within(31_000, 90_000), None);
        assert_eq!(known.good_within(0, 9_000), None);
    }

    #[test]
    fn a_late_result_changes_nothing() {
        let mut looks = Looks::default();
        assert!(!looks.seen(&look(), true, 20_000, 20_000));
        assert!(!looks.seen(&look(), false, 10_000, 10_000));
        assert!(!looks.get(1).unwrap().is_bad());
        assert!(looks.seen(&look(), false, 30_000, 30_000));
    }

    #[test]
    fn who_sends_what_was_kept_was_not_heard_when_it_was_made() {
        let mut looks = Looks::default();
        let mut seen = |good, at_ms, now_ms| {
            looks.seen(&look(), good, at_ms, now_ms);
            looks.get(1).unwrap().clone()
        };
        assert!(seen(true, 20_000, 20_500).heard_within(10_000, 90_000));
        let late = seen(true, 100_000, 100_000 + LATE_MS + 1);
        assert!(!late.heard_within(10_000, 900_000) && late.good_within(90_000, 900_000).is_some());
        assert!(!seen(false, 110_000, 200_000).heard_within(10_000, 900_000));
        let back = seen(false, 200_000, 201_000);
        assert!(back.heard_within(150_000, 900_000) && !back.heard_within(10_000, 199_000));
    }

    #[test]
    fn a_look_that_moves_to_another_thing_is_found_there_only() {
        let mut looks = Looks::default();
        looks.seen(&look(), true, 0, 0);
        looks.seen(&Look { thing: 8, ..look() }, true, 1, 1);
        assert_eq!((looks.at(7).count(), looks.at(8).count()), (0, 1));
        looks.forget(1);
        assert_eq!(looks.at(8).count() + looks.from(None).count(), 0);
    }
}
