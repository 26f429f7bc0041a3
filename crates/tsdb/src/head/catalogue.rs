//! Registering sources and series, and forgetting them.

use super::{Head, Series, SeriesId, Source, Span};
use crate::chunk::Open;
use crate::columns::QuickHash;
use crate::error::{Error, Result};
use crate::record::Record;
use crate::{Labels, Matcher};
use std::collections::BTreeSet;
use std::hash::BuildHasher;

/// Most slots for series and for sources, used or not: a bound on what a damaged file can make us allocate.
const SLOTS_MAX: usize = 1 << 24;

/// Sources whose refused series are counted one by one.
const OFFENDERS_MAX: usize = 100;

impl Head {
    /// The id of a series that is already registered.
    pub(crate) fn known(&self, source: &str, labels: &Labels) -> Option<SeriesId> {
        let source = *self.source_slots.get(source)?;
        let slot = *self.series_slots.get(&(source, labels.clone()))?;
        Some(SeriesId { slot, generation: self.one(slot)?.generation })
    }

    /// Registers a series, within the limits, and logs it.
    pub(crate) fn register(&mut self, source: &str, labels: Labels) -> Result<SeriesId> {
        if let Some(id) = self.known(source, &labels) {
            return Ok(id);
        }
        self.check_limits(source)?;
        let source_slot = self.source_slot(source);
        let slot = self.freed_series.ready.pop().unwrap_or(self.series.len() as u32);
        self.generation = self.generation.wrapping_add(1);
        let span = Span { first_ms: i64::MAX, last_ms: self.now_ms, last_value: None };
        Record::Series { slot, source: source_slot, span, labels: &labels }.write(&mut self.pending);
        self.place_series(slot, source_slot, labels, span);
        self.activate(slot);
        Ok(SeriesId { slot, generation: self.generation })
    }

    fn source_slot(&mut self, name: &str) -> u32 {
        if let Some(slot) = self.source_slots.get(name) {
            return *slot;
        }
        let slot = self.freed_sources.ready.pop().unwrap_or(self.sources.len() as u32);
        Record::Source { slot, last_ms: i64::MIN, name }.write(&mut self.pending);
        self.place_source(slot, name, i64::MIN);
        slot
    }

    /// A source named by a block, without limits: it has data, so it is shown.
    pub(crate) fn adopt_source(&mut self, name: &str) -> u32 {
        self.source_slot(name)
    }

    /// A series found in a block whose samples are from `first_ms` to `last_ms`, without limits.
    pub(crate) fn adopt(&mut self, source: u32, labels: &Labels, first_ms: i64, last_ms: i64) {
        if let Some(slot) = self.series_slots.get(&(source, labels.clone())).copied() {
            if let Some(series) = self.one_mut(slot) {
                series.first_ms = series.first_ms.min(first_ms);
                series.last_ms = series.last_ms.max(last_ms);
            }
            return;
        }
        let slot = self.freed_series.ready.pop().unwrap_or(self.series.len() as u32);
        let span = Span { first_ms, last_ms, last_value: None };
        Record::Series { slot, source, span, labels }.write(&mut self.pending);
        self.place_series(slot, source, labels.clone(), span);
    }

    /// Puts a source into a slot; a file may say which. An existing one keeps what it has.
    pub(crate) fn place_source(&mut self, slot: u32, name: &str, last_ms: i64) -> Option<()> {
        if slot as usize >= SLOTS_MAX {
            return None;
        }
        if self.sources.len() <= slot as usize {
            self.sources.resize_with(slot as usize + 1, || None);
        }
        let place = self.sources.get_mut(slot as usize)?;
        if let Some(there) = place {
            return (*there.name == *name).then_some(());
        }
        let (series, chunks, open) = (Vec::new(), Vec::new(), Vec::new());
        *place = Some(Box::new(Source { name: name.into(), last_ms, series, active: 0, chunks, open }));
        self.source_slots.insert(name.into(), slot);
        Some(())
    }

    /// Puts a series into a slot; a file may say which. An existing one keeps what it has.
    pub(crate) fn place_series(&mut self, slot: u32, source: u32, labels: Labels, span: Span) -> Option<()> {
        let class = self.options.class_of(&self.source(source)?.name, &labels);
        if slot as usize >= SLOTS_MAX {
            return None;
        }
        if self.series.len() <= slot as usize {
            self.series.resize_with(slot as usize + 1, || None);
        }
        let generation = self.generation;
        let place = self.series.get_mut(slot as usize)?;
        if let Some(there) = place {
            return (there.labels == labels && there.source == source).then_some(());
        }
        let open = Open::default();
        self.postings.add(slot, &labels);
        self.series_slots.insert((source, labels.clone()), slot);
        let Span { first_ms, last_ms, last_value } = span;
        let (active, hash) = (false, QuickHash::default().hash_one(&labels) as u32);
        let series = Series { labels, source, generation, first_ms, last_ms, last_value, active, class, hash, open };
        *place = Some(Box::new(series));
        let list = &mut self.source_mut(source)?.series;
        if let Err(at) = list.binary_search(&slot) {
            list.insert(at, slot);
        }
        Some(())
    }

    /// Slots that no series holds after recovery can be used again once the old files are gone.
    pub(crate) fn free_holes(&mut self) {
        for (slot, series) in (0..).zip(&self.series) {
            if series.is_none() {
                self.freed_series.push(slot, self.snapshot);
            }
        }
        for (slot, source) in (0..).zip(&self.sources) {
            if source.is_none() {
                self.freed_sources.push(slot, self.snapshot);
            }
        }
    }

    fn check_limits(&mut self, source: &str) -> Result<()> {
        let in_source = self.source_slots.get(source).and_then(|slot| self.source(*slot)).map_or(0, |one| one.active);
        let error = if in_source >= self.options.series_per_source_max {
            Error::SourceFull { source: source.to_owned(), limit: self.options.series_per_source_max }
        } else if self.active >= self.options.series_max || self.series.len() >= SLOTS_MAX {
            let largest = self.sources.iter().flatten().max_by_key(|source| source.active);
            Error::StoreFull {
                source: source.to_owned(),
                largest: largest.map(|one| one.name.to_string()).unwrap_or_default(),
                largest_series: largest.map_or(0, |one| one.active),
                limit: self.options.series_max,
            }
        } else {
            return Ok(());
        };
        self.rejected.series_limit += 1;
        if self.offenders.len() < OFFENDERS_MAX || self.offenders.contains_key(source) {
            *self.offenders.entry(source.to_owned()).or_default() += 1;
        }
        Err(error)
    }

    /// Counts a series among the active ones.
    pub(crate) fn activate(&mut self, slot: u32) {
        let Some(series) = self.one_mut(slot) else { return };
        if std::mem::replace(&mut series.active, true) {
            return;
        }
        let source = series.source;
        self.active += 1;
        if let Some(source) = self.source_mut(source) {
            source.active += 1;
        }
    }

    /// Counts again which series took a sample (or were registered) within the last two windows.
    pub(crate) fn count_active(&mut self) {
        let since = self.now_ms - 2 * self.options.window_ms;
        self.active = 0;
        for source in self.sources.iter_mut().flatten() {
            source.active = 0;
        }
        for series in self.series.iter_mut().flatten() {
            series.active = series.last_ms >= since;
            if series.active {
                self.active += 1;
                if let Some(Some(source)) = self.sources.get_mut(series.source as usize) {
                    source.active += 1;
                }
            }
        }
    }

    /// Forgets inactive series without a sample at or after `oldest_ms`, where the oldest block of their class begins, and
    /// sources without series.
    pub(crate) fn forget(&mut self, oldest_ms: impl Fn(u8) -> i64) {
        let gone: Vec<u32> = (0..)
            .zip(&self.series)
            .filter_map(|(slot, series)| Some((slot, series.as_ref().filter(|one| !one.active)?)))
            .filter(|(slot, one)| !self.late.contains_key(slot) && self.is_gone(one, oldest_ms(one.class)))
            .map(|(slot, _)| slot)
            .collect();
        if !gone.is_empty() {
            self.remove_series(&gone);
            Record::Forgotten { slots: &gone }.write(&mut self.pending);
            gone.iter().for_each(|slot| self.freed_series.push(*slot, self.snapshot));
        }
        for slot in self.source_list() {
            if self.source(slot).is_some_and(|source| source.series.is_empty() && source.open.is_empty()) {
                self.remove_source(slot);
                Record::SourceForgotten { slot }.write(&mut self.pending);
                self.freed_sources.push(slot, self.snapshot);
            }
        }
    }

    fn is_gone(&self, series: &Series, oldest_ms: i64) -> bool {
        let in_memory = self.source(series.source).and_then(|source| Some(source.chunks.first()?.first_ms));
        series.open.mask == 0 && series.last_ms < oldest_ms && in_memory.is_none_or(|first| series.last_ms < first)
    }

    pub(crate) fn remove_series(&mut self, slots: &[u32]) {
        let mut sources = BTreeSet::new();
        for slot in slots {
            let Some(series) = self.series.get_mut(*slot as usize).and_then(Option::take) else { continue };
            sources.insert(series.source);
            self.series_slots.remove(&(series.source, series.labels));
            self.drop_late(*slot, i64::MIN, i64::MAX);
        }
        let series = &self.series;
        let is_there = |slot: &u32| series.get(*slot as usize).is_some_and(Option::is_some);
        self.postings.retain(is_there);
        for slot in sources {
            if let Some(Some(source)) = self.sources.get_mut(slot as usize) {
                source.series.retain(is_there);
            }
        }
    }

    pub(crate) fn remove_source(&mut self, slot: u32) {
        if self.source(slot).is_some_and(|source| source.series.is_empty())
            && let Some(source) = self.sources.get_mut(slot as usize).and_then(Option::take)
        {
            self.source_slots.remove(&source.name);
        }
    }

    /// Slots of the series that fulfil every condition, in order.
    pub(crate) fn find(&self, matchers: &[Matcher]) -> Vec<u32> {
        let every = || (0..).zip(&self.series).filter(|(_, one)| one.is_some()).map(|(slot, _)| slot).collect();
        self.postings.find(matchers, every, |slot| self.one(slot).map(|series| &series.labels))
    }

    pub(crate) fn source_of(&self, name: &str) -> Option<u32> {
        self.source_slots.get(name).copied()
    }
}
