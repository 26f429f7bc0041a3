//! Which series belong together: by labels, once per query and not once per step.

use crate::eval::Series;
use crate::expr::Grouping;
use crate::labels::{Labels, NAME_LABEL, Packer};
use std::collections::HashMap;

/// A choice of labels: those named, or all but those named and the metric's name.
pub(crate) struct Choice<'a> {
    names: Vec<&'a str>,
    only: bool,
}

impl<'a> Choice<'a> {
    pub(crate) fn new(names: &'a [String], only: bool) -> Self {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !only {
            names.push(NAME_LABEL);
        }
        names.sort_unstable();
        names.dedup();
        Self { names, only }
    }

    /// Lets the metric's name count too.
    pub(crate) fn with_metric_name(mut self) -> Self {
        self.names.retain(|name| *name != NAME_LABEL);
        self
    }

    pub(crate) fn of(grouping: &'a Grouping) -> Self {
        Self::new(&grouping.labels, !grouping.without)
    }

    fn pack(&self, labels: &Labels, packer: &mut Packer) {
        packer.clear();
        // A few names are found sooner one by one.
        for (name, value) in labels.iter() {
            if self.names.contains(&name) == self.only {
                packer.push(name, value);
            }
        }
    }

    pub(crate) fn labels(&self, labels: &Labels) -> Labels {
        let mut packer = Packer::default();
        self.pack(labels, &mut packer);
        packer.finish()
    }
}

/// Numbers for label sets, given out in order of appearance.
#[derive(Default)]
pub(crate) struct Numbers {
    places: HashMap<Box<str>, usize>,
    packer: Packer,
    /// The labels of each number.
    pub(crate) labels: Vec<Labels>,
}

impl Numbers {
    /// The number of the chosen labels, a new one if need be.
    pub(crate) fn number(&mut self, choice: &Choice<'_>, labels: &Labels) -> usize {
        choice.pack(labels, &mut self.packer);
        if let Some(place) = self.places.get(self.packer.key()) {
            return *place;
        }
        let place = self.labels.len();
        self.places.insert(self.packer.key().into(), place);
        self.labels.push(self.packer.labels());
        place
    }

    /// The number of the chosen labels, if they have one.
    pub(crate) fn find(&mut self, choice: &Choice<'_>, labels: &Labels) -> Option<usize> {
        choice.pack(labels, &mut self.packer);
        self.places.get(self.packer.key()).copied()
    }
}

/// The labels of a group, and whether the metric's name among them goes at the end.
pub(crate) struct GroupLabels {
    pub(crate) labels: Labels,
    pub(crate) nameless: bool,
}

impl GroupLabels {
    pub(crate) fn series(self, values: Vec<f64>) -> Series {
        Series { labels: self.labels, values, nameless: self.nameless }
    }
}

/// The group of each series, and the labels of each group.
pub(crate) fn grouped(series: &[Series], choice: &Choice<'_>) -> (Vec<usize>, Vec<GroupLabels>) {
    let mut numbers = Numbers::default();
    let of: Vec<usize> = series.iter().map(|one| numbers.number(choice, &one.labels)).collect();
    let mut groups: Vec<GroupLabels> =
        numbers.labels.into_iter().map(|labels| GroupLabels { labels, nameless: false }).collect();
    for (one, group) in series.iter().zip(&of).filter(|(one, _)| one.nameless) {
        if let Some(group) = groups.get_mut(*group) {
            group.nameless = one.nameless;
        }
    }
    (of, groups)
}

/// The series of each group.
pub(crate) fn members(series: Vec<Series>, of: &[usize], groups: usize) -> Vec<Vec<Series>> {
    let mut members: Vec<Vec<Series>> = (0..groups).map(|_| Vec::new()).collect();
    for (one, group) in series.into_iter().zip(of) {
        if let Some(group) = members.get_mut(*group) {
            group.push(one);
        }
    }
    members
}
