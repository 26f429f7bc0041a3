//! Which series carry a label: sorted lists of slots by name and value.
//!
//! Lists of `u32` and not compressed bitmaps, which would save one part in a hundred of what a series costs: README.md has
//! the figures.

use crate::{Labels, Matcher};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Label name to label value to the slots of the series that carry it.
#[derive(Debug, Default)]
pub(crate) struct Postings(BTreeMap<Box<str>, Values>);

type Values = BTreeMap<Box<str>, Vec<u32>>;

/// From this many times longer on, a list is searched for each slot instead of walked through.
const SEARCH_FROM: usize = 16;

impl Postings {
    pub(crate) fn add(&mut self, slot: u32, labels: &Labels) {
        for (name, value) in labels.iter() {
            if !self.0.contains_key(name) {
                self.0.insert(name.into(), BTreeMap::new());
            }
            let Some(values) = self.0.get_mut(name) else { continue };
            match values.get_mut(value) {
                None => drop(values.insert(value.into(), vec![slot])),
                Some(slots) if slots.last().is_some_and(|last| *last < slot) => slots.push(slot),
                Some(slots) => {
                    if let Err(at) = slots.binary_search(&slot) {
                        slots.insert(at, slot);
                    }
                }
            }
        }
    }

    /// Keeps only the slots that `is_there` says.
    pub(crate) fn retain(&mut self, is_there: impl Fn(&u32) -> bool) {
        self.0.retain(|_, values| {
            values.retain(|_, slots| {
                slots.retain(&is_there);
                slots.shrink_to(slots.len() + slots.len() / 4);
                !slots.is_empty()
            });
            !values.is_empty()
        });
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flat_map(|values| values.keys().map(|value| &**value))
    }

    /// The slots of the series that fulfil every condition, in order. `every` answers all slots, `labels` those of one; a
    /// regular expression is asked about the values there are, or about the series that are left, whichever is less.
    pub(crate) fn find<'l>(
        &self,
        matchers: &[Matcher],
        every: impl FnOnce() -> Vec<u32>,
        labels: impl Fn(u32) -> Option<&'l Labels>,
    ) -> Vec<u32> {
        let told: Vec<&Matcher> =
            matchers.iter().filter(|matcher| matcher.needs_label() && matcher.texts().is_some()).collect();
        let mut lists: Vec<_> = told.iter().map(|matcher| self.union(matcher, true)).collect();
        lists.sort_by_key(|list| list.len());
        let mut lists = lists.into_iter();
        let mut slots = lists.next().map(Cow::into_owned);
        for list in lists {
            slots.get_or_insert_default().retain(keep_common(&list));
        }
        for matcher in matchers.iter().filter(|matcher| matcher.needs_label() && matcher.texts().is_none()) {
            match &mut slots {
                Some(slots) if slots.len() <= self.values_of(matcher) => {
                    slots.retain(|slot| labels(*slot).is_some_and(|labels| matcher.matches(labels)));
                }
                Some(slots) => slots.retain(keep_common(&self.union(matcher, true))),
                none => *none = Some(self.union(matcher, true).into_owned()),
            }
        }
        let mut slots = slots.unwrap_or_else(every);
        for matcher in matchers.iter().filter(|matcher| !matcher.needs_label()) {
            if slots.len() <= self.values_of(matcher) {
                slots.retain(|slot| labels(*slot).is_some_and(|labels| matcher.matches(labels)));
            } else {
                let refused = self.union(matcher, false);
                let mut is_refused = keep_common(&refused);
                slots.retain(|slot| !is_refused(slot));
            }
        }
        slots
    }

    fn values_of(&self, matcher: &Matcher) -> usize {
        self.0.get(matcher.name.as_str()).map_or(0, BTreeMap::len)
    }

    /// The slots whose value the matcher accepts (or refuses), in order.
    fn union(&self, matcher: &Matcher, accepts: bool) -> Cow<'_, [u32]> {
        let Some(values) = self.0.get(matcher.name.as_str()) else { return Cow::Owned(Vec::new()) };
        let lists: Vec<&Vec<u32>> = match matcher.texts() {
            Some(texts) if accepts => texts.iter().filter_map(|text| values.get(text.as_str())).collect(),
            _ => {
                let start = if accepts { matcher.start() } else { "" };
                let from = values.range::<str, _>((Bound::Included(start), Bound::Unbounded));
                let here = from.take_while(|(value, _)| value.starts_with(start));
                here.filter(|(value, _)| matcher.accepts(value) == accepts).map(|(_, slots)| slots).collect()
            }
        };
        if let [one] = lists.as_slice() {
            return Cow::Borrowed(one);
        }
        let mut slots: Vec<u32> = lists.into_iter().flatten().copied().collect();
        slots.sort_unstable();
        slots.dedup();
        Cow::Owned(slots)
    }
}

/// Answers, for slots that come in order, whether they are in the sorted `list` too.
fn keep_common(list: &[u32]) -> impl FnMut(&u32) -> bool + '_ {
    let mut rest = list;
    move |slot| {
        let near = rest.iter().take(SEARCH_FROM).position(|one| one >= slot);
        let skip = near.unwrap_or_else(|| rest.partition_point(|one| one < slot));
        rest = rest.get(skip..).unwrap_or_default();
        rest.first() == Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    /// A hundred series: `m{a="0".."9", b="x".. (every third)}`, `n{..}`.
    fn built() -> (Postings, Vec<Labels>) {
        let mut postings = Postings::default();
        let mut all = Vec::new();
        for n in 0..100_u32 {
            let (name, a) = (if n % 5 == 0 { "n" } else { "m" }, (n % 10).to_string());
            let b = if n % 3 == 0 { format!("x{}", n % 7) } else { String::new() };
            let pairs = [("__name__", name), ("a", a.as_str()), ("b", b.as_str())];
            all.push(Labels::new(&pairs, &Options::default()).unwrap());
            postings.add(n, &all[n as usize]);
        }
        (postings, all)
    }

    #[test]
    fn lists_find_exactly_what_a_look_at_every_series_finds() {
        let (postings, all) = built();
        let one = |name: &str| {
            let pattern = |text: &str| Matcher::matching(name, text).unwrap();
            vec![
                Matcher::equal(name, "3"),
                Matcher::equal(name, ""),
                Matcher::not_equal(name, "x1"),
                Matcher::not_equal(name, ""),
                Matcher::one_of(name, &["1", "x2", "x3", "3", ""]),
                Matcher::prefix(name, "x"),
                Matcher::prefix(name, ""),
                pattern("x[1-3]"),
                pattern("x?.*"),
                pattern("1|2|x1"),
                Matcher::unlike(name, "x.*").unwrap(),
                Matcher::unlike(name, ".+").unwrap(),
            ]
        };
        let sides: Vec<_> = ["a", "b", "__name__", "none"].into_iter().flat_map(one).collect();
        for left in &sides {
            for right in &sides {
                let matchers = [left.clone(), right.clone(), Matcher::equal("__name__", "m")];
                for matchers in [&matchers[..], &matchers[..2], &matchers[..1], &[]] {
                    let found = postings.find(matchers, || (0..100).collect(), |slot| all.get(slot as usize));
                    let fits = |n: &u32| matchers.iter().all(|matcher| matcher.matches(&all[*n as usize]));
                    assert_eq!(found, (0..100).filter(fits).collect::<Vec<_>>(), "{matchers:?}");
                }
            }
        }
    }

    #[test]
    fn long_lists_are_searched_and_short_ones_walked_with_the_same_answer() {
        let long: Vec<u32> = (0..10_000).filter(|n| n % 3 != 0).collect();
        for short in [vec![], vec![1, 2, 3, 4, 5_000, 9_999, 20_000], (0..10_000).step_by(7).collect()] {
            let mut kept: Vec<u32> = short.clone();
            kept.retain(keep_common(&long));
            assert_eq!(kept, short.into_iter().filter(|n| n % 3 != 0 && *n < 10_000).collect::<Vec<u32>>());
        }
    }
}
