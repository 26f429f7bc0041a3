//! Which series carry a label: sorted lists of slots by name and value.

use crate::{Labels, Matcher, matcher::Test};
use std::collections::BTreeMap;

/// Label name to label value to the slots of the series that carry it.
#[derive(Debug, Default)]
pub(crate) struct Postings(BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>);

impl Postings {
    pub(crate) fn add(&mut self, slot: u32, labels: &Labels) {
        for (name, value) in labels.iter() {
            if !self.0.contains_key(name) {
                self.0.insert(name.into(), BTreeMap::new());
            }
            let Some(values) = self.0.get_mut(name) else { continue };
            match values.get_mut(value) {
                None => drop(values.insert(value.into(), vec![slot])),
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
                !slots.is_empty()
            });
            !values.is_empty()
        });
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flat_map(|values| values.keys().map(|value| &**value))
    }

    /// A list of slots, as short as can be told cheaply, that holds every match; `None` if only a look at every series
    /// tells.
    pub(crate) fn candidates(&self, matchers: &[Matcher]) -> Option<Vec<u32>> {
        let shortest = matchers.iter().filter(|matcher| matcher.needs_label()).map(|matcher| self.lists(matcher));
        let shortest = shortest.min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>())?;
        let mut slots: Vec<u32> = shortest.into_iter().flatten().copied().collect();
        slots.sort_unstable();
        slots.dedup();
        Some(slots)
    }

    fn lists(&self, matcher: &Matcher) -> Vec<&Vec<u32>> {
        let Some(values) = self.0.get(matcher.name.as_str()) else { return Vec::new() };
        match &matcher.test {
            Test::Equal(value) => values.get(value.as_str()).into_iter().collect(),
            Test::OneOf(wanted) => wanted.iter().filter_map(|value| values.get(value.as_str())).collect(),
            Test::NotEqual(_) => {
                values.iter().filter(|(value, _)| matcher.accepts(value)).map(|(_, slots)| slots).collect()
            }
            Test::Prefix(start) => values
                .range::<str, _>((std::ops::Bound::Included(start.as_str()), std::ops::Bound::Unbounded))
                .take_while(|(value, _)| value.starts_with(start.as_str()))
                .map(|(_, slots)| slots)
                .collect(),
        }
    }
}
